// Reading and writing safetensors files: an 8-byte header length, a JSON header, raw little-endian data. The header is
// checked against the file's size before anything is allocated, so a damaged or hostile file is refused in words.
// Source: the safetensors format description (huggingface/safetensors README).
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

namespace temper {

struct TensorFile {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// Equal content gives equal bytes: names in order, no time stamps. Durable (fsync) but not atomic: callers write into a
/// staging folder. Throws DataError, e.g. on a full disk.
void write_safetensors(const std::filesystem::path& path, const TensorFile& content);
/// Throws DataError naming the file and what is wrong with it.
TensorFile read_safetensors(const std::filesystem::path& path);

}  // namespace temper
