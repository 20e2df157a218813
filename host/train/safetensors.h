// Reading and writing safetensors files: an 8-byte header length, a JSON header, raw little-endian data. The header is
// checked against the file's size before anything is allocated, so a damaged or hostile file is refused in words. Tensors
// are streamed: neither side holds more than one that is not asked for. Checkpoints, import and export use it.
// Source: the safetensors format description (huggingface/safetensors README).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace temper {

/// What a header says of one tensor; the offsets count from the file's first byte.
struct TensorEntry {
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape;
  std::uint64_t begin = 0, end = 0;
};

/// An open file whose header has been checked: types known, sizes exact, tensors side by side without gaps or overlaps.
class SafetensorsFile {
 public:
  /// Throws DataError naming the file and what is wrong with it.
  explicit SafetensorsFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, TensorEntry>& entries() const { return entries_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  /// In the type it has in the file. The name has to be one of entries().
  at::Tensor read(const std::string& name) const;

 private:
  std::filesystem::path path_;
  mutable std::ifstream file_;
  std::map<std::string, TensorEntry> entries_;
  std::map<std::string, std::string> metadata_;
};

struct TensorFile {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};

/// A tensor to be written, made only when its turn comes. `make` gives exactly this type and shape.
struct TensorSource {
  at::ScalarType type = at::kFloat;
  std::vector<std::int64_t> shape;
  std::function<at::Tensor()> make;
  std::uint64_t bytes() const;
};

/// Equal content gives equal bytes: names in order, no time stamps. Durable (fsync) but not atomic: callers write into a
/// staging folder. Throws DataError, e.g. on a full disk.
void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorSource>& tensors,
                       const std::map<std::string, std::string>& metadata);
void write_safetensors(const std::filesystem::path& path, const TensorFile& content);
/// All of a file.
TensorFile read_safetensors(const std::filesystem::path& path);

}  // namespace temper
