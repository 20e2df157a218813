// Linear layer and cross-entropy as one autograd function that works through slices of positions: logits of a slice are
// turned into their own gradient in place, so that memory stays at one slice instead of N x V several times over.
// The idea of computing the gradient already in the forward pass: Hsu et al., "Liger Kernel" (2024).
// Shapes: N positions, D width, V vocabulary, C positions of one slice.
#include "temper/loss.h"

#include <ATen/ATen.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <limits>

#include "temper/batch.h"

namespace temper {
namespace {

/// Slices of about this many logits, but not fewer positions than keep the matrix products at full speed and the head's
/// gradient from being walked through too often.
constexpr std::int64_t kSliceLogits = std::int64_t{1} << 22;
constexpr std::int64_t kSlicePositions = 256;

std::int64_t slice_rows(std::int64_t positions, std::int64_t vocab) {
  return std::clamp<std::int64_t>(kSliceLogits / std::max<std::int64_t>(vocab, 1), 64,
                                  std::max<std::int64_t>(positions, 64));
}

at::Tensor slice_logits(const at::Tensor& hidden_CD, const at::Tensor& head_VD) {
  return at::linear(hidden_CD, head_VD).to(at::kFloat);
}

class LinearCrossEntropy : public torch::autograd::Function<LinearCrossEntropy> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden_ND,
                            const at::Tensor& head_VD, const at::Tensor& labels_N) {
    const at::Tensor counted_M = at::nonzero(labels_N != kIgnoreLabel).flatten();
    const bool all = counted_M.size(0) == labels_N.size(0);
    const at::Tensor hidden_MD = all ? hidden_ND : hidden_ND.index_select(0, counted_M);
    const at::Tensor labels_M = all ? labels_N : labels_N.index_select(0, counted_M);
    const std::int64_t positions = hidden_MD.size(0);
    const bool need_hidden = hidden_ND.requires_grad(), need_head = head_VD.requires_grad();
    at::Tensor sum = at::zeros({}, hidden_ND.options().dtype(at::kFloat));
    at::Tensor grad_hidden_MD = need_hidden ? at::empty_like(hidden_MD) : at::Tensor();
    at::Tensor grad_head_VD = need_head ? at::zeros_like(head_VD) : at::Tensor();
    const std::int64_t rows = slice_rows(positions, head_VD.size(0));
    for (std::int64_t start = 0; start < positions; start += rows) {
      const std::int64_t count = std::min(rows, positions - start);
      const at::Tensor hidden_CD = hidden_MD.narrow(0, start, count);
      const at::Tensor labels_C1 = labels_M.narrow(0, start, count).unsqueeze(1);
      at::Tensor logits_CV = slice_logits(hidden_CD, head_VD);
      const at::Tensor label_logits_C1 = logits_CV.gather(1, labels_C1);
      if (!need_hidden && !need_head) {
        sum.add_((logits_CV.logsumexp(1, true) - label_logits_C1).sum());
        continue;
      }
      // log-softmax in one fused pass; its exponential minus the one-hot label is the gradient.
      at::Tensor log_probs_CV = at::log_softmax(logits_CV, 1);
      logits_CV.reset();
      sum.sub_(log_probs_CV.gather(1, labels_C1).sum());
      at::Tensor grad_CV = log_probs_CV.exp_();
      grad_CV.scatter_add_(1, labels_C1, at::full_like(labels_C1, -1, grad_CV.options()));
      grad_CV = grad_CV.to(hidden_CD.scalar_type());
      if (need_hidden) {
        at::Tensor part_CD = grad_hidden_MD.narrow(0, start, count);
        part_CD.copy_(at::mm(grad_CV, head_VD.to(grad_CV.scalar_type())));
      }
      if (need_head) {
        if (grad_head_VD.scalar_type() == grad_CV.scalar_type()) {
          grad_head_VD.addmm_(grad_CV.t(), hidden_CD);
        } else {
          grad_head_VD.add_(at::mm(grad_CV.t(), hidden_CD));
        }
      }
    }
    if (need_hidden && !all) {
      at::Tensor scattered_ND = at::zeros_like(hidden_ND);
      scattered_ND.index_copy_(0, counted_M, grad_hidden_MD);
      grad_hidden_MD = scattered_ND;
    }
    context->saved_data["grad_hidden"] = grad_hidden_MD;
    context->saved_data["grad_head"] = grad_head_VD;
    return sum;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grad_outputs) {
    const auto scaled = [&](const char* key) {
      const auto& value = context->saved_data[key];
      if (!value.isTensor() || !value.toTensor().defined()) return at::Tensor();
      at::Tensor grad = value.toTensor();
      return grad * grad_outputs[0].to(grad.scalar_type());
    };
    return {scaled("grad_hidden"), scaled("grad_head"), at::Tensor()};
  }
};

