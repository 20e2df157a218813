// Tensors on top of the kernels (see inference.h). Each function decides whether its kernel applies: CPU, float32, dense, no
// gradient wanted, few rows; everything else goes to LibTorch's operators.
// Shapes: N rows, I inputs, O outputs, J groups of a row, H heads, G key heads, K head width, M room.
#include "temper/inference.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <limits>

#include "exact_weights.h"
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

at::Tensor index_tensor(std::span<const std::int64_t> values, const at::Tensor& like) {
  return at::tensor(at::ArrayRef<std::int64_t>(values.data(), values.size()), at::kLong).to(like.device());
}

/// softmax(scale q k' + bias) v with the masked scores out of it, over the last two dimensions.
at::Tensor masked_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, double scale,
                            const at::Tensor& bias, const at::Tensor& masked) {
  at::Tensor scores = at::matmul(q, k.transpose(-2, -1)) * scale;
  if (bias.defined()) scores = scores + bias;
  return at::matmul(at::softmax(scores.masked_fill(masked, -std::numeric_limits<double>::infinity()), -1), v);
}

/// What rows of these lengths must not see of `longest` keys.
at::Tensor beyond(std::span<const std::int64_t> lengths, std::int64_t longest, const at::Tensor& like) {
  const at::Tensor lengths_B1 = index_tensor(lengths, like).unsqueeze(1);
  return at::arange(longest, lengths_B1.options()).unsqueeze(0) >= lengths_B1;
}

/// Attention of rows with a place each.
at::Tensor attend_gathered(const at::Tensor& q_BHK, const LayerCache& cache, std::span<const std::int64_t> places,
                           std::span<const std::int64_t> lengths, double scale, const at::Tensor& bias_BHM) {
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const at::Tensor rows_B = index_tensor(places, q_BHK);
  const auto gathered = [&](const at::Tensor& all_PGMK) {
    return all_PGMK.narrow(2, 0, longest).index_select(0, rows_B).repeat_interleave(q_BHK.size(1) / all_PGMK.size(1), 1);
  };
  const at::Tensor bias_BH1M = bias_BHM.defined() ? bias_BHM.narrow(2, 0, longest).unsqueeze(2) : bias_BHM;
  const at::Tensor beyond_B11M = beyond(lengths, longest, q_BHK).unsqueeze(1).unsqueeze(1);
  return masked_attention(q_BHK.unsqueeze(2), gathered(cache.keys_PGMK), gathered(cache.values_PGMK), scale, bias_BH1M,
                          beyond_B11M)
      .squeeze(2);
}

/// Attention of rows that share one place.
at::Tensor attend_place(const at::Tensor& q_BHK, const LayerCache& cache, std::int64_t place,
                        std::span<const std::int64_t> lengths, double scale, const at::Tensor& bias_BHM) {
  const std::int64_t longest = *std::max_element(lengths.begin(), lengths.end());
  const auto of_place = [&](const at::Tensor& all_PGMK) {
    return all_PGMK.select(0, place).narrow(1, 0, longest).repeat_interleave(q_BHK.size(1) / all_PGMK.size(1), 0);
  };
  const at::Tensor bias_HBM = bias_BHM.defined() ? bias_BHM.narrow(2, 0, longest).transpose(0, 1) : bias_BHM;
  return masked_attention(q_BHK.transpose(0, 1), of_place(cache.keys_PGMK), of_place(cache.values_PGMK), scale, bias_HBM,
                          beyond(lengths, longest, q_BHK))
      .transpose(0, 1);
}

}  // namespace

