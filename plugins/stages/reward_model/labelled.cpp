// Binary cross-entropy on labelled answers (see labelled.h).
#include "labelled.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <numeric>

#include "group_batches.h"
#include "probe.h"
#include "reward_models.h"
#include "sentinels.h"
#include "temper/preference.h"
#include "temper/random.h"

namespace temper::reward_model {

using namespace stages;

namespace {

void declare_metrics(StageContext& context) {
  const auto both = [&](const MetricSpec& spec) {
    context.metrics().declare(spec);
    context.metrics().declare({"validation_" + spec.name, spec.unit, spec.doc + " Over held-out answers.", spec.better});
  };
  both({"accuracy", "", "Share of answers whose label is the more likely one.", Better::kHigher});
  both({"probability_mean", "", "Mean probability of an answer to be good.", Better::kNeither});
}

std::string rounded(double value) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.3f", value);
  return text.data();
}

/// What the head is worth on answers to questions that it was not trained on.
void report(StageContext& context, const RewardHead& head, const LabelledAnswers& held_out, nlohmann::json& facts) {
  const at::Tensor rewards_BK =
      read_rewards(context.model(), head, held_out.dialogues, context.tokenizer().pad_id(), {&context.communicator(), {}});
  const at::Tensor logits_B = rewards_BK.select(1, 0).to(at::kDouble);
  const at::Tensor good_B = at::tensor(held_out.good, at::kDouble);
  const at::Tensor right_B = logits_B * (2 * good_B - 1);  // log-odds of the true label
  const auto log = [&](const MetricSpec& spec, double value) {
    context.metrics().declare(spec);
    context.metrics().log(spec.name, context.totals().steps, value);
    facts[spec.name] = value;
  };
  const double share = good_B.mean().item<double>();
  const Calibration calibration = pair_calibration(right_B, at::zeros_like(right_B));
  std::vector<double> gains;  // right or not, minus the same of the more frequent label
  for (std::size_t i = 0; i < held_out.good.size(); ++i) {
    const bool is_right = right_B[static_cast<std::int64_t>(i)].item<double>() > 0;
    gains.push_back(static_cast<double>(is_right) - static_cast<double>((held_out.good[i] > 0.5F) == (share > 0.5)));
  }
  const MetricValue over = clustered_metric(
      {"over_majority", "", "Held-out accuracy minus that of always saying the more frequent label.", Better::kHigher},
      gains, std::vector<double>(gains.size(), 1.0), held_out.prompts, context.seed());
  log({"held_out_accuracy", "", "Share of held-out answers whose label is the more likely one.", Better::kHigher},
      (right_B > 0).to(at::kDouble).mean().item<double>());
  log({"majority_accuracy", "", "Accuracy of always saying the held-out answers' more frequent label.", Better::kNeither},
      std::max(share, 1 - share));
  log(over.spec, over.value);
  facts["over_majority_interval"] = {over.ci_low, over.ci_high};
  const at::Tensor readings_B = logits_B.contiguous();
  const double* values = readings_B.const_data_ptr<double>();
  log({"auc", "", "How often a held-out good answer reads higher than a held-out bad one.", Better::kHigher},
      area_under_curve({values, values + readings_B.numel()}, held_out.good));
  log({"calibration_error", "", "Expected calibration error over held-out answers, 10 bins.", Better::kLower},
      calibration.expected_error);
  log({"brier", "", "Mean squared error of the probability over held-out answers.", Better::kLower}, calibration.brier);
  facts["held_out"] = held_out.dialogues.size();
  context.note("over " + std::to_string(held_out.dialogues.size()) + " held-out answers: accuracy " +
               rounded(facts["held_out_accuracy"]) + ", always the more frequent label " +
               rounded(facts["majority_accuracy"]) + ", difference " + rounded(over.value) + " [" + rounded(over.ci_low) +
               ", " + rounded(over.ci_high) + "] (bootstrap over prompts), AUC " + rounded(facts["auc"]));
}

}  // namespace

std::int64_t LabelledAnswers::good_count() const {
  return static_cast<std::int64_t>(std::count(good.begin(), good.end(), 1.0F));
}

LabelledAnswers label_answers(const std::vector<PreferencePair>& rows, const std::string& template_name,
                              std::int64_t context_length, const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  LabelledAnswers result;
  const auto add = [&](const PreferencePair& row, const std::string& answer, float good) {
    result.dialogues.push_back(tokenize(template_name, row.prompt, answer, tokenizer, traits));
    result.cut += fit_to(result.dialogues.back(), context_length, traits);
    result.good.push_back(good);
    result.prompts.push_back(key_of(row.prompt));
  };
  for (const auto& row : rows) {
    if (row.has_chosen) add(row, row.chosen, 1);
    if (row.has_rejected) add(row, row.rejected, 0);
  }
  const std::int64_t good = result.good_count();
  if (good == 0 || good == static_cast<std::int64_t>(result.good.size())) {
    throw DataError("all " + std::to_string(result.good.size()) + " labelled answers are " + (good == 0 ? "bad" : "good") +
                    "; a judge needs both kinds");
  }
  return result;
}