/// log p(label) and entropy at one temperature. Forward keeps only the log-normaliser of each position; backward makes the
/// logits of a slice anew. With p the distribution, l its logarithm and H its entropy:
/// d l_label / d logit = (onehot - p) / T and d H / d logit = -p (l + H) / T.
class TokenLogProbsFunction : public torch::autograd::Function<TokenLogProbsFunction> {
 public:
  static torch::autograd::variable_list forward(torch::autograd::AutogradContext* context, const at::Tensor& hidden_ND,
                                                const at::Tensor& head_VD, const at::Tensor& labels_N, double temperature) {
    const at::Tensor counted_M = at::nonzero(labels_N != kIgnoreLabel).flatten();
    const std::int64_t counted = counted_M.size(0);
    const auto zeros = [&](std::int64_t size) { return at::zeros({size}, hidden_ND.options().requires_grad(false)); };
    at::Tensor log_probs_N = zeros(labels_N.size(0)), entropy_N = zeros(labels_N.size(0));
    at::Tensor normaliser_M = zeros(counted);
    const std::int64_t rows = slice_rows(counted, head_VD.size(0));
    for (std::int64_t start = 0; start < counted; start += rows) {
      const at::Tensor index_C = counted_M.narrow(0, start, std::min(rows, counted - start));
      const at::Tensor scaled_CV = at::linear(hidden_ND.index_select(0, index_C), head_VD).div_(temperature);
      const at::Tensor normaliser_C = scaled_CV.logsumexp(1);
      const at::Tensor label_C = scaled_CV.gather(1, labels_N.index_select(0, index_C).unsqueeze(1)).squeeze(1);
      log_probs_N.index_copy_(0, index_C, label_C - normaliser_C);
      const at::Tensor probs_CV = (scaled_CV - normaliser_C.unsqueeze(1)).exp_();
      entropy_N.index_copy_(0, index_C, normaliser_C - probs_CV.mul_(scaled_CV).sum(1));
      normaliser_M.narrow(0, start, index_C.size(0)).copy_(normaliser_C);
    }
    context->save_for_backward({hidden_ND, head_VD, labels_N, counted_M, normaliser_M, entropy_N});
    context->saved_data["temperature"] = temperature;
    return {log_probs_N, entropy_N};
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 torch::autograd::variable_list grads) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &hidden_ND = saved[0], &head_VD = saved[1], &labels_N = saved[2], &counted_M = saved[3];
    const at::Tensor &normaliser_M = saved[4], &entropy_N = saved[5];
    const double temperature = context->saved_data["temperature"].toDouble();
    const bool need_hidden = context->needs_input_grad(0), need_head = context->needs_input_grad(1);
    at::Tensor grad_hidden_ND = need_hidden ? at::zeros_like(hidden_ND) : at::Tensor();
    at::Tensor grad_head_VD = need_head ? at::zeros_like(head_VD) : at::Tensor();
    const std::int64_t counted = counted_M.size(0);
    const std::int64_t rows = slice_rows(counted, head_VD.size(0));
    for (std::int64_t start = 0; start < counted; start += rows) {
      const std::int64_t count = std::min(rows, counted - start);
      const at::Tensor index_C = counted_M.narrow(0, start, count);
      const at::Tensor hidden_CD = hidden_ND.index_select(0, index_C);
      at::Tensor log_probs_CV = at::linear(hidden_CD, head_VD).div_(temperature);
      log_probs_CV.sub_(normaliser_M.narrow(0, start, count).unsqueeze(1));
      const at::Tensor probs_CV = log_probs_CV.exp();
      at::Tensor grad_CV = at::zeros_like(probs_CV);
      if (grads[0].defined()) {
        const at::Tensor weight_C1 = grads[0].index_select(0, index_C).unsqueeze(1);
        grad_CV.sub_(probs_CV * weight_C1);
        grad_CV.scatter_add_(1, labels_N.index_select(0, index_C).unsqueeze(1), weight_C1);
      }
      if (grads[1].defined()) {
        const at::Tensor weight_C1 = grads[1].index_select(0, index_C).unsqueeze(1);
        log_probs_CV.add_(entropy_N.index_select(0, index_C).unsqueeze(1)).mul_(probs_CV).mul_(weight_C1);
        grad_CV.sub_(log_probs_CV);
      }
      grad_CV.div_(temperature);
      if (need_hidden) grad_hidden_ND.index_copy_(0, index_C, at::mm(grad_CV, head_VD));
      if (need_head) grad_head_VD.addmm_(grad_CV.t(), hidden_CD);
    }
    return {grad_hidden_ND, grad_head_VD, at::Tensor(), at::Tensor()};
  }
};

}  // namespace

