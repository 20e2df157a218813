// Tensors on top of the kernels (see inference.h). Each function decides whether its kernel applies: CPU, float32, dense, no
// gradient wanted, few rows; everything else goes to LibTorch's operators.
// Shapes: N rows, I inputs, O outputs, J groups of a row, H heads, G key heads, K head width, M room.
#include "temper/inference.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "kernels.h"

namespace temper {
namespace {

/// Above this many rows a matrix product does enough arithmetic a byte for LibTorch's GEMM to be the faster one.
constexpr std::int64_t kFewRows = 24;

bool plain(const at::Tensor& x) {
  return x.device().is_cpu() && x.scalar_type() == at::kFloat && !(at::GradMode::is_enabled() && x.requires_grad());
}

bool use_kernels(std::initializer_list<at::Tensor> tensors) {
  return kernels::available() && std::all_of(tensors.begin(), tensors.end(), [](const auto& t) { return plain(t); });
}

}  // namespace

InferenceLinear::InferenceLinear(const at::Tensor& weight_OI, const at::Tensor& bias_O, WeightFormat format)
    : weight_OI_(weight_OI.detach()), bias_O_(bias_O.defined() ? bias_O.detach() : bias_O), inputs_(weight_OI.size(1)) {
  // Groups do not fill a row of another width; such a layer stays as it is.
  if (format != WeightFormat::kInt8 || inputs_ % kernels::kGroup != 0) return;
  const at::NoGradGuard guard;
  const at::Tensor grouped_OJW = weight_OI_.to(at::kFloat).unflatten(1, {-1, kernels::kGroup});
  scale_OG_ = (grouped_OJW.abs().amax(-1) / 127.0).clamp_min_(std::numeric_limits<float>::min()).contiguous();
  weight_OI_ = (grouped_OJW / scale_OG_.unsqueeze(-1)).round_().to(at::kChar).flatten(1).contiguous();
}

at::Tensor InferenceLinear::weight() const {
  if (!scale_OG_.defined()) return weight_OI_;
  return (weight_OI_.to(at::kFloat).unflatten(1, {-1, kernels::kGroup}) * scale_OG_.unsqueeze(-1)).flatten(1);
}

at::Tensor InferenceLinear::operator()(const at::Tensor& x) const {
  const std::int64_t rows = x.numel() / inputs_;
  const bool few = rows <= kFewRows && use_kernels({x}) && weight_OI_.device().is_cpu() && weight_OI_.is_contiguous() &&
                   (scale_OG_.defined() || weight_OI_.scalar_type() == at::kFloat);
  if (!few) return at::linear(x, weight().to(x.scalar_type()), bias_O_);
  const at::Tensor dense = x.contiguous();
  auto shape = x.sizes().vec();
  shape.back() = weight_OI_.size(0);
  at::Tensor y = at::empty(shape, x.options());
  const float* bias = bias_O_.defined() ? bias_O_.const_data_ptr<float>() : nullptr;
  const float* in = dense.const_data_ptr<float>();
  auto* out = y.mutable_data_ptr<float>();
  if (scale_OG_.defined()) {
    kernels::linear_int8(in, rows, inputs_, weight_OI_.const_data_ptr<std::int8_t>(), scale_OG_.const_data_ptr<float>(),
                         bias, out, shape.back(), at::get_num_threads());
  } else {
    kernels::linear_float(in, rows, inputs_, weight_OI_.const_data_ptr<float>(), bias, out, shape.back(),
                          at::get_num_threads());
  }
  return y;
}

at::Tensor attend_cached(const at::Tensor& q_BHK, const LayerCache& cache, std::span<const std::int64_t> places,
                         std::span<const std::int64_t> lengths, double scale, const at::Tensor& bias_BHM) {
  const std::int64_t rows = q_BHK.size(0), heads = q_BHK.size(1), width = q_BHK.size(2);
  const std::int64_t key_heads = cache.keys_PGMK.size(1), room = cache.keys_PGMK.size(2);
  const at::Tensor q = q_BHK.contiguous(), bias = bias_BHM.defined() ? bias_BHM.contiguous() : bias_BHM;
  if (width % 8 == 0 && use_kernels({q, cache.keys_PGMK, cache.values_PGMK}) && (!bias.defined() || plain(bias))) {
    at::Tensor y_BHK = at::empty_like(q);
    kernels::Attention work{};
    work.queries = q.const_data_ptr<float>();
    work.keys = cache.keys_PGMK.const_data_ptr<float>();
    work.values = cache.values_PGMK.const_data_ptr<float>();
    if (bias.defined()) {
      work.bias = bias.const_data_ptr<float>();
      work.bias_room = bias.size(2);
    }
    work.places = places.data();
    work.lengths = lengths.data();
    work.output = y_BHK.mutable_data_ptr<float>();
    work.rows = rows, work.heads = heads, work.key_heads = key_heads, work.width = width, work.room = room;
    work.scale = static_cast<float>(scale);
    kernels::attend(work, at::get_num_threads());
    return y_BHK;
  }
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const auto index = [&](std::span<const std::int64_t> values) {
    return at::tensor(at::ArrayRef<std::int64_t>(values.data(), values.size()), at::kLong).to(q.device());
  };
  const at::Tensor rows_B = index(places);
  const auto gathered = [&](const at::Tensor& all_PGMK) {
    return all_PGMK.narrow(2, 0, longest).index_select(0, rows_B).repeat_interleave(heads / key_heads, 1);
  };
  at::Tensor scores_BHM = at::matmul(gathered(cache.keys_PGMK), q.unsqueeze(-1)).squeeze(-1) * scale;
  if (bias.defined()) scores_BHM = scores_BHM + bias.narrow(2, 0, longest);
  const at::Tensor beyond_BM = at::arange(longest, rows_B.options()).unsqueeze(0) >= index(lengths).unsqueeze(1);
  scores_BHM = scores_BHM.masked_fill(beyond_BM.unsqueeze(1), -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores_BHM, -1).unsqueeze(2), gathered(cache.values_PGMK)).squeeze(2);
}

