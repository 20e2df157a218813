// The number formats of GGUF tensors: names, block sizes, and blocks turned into float32. The layouts are ggml's; results
// are bit-equal to the `gguf` package's numpy code (tests/reference/convert). Called by gguf.cpp, which has checked all
// sizes.
#pragma once

#include <cstdint>
#include <string>

namespace temper {

/// Numbers as they stand in the file.
enum class GgmlType : std::uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kBF16 = 30,
};

/// A row is a whole number of blocks.
struct GgmlFormat {
  const char* name;
  GgmlType type;
  std::uint64_t block_elements, block_bytes;
};

/// nullptr for a type that is not supported.
const GgmlFormat* find_format(std::uint32_t type);
/// "F32, F16, ...": for messages.
std::string format_names();
/// The name of any type of ggml's, also of one that is not supported: "Q2_K", or "number 77".
std::string type_label(std::uint32_t type);

/// Writes blocks * block_elements floats.
void dequantise(GgmlType type, const std::uint8_t* data, std::uint64_t blocks, float* out);

}  // namespace temper
