// Rotary frequencies and their tables of cosines and sines.
// Sources: Su et al., "RoFormer" (2021); Llama 3's scaling as in its published code: wave lengths above
// trained / low_frequency are stretched by the factor, those below trained / high_frequency are kept, in between blended.
// Shapes: T positions, N rows of activations, R half the head width.
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numbers>

#include "llama.h"

namespace temper::llama {

at::Tensor rope_frequencies(const LlamaParams& params) {
  const std::int64_t half = params.head_width / 2;
  at::Tensor frequencies_R = at::empty({half}, at::kDouble);
  auto* out = frequencies_R.data_ptr<double>();
  const auto trained = static_cast<double>(params.rope_trained_positions);
  for (std::int64_t r = 0; r < half; ++r) {
    const double plain = std::pow(params.rope_base, -static_cast<double>(r) / static_cast<double>(half));
    out[r] = plain;
    if (params.rope_scaling == "linear") out[r] = plain / params.rope_factor;
    if (params.rope_scaling != "llama3") continue;
    const double wave = 2 * std::numbers::pi / plain;
    if (wave > trained / params.rope_low_frequency) {
      out[r] = plain / params.rope_factor;
    } else if (wave > trained / params.rope_high_frequency) {
      const double kept =
          (trained / wave - params.rope_low_frequency) / (params.rope_high_frequency - params.rope_low_frequency);
      out[r] = (1 - kept) * plain / params.rope_factor + kept * plain;
    }
  }
  return frequencies_R;
}

Angles Llama::angles(const at::Tensor& positions) {
  const at::NoGradGuard guard;
  const std::int64_t needed = positions.max().item<std::int64_t>() + 1;
  const std::int64_t have = table_.cos_TR.defined() ? table_.cos_TR.size(0) : 0;
  if (needed > have) {
    // Powers of two, so that decoding does not rebuild the tables at every step. Angles in double: at position 100,000
    // float32 would be off by half a degree.
    std::int64_t size = 64;
    while (size < needed) size *= 2;
    const at::Tensor angles_TR = at::arange(size, at::kDouble).unsqueeze(1) * rope_frequencies(params_).unsqueeze(0);
    const auto options = token_embedding_VD_.options().dtype(at::kFloat);
    table_ = {angles_TR.cos().to(options), angles_TR.sin().to(options)};
  }
  const at::Tensor flat_N = positions.flatten();
  return {table_.cos_TR.index_select(0, flat_N), table_.sin_TR.index_select(0, flat_N)};
}

}  // namespace temper::llama