InferenceLinear::InferenceLinear(const at::Tensor& weight_OI, const at::Tensor& bias_O, WeightFormat format)
    : weight_OI_(weight_OI.detach()), bias_O_(bias_O.defined() ? bias_O.detach() : bias_O), inputs_(weight_OI.size(1)) {
  const at::NoGradGuard guard;
  // Groups do not fill a row of another width; such a layer stays as it is.
  if (format == WeightFormat::kInt8 && inputs_ % kernels::kInt8Group == 0) {
    const at::Tensor grouped_OJW = weight_OI_.to(at::kFloat).unflatten(1, {-1, kernels::kInt8Group});
    scale_ = (grouped_OJW.abs().amax(-1) / 127.0).clamp_min_(std::numeric_limits<float>::min()).contiguous();
    small_OI_ = (grouped_OJW / scale_.unsqueeze(-1)).round_().to(at::kChar).flatten(1).contiguous();
    weight_OI_ = at::Tensor();
    held_ = kernels::Held::kInt8;
    return;
  }
  if (!kernels::available() || !plain(weight_OI_) || !weight_OI_.is_contiguous()) return;
  const ExactWeights exact = exact_weights(weight_OI_);
  held_ = exact.held;
  small_OI_ = exact.weight_OI;
  scale_ = exact.scale_OJ2;
}

at::Tensor InferenceLinear::weight() const {
  if (weight_OI_.defined()) return weight_OI_;
  return (small_OI_.to(at::kFloat).unflatten(1, {-1, kernels::kInt8Group}) * scale_.unsqueeze(-1)).flatten(1);
}

bool InferenceLinear::has_kernel_for(const at::Tensor& x) const {
  if (x.size(-1) != inputs_ || x.numel() > kFewRows * inputs_ || !use_kernels({x})) return false;
  if (small_OI_.defined()) return small_OI_.device().is_cpu();
  return weight_OI_.device().is_cpu() && weight_OI_.is_contiguous() && weight_OI_.scalar_type() == at::kFloat;
}

at::Tensor InferenceLinear::operator()(const at::Tensor& x) const { return of_one_input(x, {this}).front(); }

std::vector<at::Tensor> InferenceLinear::of_one_input(const at::Tensor& x,
                                                      std::initializer_list<const InferenceLinear*> layers) {
  std::vector<at::Tensor> results;
  results.reserve(layers.size());
  if (!std::all_of(layers.begin(), layers.end(), [&](const auto* layer) { return layer->has_kernel_for(x); })) {
    for (const auto* layer : layers) {
      results.push_back(at::linear(x, layer->weight().to(x.scalar_type()), layer->bias_O_));
    }
    return results;
  }
  const at::Tensor dense = x.contiguous();
  const std::int64_t inputs = x.size(-1);
  std::vector<kernels::Product> products;
  products.reserve(layers.size());
  for (const auto* layer : layers) {
    const at::Tensor& stored_OI = layer->small_OI_.defined() ? layer->small_OI_ : layer->weight_OI_;
    auto shape = x.sizes().vec();
    shape.back() = stored_OI.size(0);
    results.push_back(at::empty(shape, x.options()));
    kernels::Product& product = products.emplace_back();
    product.held = layer->held_;
    product.w = stored_OI.const_data_ptr();
    if (layer->scale_.defined()) product.scale = layer->scale_.const_data_ptr<float>();
    if (layer->bias_O_.defined()) product.bias = layer->bias_O_.const_data_ptr<float>();
    product.y = results.back().mutable_data_ptr<float>();
    product.outputs = shape.back();
  }
  kernels::multiply(dense.const_data_ptr<float>(), x.numel() / inputs, inputs, products, at::get_num_threads());
  return results;
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
  if (std::adjacent_find(places.begin(), places.end()) == places.end()) {
    return attend_gathered(q, cache, places, lengths, scale, bias);
  }
  // Rows of one place read its keys where they are; a copy for each row could be larger than the cache.
  std::vector<at::Tensor> parts;
  for (std::size_t first = 0; first < places.size();) {
    std::size_t last = first + 1;
    while (last < places.size() && places[last] == places[first]) ++last;
    const auto begin = static_cast<std::int64_t>(first), count = static_cast<std::int64_t>(last - first);
    parts.push_back(attend_place(q.narrow(0, begin, count), cache, places[first], lengths.subspan(first, last - first),
                                 scale, bias.defined() ? bias.narrow(0, begin, count) : bias));
    first = last;
  }
  return at::cat(parts, 0);
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
