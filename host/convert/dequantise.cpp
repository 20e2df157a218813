// Blocks to float32 (see dequantise.h). Source of the layouts: ggml-common.h and ggml-quants.c of ggml.
#include "host/convert/dequantise.h"

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

namespace temper {
namespace {

static_assert(std::endian::native == std::endian::little, "GGUF data is little-endian");

constexpr GgmlFormat kFormats[] = {
    {"F32", GgmlType::kF32, 1, 4},       {"F16", GgmlType::kF16, 1, 2},       {"BF16", GgmlType::kBF16, 1, 2},
    {"Q4_0", GgmlType::kQ4_0, 32, 18},   {"Q4_1", GgmlType::kQ4_1, 32, 20},   {"Q5_0", GgmlType::kQ5_0, 32, 22},
    {"Q5_1", GgmlType::kQ5_1, 32, 24},   {"Q8_0", GgmlType::kQ8_0, 32, 34},   {"Q4_K", GgmlType::kQ4_K, 256, 144},
    {"Q5_K", GgmlType::kQ5_K, 256, 176}, {"Q6_K", GgmlType::kQ6_K, 256, 210},
};

struct Label {
  std::uint32_t type;
  const char* name;
};
constexpr Label kOthers[] = {{9, "Q8_1"},     {10, "Q2_K"},  {11, "Q3_K"},   {15, "Q8_K"},  {16, "IQ2_XXS"}, {17, "IQ2_XS"},
                             {18, "IQ3_XXS"}, {19, "IQ1_S"}, {20, "IQ4_NL"}, {21, "IQ3_S"}, {22, "IQ2_S"},   {23, "IQ4_XS"},
                             {24, "I8"},      {25, "I16"},   {26, "I32"},    {27, "I64"},   {28, "F64"},     {29, "IQ1_M"},
                             {34, "TQ1_0"},   {35, "TQ2_0"}, {39, "MXFP4"}};

float half_at(const std::uint8_t* data) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, data, sizeof bits);
  return static_cast<float>(c10::Half(bits, c10::Half::from_bits()));
}

std::uint32_t word_at(const std::uint8_t* data) {
  std::uint32_t word = 0;
  std::memcpy(&word, data, sizeof word);
  return word;
}

/// Q4_0, Q4_1, Q5_0, Q5_1: a scale, a minimum or a fixed offset, a fifth bit apart from the other four.
void nibbles(const std::uint8_t* block, bool has_minimum, bool has_fifth_bit, float* out) {
  const float scale = half_at(block);
  const float minimum = has_minimum ? half_at(block + 2) : 0.0F;
  block += has_minimum ? 4 : 2;
  const std::uint32_t high = has_fifth_bit ? word_at(block) : 0;
  block += has_fifth_bit ? 4 : 0;
  const int offset = has_minimum ? 0 : (has_fifth_bit ? 16 : 8);
  for (int i = 0; i < 32; ++i) {
    const int low = i < 16 ? block[i] & 0xF : block[i - 16] >> 4;
    const int quant = (low | static_cast<int>((high >> i & 1U) << 4)) - offset;
    const float scaled = scale * static_cast<float>(quant);
    out[i] = has_minimum ? scaled + minimum : scaled;
  }
}

/// The eight 6-bit scales and minima that Q4_K and Q5_K pack into 12 bytes.
void unpack_scales(const std::uint8_t* packed, std::array<std::uint8_t, 8>& scales, std::array<std::uint8_t, 8>& minima) {
  for (std::size_t i = 0; i < 4; ++i) {
    scales[i] = packed[i] & 0x3F;
    minima[i] = packed[i + 4] & 0x3F;
    scales[i + 4] = static_cast<std::uint8_t>((packed[i + 8] & 0x0F) | (packed[i] >> 2 & 0x30));
    minima[i + 4] = static_cast<std::uint8_t>((packed[i + 8] >> 4) | (packed[i + 4] >> 2 & 0x30));
  }
}