at::Tensor rms_norm(const at::Tensor& x, const at::Tensor& weight_D, double epsilon) {
  if (use_kernels({x, weight_D})) {
    const at::Tensor dense = x.contiguous();
    at::Tensor y = at::empty_like(dense);
    const std::int64_t width = x.size(-1);
    kernels::rms_norm(dense.const_data_ptr<float>(), weight_D.const_data_ptr<float>(), static_cast<float>(epsilon),
                      y.mutable_data_ptr<float>(), x.numel() / width, width, at::get_num_threads());
    return y;
  }
  const at::Tensor wide = x.to(at::kFloat);
  return (wide * at::rsqrt(wide.square().mean(-1, true) + epsilon)).to(x.scalar_type()) * weight_D;
}

at::Tensor rotary(const at::Tensor& x_NHK, const at::Tensor& cos_NR, const at::Tensor& sin_NR) {
  const std::int64_t width = x_NHK.size(2);
  if (width % 16 == 0 && use_kernels({x_NHK, cos_NR, sin_NR})) {
    const at::Tensor dense = x_NHK.contiguous();
    at::Tensor y = at::empty_like(dense);
    kernels::rotary(dense.const_data_ptr<float>(), cos_NR.contiguous().const_data_ptr<float>(),
                    sin_NR.contiguous().const_data_ptr<float>(), y.mutable_data_ptr<float>(), dense.size(0), dense.size(1),
                    width, at::get_num_threads());
    return y;
  }
  const at::Tensor a = x_NHK.narrow(2, 0, width / 2), b = x_NHK.narrow(2, width / 2, width / 2);
  const at::Tensor cos = cos_NR.unsqueeze(1).to(x_NHK.scalar_type()), sin = sin_NR.unsqueeze(1).to(x_NHK.scalar_type());
  return at::cat({a * cos - b * sin, b * cos + a * sin}, 2);
}

at::Tensor silu_times(const at::Tensor& gate, const at::Tensor& up) {
  if (!use_kernels({gate, up})) return at::silu(gate) * up;
  const at::Tensor g = gate.contiguous(), u = up.contiguous();
  at::Tensor y = at::empty_like(g);
  kernels::silu_times(g.const_data_ptr<float>(), u.const_data_ptr<float>(), y.mutable_data_ptr<float>(), g.numel(),
                      at::get_num_threads());
  return y;
}

}  // namespace temper
