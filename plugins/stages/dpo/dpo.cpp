// Pairs to batches, batches to losses, and the stage around them (see dpo.h).
#include "dpo.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <numeric>
#include <optional>

#include "group_batches.h"
#include "reference_sums.h"
#include "sentinels.h"
#include "temper/random.h"
#include "temper/template.h"

namespace temper::dpo {

using namespace stages;

namespace {

struct Sides {
  at::Tensor chosen_P, rejected_P;
};
Sides sides(const at::Tensor& values_D) { return {values_D.slice(0, 0, {}, 2), values_D.slice(0, 1, {}, 2)}; }

void check_pair(const PreferencePair& pair) {
  const std::string where = "preference pair '" + pair.id + "' (" + pair.source + ")";
  if (!pair.has_chosen || !pair.has_rejected) {
    throw DataError(where + " has only one side; dpo needs pairs. Train on it with the stage kto instead");
  }
  if (pair.chosen == pair.rejected) throw DataError(where + " has two equal answers; remove it");
}

void declare(StageContext& context) {
  const auto both = [&](const MetricSpec& spec) {
    context.metrics().declare(spec);
    context.metrics().declare({"validation_" + spec.name, spec.unit, spec.doc + " Over held-out pairs.", spec.better});
  };
  both({"accuracy", "", "Share of pairs whose chosen answer has the strictly higher implicit reward.", Better::kHigher});
  both({"margin", "nats", "Mean implicit reward of chosen minus rejected answers.", Better::kHigher});
  both({"chosen_reward", "nats", "Mean of beta times the log-ratio to the reference, chosen answers.", Better::kHigher});
  both({"rejected_reward", "nats", "Mean of beta times the log-ratio to the reference, rejected answers.", Better::kLower});
  both({"chosen_log_prob", "nats", "Mean log-probability of a whole chosen answer.", Better::kHigher});
  both({"rejected_log_prob", "nats", "Mean log-probability of a whole rejected answer.", Better::kNeither});
}

/// What the loss of a pair is while both its rewards are 0.
double loss_at_zero(const DpoSettings& settings) {
  if (settings.loss == DpoLoss::kIpo) return 0.25 / (settings.beta * settings.beta);
  return settings.loss == DpoLoss::kHinge ? 1 : std::log(2.0);
}

void check_first_batch(StageContext& context, const Batch& batch, const DpoSettings& settings) {
  const at::NoGradGuard guard;
  context.model().train(false);
  StartCheck check;
  check.policy_N = policy_sums(context.model(), batch);
  check.reference_N = batch.extra.at("reference_D");
  check.tokens_N = batch.extra.at("tokens_D");
  const SummedLoss loss = pair_loss(check.policy_N, batch, settings);
  check.loss = loss.sum.item<double>() / static_cast<double>(loss.target_tokens);
  check.expected_loss = loss_at_zero(settings);
  check_start(context, check);
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  std::vector<std::string> templates = template_names();
  templates.insert(templates.begin(), "");
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose model is the policy's start, and the reference.", {.required = true});
  table.datasets("data", &P::data, "Datasets whose preference pairs are learnt.", {.required = true});
  table.add("template", &P::prompt_template, "How a conversation is written; empty is what the policy was tuned with.",
            {.choices = templates});
  table.add("loss", &P::loss, "Loss of a pair: see the README.", {.choices = {"sigmoid", "ipo", "hinge", "robust"}});
  table.add("beta", &P::beta, "How strongly the policy is held to the reference.", {.min = 1e-6, .max = 1000});
  table.add("label_smoothing", &P::label_smoothing, "Assumed share of pairs labelled the wrong way round.",
            {.min = 0, .max = 0.499});
  table.include(&P::train, train_params());
  table.require([](const P& p) { return p.label_smoothing == 0 || p.loss == "sigmoid" || p.loss == "robust"; },
                "the losses ipo and hinge have no label_smoothing; set it to 0 or use sigmoid or robust");
  return table;
}

DpoSettings settings_of(const Params& params) {
  DpoSettings settings;
  settings.loss = params.loss == "ipo"      ? DpoLoss::kIpo
                  : params.loss == "hinge"  ? DpoLoss::kHinge
                  : params.loss == "robust" ? DpoLoss::kRobust
                                            : DpoLoss::kSigmoid;
  settings.beta = params.beta;
  settings.label_smoothing = params.label_smoothing;
  return settings;
}

Pairs tokenize_pairs(const std::vector<PreferencePair>& pairs, const std::string& template_name, std::int64_t context_length,
                     const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  Pairs result;
  for (const auto& pair : pairs) {
    check_pair(pair);
    for (const std::string& answer : {pair.chosen, pair.rejected}) {
      result.dialogues_N.push_back(tokenize(template_name, pair.prompt, answer, tokenizer, traits));
      result.cut += fit_to(result.dialogues_N.back(), context_length, traits);
    }
  }
  return result;
}

Batch pair_batch(const Pairs& pairs, const std::vector<std::int64_t>& chosen, const ArchitectureTraits& traits,
                 std::int64_t pad_id, std::int64_t row_length) {
  std::vector<Dialogue> dialogues;
  std::vector<std::int64_t> rows, tokens;
  for (const std::int64_t pair : chosen) {
    for (const std::int64_t row : {2 * pair, 2 * pair + 1}) {
      rows.push_back(row);
      dialogues.push_back(pairs.dialogues_N[static_cast<std::size_t>(row)]);
      tokens.push_back(static_cast<std::int64_t>(dialogues.back().answer.size()));
    }
  }
  Batch batch = packed_answer_batch(dialogues, traits, pad_id, row_length);
  batch.extra["reference_D"] = pairs.reference_N.index_select(0, at::tensor(rows, at::kLong));
  batch.extra["tokens_D"] = at::tensor(tokens, at::kLong);
  return batch;
}

at::Tensor policy_sums(Architecture& model, const Batch& batch) {
  const at::Tensor hidden_BTD = model.hidden(batch.input).to(at::kFloat);
  const at::Tensor log_probs_BT = answer_log_probs(hidden_BTD, model, batch, 1).log_probs_BT;
  return sum_by_dialogue(log_probs_BT, batch, batch.extra.at("tokens_D").size(0));
}

SummedLoss pair_loss(const at::Tensor& policy_D, const Batch& batch, const DpoSettings& settings) {
  const Sides policy = sides(policy_D), reference = sides(batch.extra.at("reference_D"));
  const Sides tokens = sides(batch.extra.at("tokens_D"));
  PairLogProbs log_probs{policy.chosen_P, policy.rejected_P, reference.chosen_P, reference.rejected_P, {}, {}};
  log_probs.chosen_tokens_P = tokens.chosen_P;
  log_probs.rejected_tokens_P = tokens.rejected_P;
  const DpoTerms terms = dpo_loss(log_probs, settings);
  SummedLoss result;
  result.sum = terms.loss_P.sum();
  result.target_tokens = terms.loss_P.size(0);
  const auto sum = [](const at::Tensor& values_P) { return values_P.detach().sum().item<double>(); };
  result.metrics["accuracy"] = sum((terms.chosen_rewards_P > terms.rejected_rewards_P).to(at::kFloat));
  result.metrics["margin"] = sum(terms.chosen_rewards_P - terms.rejected_rewards_P);
  result.metrics["chosen_reward"] = sum(terms.chosen_rewards_P);
  result.metrics["rejected_reward"] = sum(terms.rejected_rewards_P);
  result.metrics["chosen_log_prob"] = sum(policy.chosen_P);
  result.metrics["rejected_log_prob"] = sum(policy.rejected_P);
  return result;
}

FitStatus Dpo::run(StageContext& context) {
  const std::string template_name = choose_template(context, params_.prompt_template);
  const ArchitectureTraits traits = context.model().traits();
  const auto pad_id = context.tokenizer().pad_id();
  const DpoSettings settings = settings_of(params_);
  const auto load = [&](bool validation) {
    Pairs pairs = tokenize_pairs(context.preferences(params_.data, validation), template_name, params_.train.context,
                                 context.tokenizer(), traits);
    if (pairs.cut > 0) {
      context.note(std::to_string(pairs.cut) + " of " + std::to_string(pairs.dialogues_N.size()) +
                   (validation ? " held-out" : "") + " answers with their prompts were cut to " +
                   std::to_string(params_.train.context) + " tokens");
    }
    return pairs;
  };
  Pairs train = load(false), held_out;
  const bool validates = params_.train.validation_batches > 0;
  if (validates) held_out = load(true);
  check_labels(context, train.dialogues_N);
  // Of a run that goes on these would be about a policy that has moved.
  if (context.resume_state() == nullptr) check_reading(context, train.dialogues_N, 1);
  // One pass over both, so that the reference is in memory once.
  std::vector<Dialogue> all = train.dialogues_N;
  all.insert(all.end(), held_out.dialogues_N.begin(), held_out.dialogues_N.end());
  const at::Tensor reference_N = reference_sums(context, all);
  train.reference_N = reference_N.narrow(0, 0, 2 * train.size());
  held_out.reference_N = reference_N.narrow(0, 2 * train.size(), 2 * held_out.size());

  const auto make = [&](const Pairs& pairs, const std::vector<std::int64_t>& chosen) {
    return pair_batch(pairs, chosen, traits, pad_id, params_.train.context);
  };
  const auto batches = [&](const Pairs& pairs, const std::string& name) {
    return GroupBatches(pairs.size(), params_.train.batch_size, derive_seed(context.seed(), {"data", name}),
                        [&](const std::vector<std::int64_t>& chosen) { return make(pairs, chosen); });
  };
  std::vector<std::int64_t> first(static_cast<std::size_t>(std::min(train.size(), params_.train.batch_size)));
  std::iota(first.begin(), first.end(), 0);
  check_first_batch(context, to_device(make(train, first), context.device()), settings);

  FitPlan plan;
  plan.params = params_.train;
  plan.loss_unit = params_.loss == "sigmoid" || params_.loss == "robust" ? "nats/pair" : "";
  plan.examples_per_epoch = train.size();
  GroupBatches train_batches = batches(train, "train");
  plan.train = &train_batches;
  std::optional<GroupBatches> validation;
  if (validates) validation.emplace(batches(held_out, "validation"));
  plan.validation = validation ? &*validation : nullptr;
  plan.loss = [&](Architecture& model, const Batch& batch) { return pair_loss(policy_sums(model, batch), batch, settings); };
  declare(context);
  return context.fit(plan);
}

}  // namespace temper::dpo