void super_block_4_5(const std::uint8_t* block, bool has_fifth_bit, float* out) {
  const float scale = half_at(block), minimum = half_at(block + 2);
  std::array<std::uint8_t, 8> scales{}, minima{};
  unpack_scales(block + 4, scales, minima);
  const std::uint8_t* high = block + 16;
  const std::uint8_t* low = block + (has_fifth_bit ? 48 : 16);
  for (std::size_t group = 0; group < 8; ++group) {
    const float group_scale = scale * static_cast<float>(scales[group]);
    const float group_minimum = minimum * static_cast<float>(minima[group]);
    for (std::size_t i = 0; i < 32; ++i) {
      const std::uint8_t pair = low[group / 2 * 32 + i];
      int quant = group % 2 == 0 ? pair & 0xF : pair >> 4;
      if (has_fifth_bit) quant |= (high[i] >> group & 1) << 4;
      out[group * 32 + i] = group_scale * static_cast<float>(quant) - group_minimum;
    }
  }
}

void super_block_6(const std::uint8_t* block, float* out) {
  const std::uint8_t *low = block, *high = block + 128, *scales = block + 192;
  const float scale = half_at(block + 208);
  for (std::size_t i = 0; i < 256; ++i) {
    // Each half of the block has four runs of 32: the low bits of runs 0 and 2 (1 and 3) share bytes, the high bits all
    // four.
    const std::size_t half = i / 128, run = i % 128 / 32, at = i % 32;
    const std::uint8_t pair = low[half * 64 + run % 2 * 32 + at];
    const int low_bits = run < 2 ? pair & 0xF : pair >> 4;
    const int high_bits = high[half * 32 + at] >> (2 * run) & 3;
    const float group_scale = scale * static_cast<float>(static_cast<std::int8_t>(scales[i / 16]));
    out[i] = group_scale * static_cast<float>((low_bits | high_bits << 4) - 32);
  }
}

void block_8(const std::uint8_t* block, float* out) {
  const float scale = half_at(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<float>(static_cast<std::int8_t>(block[2 + i])) * scale;
}

}  // namespace

const GgmlFormat* find_format(std::uint32_t type) {
  const auto* found = std::find_if(std::begin(kFormats), std::end(kFormats), [&](const GgmlFormat& format) {
    return static_cast<std::uint32_t>(format.type) == type;
  });
  return found == std::end(kFormats) ? nullptr : found;
}

std::string format_names() {
  std::string names;
  for (const auto& format : kFormats) names += (names.empty() ? "" : ", ") + std::string(format.name);
  return names;
}

std::string type_label(std::uint32_t type) {
  if (const GgmlFormat* format = find_format(type)) return format->name;
  for (const auto& other : kOthers) {
    if (other.type == type) return other.name;
  }
  return "number " + std::to_string(type);
}

void dequantise(GgmlType type, const std::uint8_t* data, std::uint64_t blocks, float* out) {
  const GgmlFormat& format = *find_format(static_cast<std::uint32_t>(type));
  if (type == GgmlType::kF32) {
    std::memcpy(out, data, blocks * sizeof(float));
    return;
  }
  for (std::uint64_t i = 0; i < blocks; ++i, data += format.block_bytes, out += format.block_elements) {
    switch (type) {
      case GgmlType::kF32:
        break;
      case GgmlType::kF16:
        *out = half_at(data);
        break;
      case GgmlType::kBF16:
        *out = std::bit_cast<float>(static_cast<std::uint32_t>(data[0] << 16) | static_cast<std::uint32_t>(data[1]) << 24);
        break;
      case GgmlType::kQ4_0:
        nibbles(data, false, false, out);
        break;
      case GgmlType::kQ4_1:
        nibbles(data, true, false, out);
        break;
      case GgmlType::kQ5_0:
        nibbles(data, false, true, out);
        break;
      case GgmlType::kQ5_1:
        nibbles(data, true, true, out);
        break;
      case GgmlType::kQ8_0:
        block_8(data, out);
        break;
      case GgmlType::kQ4_K:
        super_block_4_5(data, false, out);
        break;
      case GgmlType::kQ5_K:
        super_block_4_5(data, true, out);
        break;
      case GgmlType::kQ6_K:
        super_block_6(data, out);
        break;
    }
  }
}

}  // namespace temper
