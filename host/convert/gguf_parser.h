// The walk over a GGUF file's head: metadata and tensor descriptions. Used by gguf.cpp alone.
#pragma once

#include <cstdint>
#include <filesystem>
#include <istream>
#include <map>
#include <string>

#include "host/convert/gguf.h"

namespace temper {

struct GgufHead {
  std::map<std::string, GgufValue> metadata;
  std::map<std::string, GgufTensor> tensors;  ///< offsets are the file's
};

/// Bytes of one element of a type of fixed size; 0 for texts and arrays.
std::size_t element_size(GgufType type);
/// Throws DataError. `size` is the file's.
GgufHead parse_gguf_head(std::istream& stream, std::uint64_t size, const std::filesystem::path& path);

}  // namespace temper
