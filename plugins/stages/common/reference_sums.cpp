// Log-probabilities of whole answers (see reference_sums.h).
#include "reference_sums.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdio>

#include "temper/preference.h"

namespace temper::stages {
namespace {

constexpr double kStartLimit = 1e-5;      // nats a token
constexpr double kStartLossLimit = 1e-3;  // relative

std::string to_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

}  // namespace

at::Tensor sum_log_probs(Architecture& model, const std::vector<Dialogue>& dialogues, std::int64_t pad_id,
                         const std::function<void(std::int64_t)>& done, double temperature) {
  const at::NoGradGuard guard;
  const bool was_training = model.is_training();
  model.train(false);
  const ArchitectureTraits traits = model.traits();
  std::vector<std::int64_t> lengths;
  for (const auto& dialogue : dialogues) {
    lengths.push_back(static_cast<std::int64_t>(dialogue.prompt.size() + dialogue.answer.size()));
  }
  at::Tensor sums_N = at::zeros({static_cast<std::int64_t>(dialogues.size())});
  std::int64_t read = 0;
  for (const auto& group : length_groups(lengths, kScoringTokens)) {
    std::vector<Dialogue> part;
    for (const auto index : group) part.push_back(dialogues[static_cast<std::size_t>(index)]);
    const Batch batch = to_device(answer_batch(part, traits, pad_id), model.device());
    const at::Tensor log_probs_BT = answer_log_probs(model.hidden(batch.input), model, batch, temperature).log_probs_BT;
    const at::Tensor sums_G = masked_sum(log_probs_BT, batch.labels_BT != kIgnoreLabel);
    sums_N.index_copy_(0, at::tensor(group, at::kLong), sums_G.to(at::kCPU));
    read += static_cast<std::int64_t>(group.size());
    if (done) done(read);
  }
  model.train(was_training);
  return sums_N;
}

at::Tensor reference_sums(StageContext& context, const std::vector<Dialogue>& dialogues) {
  at::Tensor sums_N;
  context.progress().begin(context.stage_name() + ": reference", static_cast<std::int64_t>(dialogues.size()));
  context.with_reference([&](Architecture& reference) {
    sums_N = sum_log_probs(reference, dialogues, context.tokenizer().pad_id(), [&](std::int64_t read) {
      context.progress().update(read, "");
      if (!context.cancelled()) return;
      context.progress().end();
      throw Cancelled("stage '" + context.stage_name() + "' was stopped while it read the reference");
    });
  });
  context.progress().end();
  return sums_N;
}

void check_start(StageContext& context, const StartCheck& check) {
  if (context.resume_state() != nullptr) return;
  const at::Tensor off_N = (check.policy_N - check.reference_N).abs() / check.tokens_N;
  const double off = off_N.max().item<double>();
  context.sentinel({"kl_at_start", off, kStartLimit, off <= kStartLimit,
                    "summed log-probabilities of " + std::to_string(off_N.numel()) +
                        " answers by policy and reference differ by up to " + to_text(off) + " nats a token"});
  const double error = std::abs(check.loss - check.expected_loss);
  const double limit = kStartLossLimit * std::abs(check.expected_loss);
  context.sentinel({"loss_at_start", error, limit, error <= limit,
                    "the first loss is " + to_text(check.loss) + ", for equal policy and reference it has to be " +
                        to_text(check.expected_loss)});
}

}  // namespace temper::stages
