// Newton's method on features read once (see probe.h).
#include "probe.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "reward_models.h"

namespace temper::reward_model {

LogisticFit fit_logistic(const at::Tensor& features_ND, const at::Tensor& labels_N, double strength) {
  const at::NoGradGuard guard;
  const at::Tensor x_ND = features_ND.to(at::kDouble), y_N = labels_N.to(at::kDouble);
  const at::Tensor mean_D = x_ND.mean(0);
  at::Tensor deviation_D = x_ND.std(0, /*unbiased=*/false);
  deviation_D = at::where(deviation_D > 0, deviation_D, at::ones_like(deviation_D));
  const std::int64_t n = x_ND.size(0), d = x_ND.size(1);
  // The bias is the last column; it has no penalty.
  const at::Tensor z_NE = at::cat({(x_ND - mean_D) / deviation_D, at::ones({n, 1}, at::kDouble)}, 1);
  at::Tensor penalty_E = at::full({d + 1}, 1 / strength, at::kDouble);
  penalty_E[d] = 0;
  at::Tensor w_E = at::zeros({d + 1}, at::kDouble);
  const auto loss = [&](const at::Tensor& weights_E) {
    const at::Tensor logits_N = z_NE.mv(weights_E);
    return (at::softplus(logits_N) - y_N * logits_N).sum().item<double>() +
           0.5 * (penalty_E * weights_E.square()).sum().item<double>();
  };
  constexpr int kSteps = 50;
  double last = loss(w_E);
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor p_N = z_NE.mv(w_E).sigmoid();
    const at::Tensor gradient_E = z_NE.t().mv(p_N - y_N) + penalty_E * w_E;
    const at::Tensor curvature_N = (p_N * (1 - p_N)).clamp_min(1e-10);
    const at::Tensor hessian_EE = z_NE.t().mm(z_NE * curvature_N.unsqueeze(1)) + at::diag(penalty_E);
    const at::Tensor direction_E = at::linalg_solve(hessian_EE, gradient_E);
    // A full step may go too far where the labels are separable.
    double scale = 1;
    while (scale > 1e-6 && loss(w_E - scale * direction_E) > last) scale /= 2;
    w_E = w_E - scale * direction_E;
    const double now = loss(w_E);
    if (last - now <= 1e-12 * (1 + last)) break;
    last = now;
  }
  const at::Tensor weight_D = w_E.narrow(0, 0, d) / deviation_D;
  return {weight_D, w_E[d].item<double>() - weight_D.dot(mean_D).item<double>()};
}

void probe(Architecture& model, stages::RewardHead& head, const LabelledAnswers& answers, std::int64_t rows, double strength,
           std::int64_t pad_id, const stages::Readers& readers) {
  const at::NoGradGuard guard;
  const std::size_t all = answers.dialogues.size();
  const std::size_t count = std::min(all, static_cast<std::size_t>(rows));
  // Spread over the data, which may be sorted by label.
  std::vector<stages::Dialogue> some;
  std::vector<float> good;
  for (std::size_t i = 0; i < count; ++i) {
    some.push_back(answers.dialogues[i * all / count]);
    good.push_back(answers.good[i * all / count]);
  }
  const std::int64_t width = head.weight_KD.size(1);
  // A head that reads every feature as it is.
  stages::RewardHead identity = head;
  identity.weight_KD = at::eye(width);
  identity.bias_K = at::zeros({width});
  const at::Tensor features_ND = stages::read_rewards(model, identity, some, pad_id, readers);
  const at::Tensor labels_N = at::tensor(good, at::kFloat);
  const LogisticFit fit = fit_logistic(features_ND, labels_N, strength);
  head.weight_KD.select(0, 0).copy_(fit.weight_D);
  head.bias_K.fill_(fit.bias);
}

}  // namespace temper::reward_model