Batch labelled_batch(const LabelledAnswers& answers, const std::vector<std::int64_t>& chosen,
                     const ArchitectureTraits& traits, std::int64_t pad_id, std::int64_t row_length) {
  std::vector<Dialogue> dialogues;
  std::vector<float> good;
  for (const auto index : chosen) {
    dialogues.push_back(answers.dialogues[static_cast<std::size_t>(index)]);
    good.push_back(answers.good[static_cast<std::size_t>(index)]);
  }
  Batch batch = packed_answer_batch(dialogues, traits, pad_id, row_length);
  batch.extra["good_B"] = at::tensor(good, at::kFloat);
  return batch;
}

SummedLoss label_loss(Architecture& model, const RewardHead& head, const Batch& batch) {
  const at::Tensor& good_B = batch.extra.at("good_B");
  const at::Tensor logit_B = head.read(model.hidden(batch.input).to(at::kFloat), batch.extra.at("last_N")).select(1, 0);
  SummedLoss result;
  result.sum = at::binary_cross_entropy_with_logits(logit_B, good_B, {}, {}, at::Reduction::Sum);
  result.target_tokens = good_B.numel();
  const at::NoGradGuard guard;
  result.metrics["accuracy"] = ((logit_B > 0) == (good_B > 0.5)).sum().item<double>();
  result.metrics["probability_mean"] = logit_B.sigmoid().sum().item<double>();
  return result;
}

double area_under_curve(const std::vector<double>& readings, const std::vector<float>& good) {
  std::vector<std::size_t> order(readings.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return readings[a] < readings[b]; });
  double won = 0, bad_below = 0, good_count = 0;
  for (std::size_t i = 0; i < order.size();) {
    double tied_good = 0, tied_bad = 0;
    std::size_t j = i;
    for (; j < order.size() && readings[order[j]] == readings[order[i]]; ++j) {
      (good[order[j]] > 0.5F ? tied_good : tied_bad) += 1;
    }
    won += tied_good * (bad_below + tied_bad / 2);
    bad_below += tied_bad;
    good_count += tied_good;
    i = j;
  }
  return won / (good_count * bad_below);
}

FitStatus learn_labels(StageContext& context, const std::vector<std::string>& data, const std::string& template_name,
                       const LabelSettings& settings, const TrainParams& train_params) {
  const ArchitectureTraits traits = context.model().traits();
  const auto load = [&](bool validation) {
    return label_answers(context.preferences(data, validation), template_name, train_params.context, context.tokenizer(),
                         traits);
  };
  const LabelledAnswers train = load(false);
  if (train.cut > 0) {
    context.note(std::to_string(train.cut) + " answers with their prompts were cut to " +
                 std::to_string(train_params.context) + " tokens");
  }
  RewardHead head = fresh_head(traits.width, {"good"}, derive_seed(context.seed(), {"reward_head"}), context.device());
  head.prompt_template = template_name;
  check_labels(context, train.dialogues);
  check_reward_position(context, train.dialogues);

  const auto pad_id = context.tokenizer().pad_id();
  // A resumed stage gets its head back from the checkpoint.
  if (settings.probe && context.resume_state() == nullptr) {
    context.note("the head starts from logistic regression on " +
                 std::to_string(std::min<std::int64_t>(settings.probe_rows, static_cast<std::int64_t>(train.good.size()))) +
                 " answers");
    probe(context.model(), head, train, settings.probe_rows, settings.probe_strength, pad_id, {&context.communicator(), {}});
  }
  const auto batches = [&](const LabelledAnswers& answers, const std::string& name) {
    return GroupBatches(static_cast<std::int64_t>(answers.dialogues.size()), train_params.batch_size,
                        derive_seed(context.seed(), {"data", name}), [&](const std::vector<std::int64_t>& chosen) {
                          return labelled_batch(answers, chosen, traits, pad_id, train_params.context);
                        });
  };
  FitPlan plan;
  plan.params = train_params;
  plan.loss_unit = "nats/answer";
  plan.examples_per_epoch = static_cast<std::int64_t>(train.dialogues.size());
  GroupBatches train_batches = batches(train, "train");
  plan.train = &train_batches;
  LabelledAnswers held_out;
  std::unique_ptr<GroupBatches> validation;
  if (train_params.validation_batches > 0) {
    held_out = load(true);
    validation = std::make_unique<GroupBatches>(batches(held_out, "validation"));
    plan.validation = validation.get();
  }
  plan.extra_parameters = head.parameters();
  plan.loss = [&](Architecture& model, const Batch& batch) { return label_loss(model, head, batch); };
  declare_metrics(context);
  const FitStatus status = context.fit(plan);
  if (status == FitStatus::kDiverged) return status;
  nlohmann::json facts = {{"loss", "binary"}, {"answers", train.dialogues.size()}, {"good", train.good_count()}};
  if (!held_out.dialogues.empty()) report(context, head, held_out, facts);
  StateDict kept = head.save(facts.dump());
  kept.texts[kLossText] = "binary";
  context.keep(kept);
  return status;
}

}  // namespace temper::reward_model
