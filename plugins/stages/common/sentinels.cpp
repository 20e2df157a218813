// Checks before training (see sentinels.h).
#include "sentinels.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace temper::stages {
namespace {

constexpr std::size_t kRows = 4;

std::vector<Dialogue> first_rows(const std::vector<Dialogue>& dialogues) {
  return {dialogues.begin(), dialogues.begin() + static_cast<std::ptrdiff_t>(std::min(kRows, dialogues.size()))};
}

at::Tensor log_probs_of(Architecture& model, const Batch& batch, double temperature) {
  const Batch moved = to_device(batch, model.device());
  return answer_log_probs(model.hidden(moved.input), model, moved, temperature).log_probs_BT.to(at::kCPU);
}

/// The same rows with the padding in front.
Batch padded_left(const Batch& batch, std::int64_t pad_id) {
  Batch left = batch;
  const std::int64_t length = batch.labels_BT.size(1);
  const auto fresh = [&](std::int64_t value) { return at::full_like(batch.labels_BT, value); };
  left.input.ids_BT = fresh(pad_id);
  left.input.positions_BT = fresh(0);
  left.input.segments_BT = fresh(kPaddingSegment);
  left.labels_BT = fresh(kIgnoreLabel);
  if (batch.input.prefix_BT.defined()) left.input.prefix_BT = fresh(0);
  const at::Tensor& last_B = batch.extra.at("last_B");
  for (std::int64_t b = 0; b < batch.labels_BT.size(0); ++b) {
    const std::int64_t count = last_B[b].item<std::int64_t>() + 1, start = length - count;
    const auto move = [&](const at::Tensor& from, at::Tensor& to) {
      to.select(0, b).narrow(0, start, count).copy_(from.select(0, b).narrow(0, 0, count));
    };
    move(batch.input.ids_BT, left.input.ids_BT);
    move(batch.input.positions_BT, left.input.positions_BT);
    move(batch.labels_BT, left.labels_BT);
    if (batch.input.prefix_BT.defined()) move(batch.input.prefix_BT, left.input.prefix_BT);
    left.input.segments_BT.select(0, b).narrow(0, start, count).fill_(0);
  }
  return left;
}

/// log p of all answer tokens, row after row, whatever the padding.
at::Tensor answers_only(const at::Tensor& values_BT, const at::Tensor& labels_BT) {
  return values_BT.masked_select(labels_BT != kIgnoreLabel);
}

}  // namespace

void check_reading(StageContext& context, const std::vector<Dialogue>& dialogues, double temperature) {
  const at::NoGradGuard guard;
  Architecture& model = context.model();
  model.train(false);
  const ArchitectureTraits traits = model.traits();
  const auto pad_id = context.tokenizer().pad_id();
  const auto rows = first_rows(dialogues);
  const Batch together = answer_batch(rows, traits, pad_id);
  const at::Tensor reference = answers_only(log_probs_of(model, together, temperature), together.labels_BT);
  std::vector<at::Tensor> alone;
  for (const auto& row : rows) {
    const Batch batch = answer_batch({row}, traits, pad_id);
    alone.push_back(answers_only(log_probs_of(model, batch, temperature), batch.labels_BT));
  }
  const double by_batch = (at::cat(alone) - reference).abs().max().item<double>();
  context.sentinel({"batch_size", by_batch, kReadingLimit, by_batch <= kReadingLimit,
                    "log-probabilities of " + std::to_string(rows.size()) +
                        " answers alone and in one batch differ by up to " + std::to_string(by_batch)});
  const Batch left = padded_left(together, pad_id);
  const at::Tensor moved = answers_only(log_probs_of(model, left, temperature), left.labels_BT);
  const double by_side = (moved - reference).abs().max().item<double>();
  context.sentinel({"padding_side", by_side, kReadingLimit, by_side <= kReadingLimit,
                    "log-probabilities of " + std::to_string(rows.size()) +
                        " answers padded on the right and on the left differ by up to " + std::to_string(by_side)});
}

void check_labels(StageContext& context, const std::vector<Dialogue>& dialogues) {
  const ArchitectureTraits traits = context.model().traits();
  const auto rows = first_rows(dialogues);
  const Batch batch = answer_batch(rows, traits, context.tokenizer().pad_id());
  std::int64_t wrong = 0, answers = 0;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const at::Tensor labels_T = batch.labels_BT.select(0, static_cast<std::int64_t>(b));
    const at::Tensor found = labels_T.masked_select(labels_T != kIgnoreLabel);
    answers += static_cast<std::int64_t>(rows[b].answer.size());
    wrong += !found.equal(at::tensor(rows[b].answer, at::kLong));
    // Every label is the token that comes next in the row.
    const at::Tensor next_T = batch.input.ids_BT.select(0, static_cast<std::int64_t>(b)).slice(0, 1);
    const at::Tensor here_T = labels_T.slice(0, 0, -1);
    wrong += (here_T != kIgnoreLabel).logical_and(here_T != next_T).any().item<bool>();
  }
  context.sentinel({"loss_mask", static_cast<double>(wrong), 0, wrong == 0,
                    std::to_string(wrong) + " of " + std::to_string(rows.size()) + " rows have labels other than their " +
                        std::to_string(answers) + " answer tokens"});
}

void check_reward_position(StageContext& context, const std::vector<Dialogue>& dialogues) {
  const ArchitectureTraits traits = context.model().traits();
  const auto rows = first_rows(dialogues);
  const Batch batch = answer_batch(rows, traits, context.tokenizer().pad_id());
  const at::Tensor read_B = batch.input.ids_BT.gather(1, batch.extra.at("last_B").unsqueeze(1)).squeeze(1);
  std::int64_t wrong = 0;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    wrong += rows[b].answer.empty() || read_B[static_cast<std::int64_t>(b)].item<std::int64_t>() != rows[b].answer.back();
  }
  context.sentinel({"reward_position", static_cast<double>(wrong), 0, wrong == 0,
                    std::to_string(wrong) + " of " + std::to_string(rows.size()) +
                        " rows would have their reward read elsewhere than at their last token"});
}

}  // namespace temper::stages
