// Rotary scaling of GGUF files (see gguf_rope.h).
#include "host/convert/gguf_rope.h"

#include <ATen/ATen.h>

#include <cmath>
#include <numbers>

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

// Llama 3.1 and 3.2 differ in the factor alone; the file keeps only what follows from these numbers.
constexpr double kLow = 1, kHigh = 4, kTrained = 8192;

/// By how much each frequency is divided (the rule of Llama 3.1).
double llama3_factor(double wavelength, double factor) {
  if (wavelength < kTrained / kHigh) return 1;
  if (wavelength > kTrained / kLow) return factor;
  const double smooth = (kTrained / wavelength - kLow) / (kHigh - kLow);
  return 1 / ((1 - smooth) / factor + smooth);
}

Json llama3_scaling(const GgufFile& file, const GgufTensor& tensor, double base, std::int64_t head_width) {
  const at::Tensor factors = file.read(tensor);
  const double factor = factors.numel() > 0 ? factors.max().item<double>() : 0;
  bool fits = factors.dim() == 1 && factors.numel() * 2 == head_width && factor >= 1;
  for (std::int64_t i = 0; fits && i < factors.numel(); ++i) {
    const double wavelength =
        2 * std::numbers::pi * std::pow(base, 2.0 * static_cast<double>(i) / static_cast<double>(head_width));
    const double expected = llama3_factor(wavelength, factor);
    fits = std::abs(factors[i].item<double>() - expected) <= 1e-4 * expected;
  }
  if (!fits) file.refuse("its tensor '" + tensor.name + "' scales the rotary positions in another way than Llama 3 does");
  return {{"rope_type", "llama3"},
          {"factor", factor},
          {"low_freq_factor", kLow},
          {"high_freq_factor", kHigh},
          {"original_max_position_embeddings", static_cast<std::int64_t>(kTrained)}};
}

}  // namespace

Json rope_scaling_of(const GgufFile& file, const std::string& architecture, double base, std::int64_t head_width) {
  const auto tensor = file.tensors().find("rope_freqs.weight");
  if (tensor != file.tensors().end()) return llama3_scaling(file, tensor->second, base, head_width);
  const std::string type = file.text(architecture + ".rope.scaling.type").value_or("none");
  if (type == "none") return nullptr;
  if (type != "linear") file.refuse("its rotary scaling is '" + type + "'; temper reads none, linear and Llama 3's");
  const auto factor = file.number(architecture + ".rope.scaling.factor");
  if (!factor) file.refuse("its rotary scaling is linear but has no factor");
  return {{"rope_type", "linear"}, {"factor", *factor}};
}

}  // namespace temper