TokenLogProbs token_log_probs(const at::Tensor& hidden_ND, const at::Tensor& head_VD, const at::Tensor& labels_N,
                              double temperature) {
  if (!(temperature > 0)) {
    throw PluginError("token_log_probs at temperature " + std::to_string(temperature) + ": it has to be above 0");
  }
  const auto both = TokenLogProbsFunction::apply(hidden_ND, head_VD, labels_N, temperature);
  return {both[0], both[1]};
}

SummedLoss linear_cross_entropy(const at::Tensor& hidden_ND, const at::Tensor& head_VD, const at::Tensor& labels_N) {
  SummedLoss loss;
  loss.target_tokens = (labels_N != kIgnoreLabel).sum().item<std::int64_t>();
  const bool grad = at::GradMode::is_enabled() && (hidden_ND.requires_grad() || head_VD.requires_grad());
  if (grad) {
    loss.sum = LinearCrossEntropy::apply(hidden_ND, head_VD, labels_N);
    return loss;
  }
  const at::NoGradGuard guard;
  loss.sum = -linear_log_probs(hidden_ND, head_VD, labels_N).sum();
  return loss;
}

at::Tensor linear_log_probs(const at::Tensor& hidden_ND, const at::Tensor& head_VD, const at::Tensor& labels_N,
                            at::Tensor* is_argmax_N) {
  const at::NoGradGuard guard;
  const std::int64_t positions = hidden_ND.size(0);
  at::Tensor log_probs_N = at::zeros({positions}, hidden_ND.options().dtype(at::kFloat));
  if (is_argmax_N != nullptr) *is_argmax_N = at::zeros({positions}, hidden_ND.options().dtype(at::kBool));
  const at::Tensor counted_M = at::nonzero(labels_N != kIgnoreLabel).flatten();
  const std::int64_t counted = counted_M.size(0);
  const std::int64_t rows = slice_rows(counted, head_VD.size(0));
  for (std::int64_t start = 0; start < counted; start += rows) {
    const at::Tensor index_C = counted_M.narrow(0, start, std::min(rows, counted - start));
    const at::Tensor logits_CV = slice_logits(hidden_ND.index_select(0, index_C), head_VD);
    const at::Tensor labels_C = labels_N.index_select(0, index_C);
    const at::Tensor label_logits_C = logits_CV.gather(1, labels_C.unsqueeze(1)).squeeze(1);
    log_probs_N.index_copy_(0, index_C, label_logits_C - logits_CV.logsumexp(1));
    if (is_argmax_N != nullptr) is_argmax_N->index_copy_(0, index_C, logits_CV.argmax(1) == labels_C);
  }
  return log_probs_N;
}

}  // namespace temper
