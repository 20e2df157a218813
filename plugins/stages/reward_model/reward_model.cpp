// Parameters, and learning from pairs (see reward_model.h).
// Sources: Stiennon et al. (2020); Ouyang et al. (2022), section 3.5; Touvron et al., "Llama 2" (2023) for the margin.
// Shapes: P pairs, K dimensions.
#include "reward_model.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "dialogues.h"
#include "group_batches.h"
#include "reward_models.h"
#include "sentinels.h"
#include "temper/preference.h"
#include "temper/random.h"
#include "temper/template.h"

namespace temper::reward_model {

using namespace stages;

namespace {

std::vector<double> read_weights(const Params& params, std::size_t count) {
  std::vector<double> weights(count, 1.0);
  for (std::size_t i = 0; i < params.dimension_weights.size(); ++i) {
    const std::string& text = params.dimension_weights[i];
    char* end = nullptr;
    weights[i] = std::strtod(text.c_str(), &end);
    if (text.empty() || *end != '\0' || !std::isfinite(weights[i])) {
      throw ConfigError("dimension_weights = " + text + ": must be a number");
    }
  }
  return weights;
}

/// Rewards of the dimension each pair is about.
at::Tensor pick(const at::Tensor& rewards_BK, const at::Tensor& rows_P, const at::Tensor& dimension_P) {
  return rewards_BK.index_select(0, rows_P).gather(1, dimension_P.unsqueeze(1)).squeeze(1);
}

void declare(StageContext& context) {
  const auto both = [&](const MetricSpec& spec) {
    context.metrics().declare(spec);
    context.metrics().declare({"validation_" + spec.name, spec.unit, spec.doc + " Over held-out pairs.", spec.better});
  };
  both({"accuracy", "", "Share of pairs whose chosen answer has the strictly higher reward.", Better::kHigher});
  both({"tie_rate", "", "Share of pairs with equal rewards.", Better::kLower});
  both({"margin", "", "Mean reward of chosen minus rejected answers.", Better::kHigher});
  both({"reward_mean", "", "Mean reward over both sides.", Better::kNeither});
}

void report(StageContext& context, const RewardHead& head, const GroupedPairs& held_out, nlohmann::json& facts) {
  std::vector<Dialogue> all;
  std::vector<std::int64_t> chosen, rejected, dimension;
  std::vector<double> lengths;
  for (const auto& group : held_out.groups) {
    const auto first = static_cast<std::int64_t>(all.size());
    for (const auto& answer : group.answers) lengths.push_back(static_cast<double>(answer.answer.size()));
    all.insert(all.end(), group.answers.begin(), group.answers.end());
    for (const auto& pair : group.pairs) {
      chosen.push_back(first + pair.chosen);
      rejected.push_back(first + pair.rejected);
      dimension.push_back(pair.dimension);
    }
  }
  const at::Tensor rewards_NK =
      read_rewards(context.model(), head, all, context.tokenizer().pad_id(), {&context.communicator(), {}});
  const at::Tensor dimension_P = at::tensor(dimension, at::kLong);
  const at::Tensor chosen_P = pick(rewards_NK, at::tensor(chosen, at::kLong), dimension_P);
  const at::Tensor rejected_P = pick(rewards_NK, at::tensor(rejected, at::kLong), dimension_P);
  const std::int64_t step = context.totals().steps;
  const auto log = [&](const MetricSpec& spec, double value) {
    context.metrics().declare(spec);
    context.metrics().log(spec.name, step, value);
    facts[spec.name] = value;
  };
  const Calibration calibration = pair_calibration(chosen_P, rejected_P);
  log({"calibration_error", "", "Expected calibration error of held-out preferences, 10 bins.", Better::kLower},
      calibration.expected_error);
  log({"brier", "", "Mean squared error of held-out preference probabilities.", Better::kLower}, calibration.brier);
  for (std::size_t k = 0; k < head.dimensions.size(); ++k) {
    const at::Tensor of_k = at::nonzero(dimension_P == static_cast<std::int64_t>(k)).flatten();
    if (of_k.numel() == 0) continue;
    const PairAccuracy accuracy = pair_accuracy(chosen_P.index_select(0, of_k), rejected_P.index_select(0, of_k));
    log({"accuracy_" + head.dimensions[k], "", "Held-out accuracy on pairs about " + head.dimensions[k] + ".",
         Better::kHigher},
        accuracy.accuracy);
  }
  const at::Tensor lengths_N = at::tensor(lengths, at::kDouble);
  const at::Tensor reward_N = head.combined(rewards_NK).to(at::kDouble);
  const at::Tensor x_N = lengths_N - lengths_N.mean(), y_N = reward_N - reward_N.mean();
  const double xx = x_N.square().sum().item<double>(), yy = y_N.square().sum().item<double>();
  const double xy = (x_N * y_N).sum().item<double>();
  const bool varies = xx > 0 && yy > 0;
  log({"length_correlation", "", "Correlation of reward and answer length over held-out answers.", Better::kNeither},
      varies ? xy / std::sqrt(xx * yy) : 0);
  log({"reward_per_10_tokens", "", "Slope of reward over answer length, for 10 tokens.", Better::kNeither},
      varies ? 10 * xy / xx : 0);
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  std::vector<std::string> templates = template_names();
  templates.insert(templates.begin(), "");
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose weights are the start; empty is fresh weights or the model's checkpoint.");
  table.datasets("data", &P::data, "Datasets whose preference pairs or labelled answers are learnt.", {.required = true});
  table.add("template", &P::prompt_template, "How a conversation is written; empty is what the model was tuned with.",
            {.choices = templates});
  table.add("loss", &P::loss,
            "bradley_terry learns which answer of a pair is better, binary whether a single answer is good: its reward is "
            "the log-odds of that, so nothing may shift it and normalise has to be none.",
            {.choices = {"bradley_terry", "binary"}});
  table.add("head_start", &P::head_start,
            "With loss binary, how the head begins: drawn at random, or by logistic regression on what the untrained model "
            "holds at the answers' last tokens.",
            {.choices = {"random", "probe"}});
  table.add("probe_rows", &P::probe_rows, "How many answers that regression reads, spread evenly over all.",
            {.min = 2, .max = 1e7, .unit = "answers"});
  table.add("probe_strength", &P::probe_strength, "How much fit counts against small weights in it (scikit-learn's C).",
            {.min = 1e-9, .max = 1e9});
  table.add("dimensions", &P::dimensions,
            "One head each for pairs of these dimensions (helpfulness, safety); empty is one head for all pairs.");
  table.add("dimension_weights", &P::dimension_weights,
            "Numbers that dimensions count by in the one reward; empty is 1 each.");
  table.add("combine", &P::combine, "How weighted dimensions become one reward.", {.choices = {"weighted_sum", "minimum"}});
  table.add("centring", &P::centring, "Weight of the squared sum of both rewards, which holds rewards near zero.",
            {.min = 0, .max = 10});
  table.add(
      "normalise", &P::normalise,
      "What is made of the rewards of demonstrations when training is done: mean 0, mean 0 and deviation 1, or nothing.",
      {.choices = {"mean", "mean_and_deviation", "none"}});
  table.datasets("demonstrations", &P::demonstrations,
                 "Datasets whose instruction rows are the demonstrations; empty takes the chosen answers of data.");
  table.add("demonstration_rows", &P::demonstration_rows, "How many demonstrations the normalisation rests on.",
            {.min = 2, .max = 1e6, .unit = "rows"});
  table.include(&P::train, train_params());
  table.require([](const P& p) { return p.dimension_weights.empty() || p.dimension_weights.size() == p.dimensions.size(); },
                "dimension_weights needs one number for each of dimensions");
  table.require([](const P& p) { return p.loss != "binary" || p.normalise == "none"; },
                "with loss binary the reward is the log-odds that an answer is good; set normalise to none");
  table.require([](const P& p) { return p.loss != "binary" || p.dimensions.empty(); },
                "with loss binary there is one head; leave dimensions out and train a stage for each label instead");
  table.require([](const P& p) { return p.loss == "binary" || p.head_start == "random"; },
                "head_start probe is for labelled answers; set loss to binary or head_start to random");
  table.require([](const P& p) { return p.loss != "binary" || p.centring == 0; },
                "centring is for pairs; with loss binary set it to 0");
  return table;
}

FitStatus RewardModel::run(StageContext& context) {
  const std::string template_name = choose_template(context, params_.prompt_template);
  if (params_.loss != "binary") return learn_pairs(context, template_name);
  const LabelSettings settings{params_.head_start == "probe", params_.probe_rows, params_.probe_strength};
  return learn_labels(context, params_.data, template_name, settings, params_.train);
}

FitStatus RewardModel::learn_pairs(StageContext& context, const std::string& template_name) {
  const auto dimensions = params_.dimensions.empty() ? std::vector<std::string>{"reward"} : params_.dimensions;
  const ArchitectureTraits traits = context.model().traits();
  const auto load = [&](bool validation) {
    return group_pairs(context.preferences(params_.data, validation), dimensions, template_name, params_.train.context,
                       context.tokenizer(), traits);
  };
  const GroupedPairs train = load(false);
  if (train.cut > 0) {
    context.note(std::to_string(train.cut) + " answers with their prompts were cut to " +
                 std::to_string(params_.train.context) + " tokens");
  }
  RewardHead head = fresh_head(traits.width, dimensions, derive_seed(context.seed(), {"reward_head"}), context.device());
  head.weights = read_weights(params_, dimensions.size());
  head.combine = params_.combine;
  head.prompt_template = template_name;
  check_labels(context, train.groups.front().answers);
  check_reward_position(context, train.groups.front().answers);

  const auto pad_id = context.tokenizer().pad_id();
  const auto batches = [&](const GroupedPairs& data, const std::string& name) {
    return GroupBatches(static_cast<std::int64_t>(data.groups.size()), params_.train.batch_size,
                        derive_seed(context.seed(), {"data", name}), [&](const std::vector<std::int64_t>& chosen) {
                          std::vector<const AnswerGroup*> groups;
                          for (const auto index : chosen) groups.push_back(&data.groups[static_cast<std::size_t>(index)]);
                          return pair_batch(groups, traits, pad_id, params_.train.context);
                        });
  };
  FitPlan plan;
  plan.params = params_.train;
  plan.loss_unit = "nats/prompt";
  plan.examples_per_epoch = static_cast<std::int64_t>(train.groups.size());
  GroupBatches train_batches = batches(train, "train");
  plan.train = &train_batches;
  GroupedPairs held_out;
  std::unique_ptr<GroupBatches> validation;
  if (params_.train.validation_batches > 0) {
    held_out = load(true);
    validation = std::make_unique<GroupBatches>(batches(held_out, "validation"));
    plan.validation = validation.get();
  }
  plan.extra_parameters = head.parameters();
  plan.loss = [&](Architecture& model, const Batch& batch) { return pair_loss(model, head, batch); };
  declare(context);
  const FitStatus status = context.fit(plan);
  if (status != FitStatus::kDiverged) finish(context, head, train, held_out);
  return status;
}

SummedLoss RewardModel::pair_loss(Architecture& model, const RewardHead& head, const Batch& batch) const {
  const auto& extra = batch.extra;
  const at::Tensor rewards_BK = head.read(model.hidden(batch.input).to(at::kFloat), extra.at("last_N"));
  const at::Tensor chosen_P = pick(rewards_BK, extra.at("chosen_P"), extra.at("dimension_P"));
  const at::Tensor rejected_P = pick(rewards_BK, extra.at("rejected_P"), extra.at("dimension_P"));
  const at::Tensor& weight_P = extra.at("weight_P");
  const at::Tensor loss_P = bradley_terry_loss(chosen_P, rejected_P, extra.at("margin_P"), params_.centring);
  SummedLoss result;
  result.sum = (loss_P * weight_P).sum();
  result.target_tokens = std::llround(weight_P.sum().item<double>());
  const at::NoGradGuard guard;
  const auto weighted = [&](const at::Tensor& values_P) { return (values_P * weight_P).sum().item<double>(); };
  result.metrics["accuracy"] = weighted((chosen_P > rejected_P).to(at::kFloat));
  result.metrics["tie_rate"] = weighted((chosen_P == rejected_P).to(at::kFloat));
  result.metrics["margin"] = weighted(chosen_P - rejected_P);
  result.metrics["reward_mean"] = weighted((chosen_P + rejected_P) * 0.5);
  return result;
}

/// Normalises the head and says what it is worth: calibration, accuracy a dimension, reward over length.
void RewardModel::finish(StageContext& context, RewardHead& head, const GroupedPairs& train,
                         const GroupedPairs& held_out) const {
  nlohmann::json facts = {{"pairs", train.pairs}, {"prompts", train.groups.size()}, {"normalise", params_.normalise}};
  const auto pad_id = context.tokenizer().pad_id();
  if (params_.normalise != "none") {
    const at::Tensor rewards_NK = read_rewards(context.model(), head, demonstrations(context, head.prompt_template, train),
                                               pad_id, {&context.communicator(), {}});
    for (std::int64_t k = 0; k < rewards_NK.size(1); ++k) {
      const at::Tensor rewards_N = rewards_NK.select(1, k);
      const auto fitted = params_.normalise == "mean" ? fit_bias(rewards_N) : fit_gain_and_bias(rewards_N);
      head.normalise(k, fitted);
      const std::string& name = head.dimensions[static_cast<std::size_t>(k)];
      facts["normalisation"][name] = {{"gain", fitted.gain}, {"bias", fitted.bias}, {"rows", rewards_NK.size(0)}};
      context.note("rewards of '" + name + "' normalised by gain " + to_text(fitted.gain) + " and bias " +
                   to_text(fitted.bias) + " over " + std::to_string(rewards_NK.size(0)) + " demonstrations");
    }
  }
  if (held_out.pairs > 0) report(context, head, held_out, facts);
  context.keep(head.save(facts.dump()));
}

std::vector<Dialogue> RewardModel::demonstrations(StageContext& context, const std::string& template_name,
                                                  const GroupedPairs& train) const {
  const auto limit = static_cast<std::size_t>(params_.demonstration_rows);
  std::vector<Dialogue> dialogues;
  if (params_.demonstrations.empty()) {
    for (const auto& group : train.groups) {
      if (dialogues.size() == limit) break;
      dialogues.push_back(group.answers[static_cast<std::size_t>(group.pairs.front().chosen)]);
    }
    return dialogues;
  }
  for (auto& row : context.instructions(params_.demonstrations, false)) {
    if (dialogues.size() == limit) break;
    if (row.messages.empty() || row.messages.back().role != "assistant") continue;
    const std::string answer = row.messages.back().content;
    row.messages.pop_back();
    dialogues.push_back(tokenize(template_name, row.messages, answer, context.tokenizer(), context.model().traits()));
    fit_to(dialogues.back(), params_.train.context, context.model().traits());
  }
  return dialogues;
}

}  // namespace temper::reward_model
