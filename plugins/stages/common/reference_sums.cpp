// Log-probabilities of whole answers (see reference_sums.h).
#include "reference_sums.h"

#include <ATen/ATen.h>

#include <cmath>
#include <cstdio>

#include "sentinels.h"
#include "temper/preference.h"

namespace temper::stages {
namespace {

constexpr double kStartLossLimit = 1e-3;  // relative

std::string to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

at::Tensor sum_log_probs(Architecture& model, const std::vector<Dialogue>& dialogues, std::int64_t pad_id,
                         const Readers& readers, double temperature) {
  const auto sums_G1 = [&](const Batch& batch) {
    const at::Tensor log_probs_BT = answer_log_probs(model.hidden(batch.input), model, batch, temperature).log_probs_BT;
    return masked_sum(log_probs_BT, batch.labels_BT != kIgnoreLabel).unsqueeze(1);
  };
  return read_in_groups(model, dialogues, pad_id, 1, readers, sums_G1).squeeze(1);
}

at::Tensor reference_sums(StageContext& context, const std::vector<Dialogue>& dialogues) {
  at::Tensor sums_N;
  context.progress().begin(context.stage_name() + ": reference", static_cast<std::int64_t>(dialogues.size()));
  context.with_reference([&](Architecture& reference) {
    const auto done = [&](std::int64_t read) {
      context.progress().update(read, "");
      if (!context.cancelled()) return;
      context.progress().end();
      throw Cancelled("stage '" + context.stage_name() + "' was stopped while it read the reference");
    };
    sums_N = sum_log_probs(reference, dialogues, context.tokenizer().pad_id(), {&context.communicator(), done});
  });
  context.progress().end();
  return sums_N;
}

void check_start(StageContext& context, const StartCheck& check) {
  if (context.resume_state() != nullptr) return;
  const at::Tensor off_N = (check.policy_N - check.reference_N).abs() / check.tokens_N;
  const double off = off_N.mean().item<double>(), most = off_N.max().item<double>();
  context.sentinel({"kl_at_start", off, kMeanReadingLimit, off <= kMeanReadingLimit && most <= kReadingLimit,
                    "summed log-probabilities of " + std::to_string(off_N.numel()) +
                        " answers by policy and reference differ by " + to_text(off) + " nats a token on average and by " +
                        to_text(most) + " at most (no more than " + to_text(kReadingLimit) + " is allowed)"});
  const double error = std::abs(check.loss - check.expected_loss);
  const double limit = kStartLossLimit * std::abs(check.expected_loss);
  context.sentinel({"loss_at_start", error, limit, error <= limit,
                    "the first loss is " + to_text(check.loss) + ", for equal policy and reference it has to be " +
                        to_text(check.expected_loss)});
}

}  // namespace temper::stages
