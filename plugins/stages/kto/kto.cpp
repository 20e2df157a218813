// The loss of a batch and the stage around it (see kto.h).
#include "kto.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <optional>

#include "group_batches.h"
#include "reference_sums.h"
#include "sentinels.h"
#include "temper/evaluation_mode.h"
#include "temper/random.h"
#include "temper/template.h"

namespace temper::kto {

using namespace stages;

namespace {

ParamTable<KtoSettings> settings_table() {
  using S = KtoSettings;
  ParamTable<S> table;
  table.add("beta", &S::beta, "How strongly the policy is held to the reference.", {.min = 1e-6, .max = 1000});
  table.add("desirable_weight", &S::desirable_weight, "Weight of the loss of good answers.", {.min = 0, .max = 1000});
  table.add("undesirable_weight", &S::undesirable_weight, "Weight of the loss of bad answers.", {.min = 0, .max = 1000});
  table.require([](const S& s) { return s.desirable_weight + s.undesirable_weight > 0; },
                "desirable_weight and undesirable_weight are both 0, so nothing would be learnt");
  return table;
}

void declare(StageContext& context) {
  const auto both = [&](const MetricSpec& spec) {
    context.metrics().declare(spec);
    context.metrics().declare({"validation_" + spec.name, spec.unit, spec.doc + " Over held-out rows.", spec.better});
  };
  both({"accuracy", "", "Share of rows whose implicit reward is on the right side of the baseline.", Better::kHigher});
  both({"baseline", "nats", "Divergence from the reference on answers to other prompts.", Better::kNeither});
  both(
      {"desirable_reward", "nats",
       "Mean of beta times the log-ratio to the reference, good answers (their sum over the rows' expected number of them).",
       Better::kHigher});
  both({"undesirable_reward", "nats", "The same of bad answers.", Better::kLower});
  both({"margin", "nats", "desirable_reward minus undesirable_reward.", Better::kHigher});
}

/// The paper wants weight times count of both kinds within 1 to 4/3 of one another.
void note_balance(StageContext& context, const Rows& rows, const KtoSettings& settings) {
  const auto good = static_cast<double>(rows.desirable_rows());
  const auto bad = static_cast<double>(rows.size()) - good;
  const double ratio =
      bad * settings.undesirable_weight > 0 ? good * settings.desirable_weight / (bad * settings.undesirable_weight) : 0;
  if (ratio >= 1 && ratio <= 4.0 / 3) return;
  char text[256];
  std::snprintf(text, sizeof text,
                "%.0f good and %.0f bad answers: desirable_weight * good / (undesirable_weight * bad) is %.3g, the paper "
                "advises 1 to 1.33",
                good, bad, ratio);
  context.note(text);
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  std::vector<std::string> templates = template_names();
  templates.insert(templates.begin(), "");
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose model is the policy's start, and the reference.", {.required = true});
  table.datasets("data", &P::data, "Datasets whose preference pairs (two rows each) and unpaired feedback are learnt.",
                 {.required = true});
  table.add("template", &P::prompt_template, "How a conversation is written; empty is what the policy was tuned with.",
            {.choices = templates});
  table.include(&P::settings, settings_table());
  table.include(&P::train, train_params());
  return table;
}

at::Tensor policy_sums(Architecture& model, const Batch& batch, std::int64_t rows) {
  const at::Tensor hidden_BTD = model.hidden(batch.input).to(at::kFloat);
  return sum_by_dialogue(answer_log_probs(hidden_BTD, model, batch, 1).log_probs_BT, batch, rows);
}

at::Tensor baseline_of_all(const at::Tensor& policy_mismatched_B, const at::Tensor& reference_mismatched_B,
                           Communicator& ranks) {
  std::string bytes;
  if (policy_mismatched_B.defined()) {
    const at::Tensor mine_2B =
        at::stack({policy_mismatched_B, reference_mismatched_B}).to(at::kCPU, at::kFloat).contiguous();
    bytes.assign(static_cast<const char*>(mine_2B.const_data_ptr()), mine_2B.nbytes());
  }
  std::vector<at::Tensor> parts_2B;
  for (auto& part : ranks.all_gather(bytes)) {
    const auto rows = static_cast<std::int64_t>(part.size() / (2 * sizeof(float)));
    parts_2B.push_back(at::from_blob(part.data(), {2, rows}, at::kFloat).clone());
  }
  const at::Tensor all_2B = at::cat(parts_2B, 1);
  return kto_baseline(all_2B[0], all_2B[1]);
}

SummedLoss row_loss(const at::Tensor& policy_B, const Batch& batch, const KtoSettings& settings, double desirable_share) {
  const at::Tensor& desirable_B = batch.extra.at("desirable_B");
  const at::Tensor& baseline = batch.extra.at("baseline");
  const KtoTerms terms = kto_loss(policy_B, batch.extra.at("reference_B"), desirable_B, baseline, settings);
  SummedLoss result;
  result.sum = terms.loss_B.sum();
  result.target_tokens = terms.loss_B.size(0);
  const auto rows = static_cast<double>(result.target_tokens);
  const at::Tensor above_B = terms.rewards_B > baseline * settings.beta,
                   below_B = terms.rewards_B < baseline * settings.beta;
  result.metrics["accuracy"] = at::where(desirable_B, above_B, below_B).sum().item<double>();
  result.metrics["baseline"] = baseline.item<double>() * rows;
  const auto reward = [&](const at::Tensor& which_B, double share) {
    return share > 0 ? (terms.rewards_B * which_B).sum().item<double>() / share : 0;
  };
  const double good = reward(desirable_B, desirable_share);
  const double bad = reward(desirable_B.logical_not(), 1 - desirable_share);
  result.metrics["desirable_reward"] = good;
  result.metrics["undesirable_reward"] = bad;
  result.metrics["margin"] = good - bad;
  return result;
}

Rows Kto::load(StageContext& context, const std::string& template_name, bool validation) const {
  const std::uint64_t seed = derive_seed(context.seed(), {"mismatch", validation ? "validation" : "train"});
  Rows rows = make_rows(context.preferences(params_.data, validation), template_name, params_.train.context, seed,
                        context.tokenizer(), context.model().traits());
  if (rows.cut > 0) {
    context.note(std::to_string(rows.cut) + " of " + std::to_string(rows.size()) + (validation ? " held-out" : "") +
                 " answers with their prompts were cut to " + std::to_string(params_.train.context) + " tokens");
  }
  // One pass over both kinds, so that groups of like length are full.
  std::vector<Dialogue> all = rows.dialogues;
  all.insert(all.end(), rows.mismatched.begin(), rows.mismatched.end());
  const at::Tensor sums = reference_sums(context, all);
  rows.reference = sums.narrow(0, 0, rows.size());
  rows.mismatched_reference = sums.narrow(0, rows.size(), rows.size());
  return rows;
}

FitStatus Kto::run(StageContext& context) {
  const std::string template_name = choose_template(context, params_.prompt_template);
  const ArchitectureTraits traits = context.model().traits();
  const auto pad_id = context.tokenizer().pad_id();
  const std::int64_t length = params_.train.context;
  const Rows train = load(context, template_name, false);
  std::optional<Rows> held_out;
  if (params_.train.validation_batches > 0) held_out = load(context, template_name, true);
  note_balance(context, train, params_.settings);
  check_labels(context, train.dialogues);
  // Of a run that goes on these would be about a policy that has moved.
  if (context.resume_state() == nullptr) check_reading(context, train.dialogues, 1);

  const auto batches = [&](const Rows& rows, bool validation) {
    const std::uint64_t seed = derive_seed(context.seed(), {"data", validation ? "validation" : "train"});
    return GroupBatches(rows.size(), params_.train.batch_size, seed,
                        [&, validation](const std::vector<std::int64_t>& chosen) {
                          Batch batch = row_batch(rows, chosen, traits, pad_id, length);
                          batch.extra["held_out"] = at::full({}, validation, at::kBool);
                          return batch;
                        });
  };
  const auto rows_behind = [&](const Batch& batch) -> const Rows& {
    return batch.extra.at("held_out").item<bool>() ? *held_out : train;
  };
  const auto add_baseline = [&](Architecture& model, Batch& batch) {
    at::Tensor mismatched_B, reference_B;
    if (batch.input.ids_BT.defined()) {
      // Dropout would add to the divergence that the baseline is.
      const at::NoGradGuard guard;
      const EvaluationMode evaluation(model);
      reference_B = batch.extra.at("mismatched_reference_B");
      const Batch mismatched =
          to_device(mismatched_batch(rows_behind(batch), batch, traits, pad_id, length), model.device());
      mismatched_B = policy_sums(model, mismatched, reference_B.size(0));
    }
    batch.extra["baseline"] = baseline_of_all(mismatched_B, reference_B, context.communicator()).to(model.device());
  };
  const auto loss = [&](Architecture& model, const Batch& batch) {
    const Rows& rows = rows_behind(batch);
    const double share = static_cast<double>(rows.desirable_rows()) / static_cast<double>(rows.size());
    return row_loss(policy_sums(model, batch, batch.extra.at("rows_B").size(0)), batch, params_.settings, share);
  };

  FitPlan plan;
  plan.params = params_.train;
  plan.loss_unit = "";
  plan.examples_per_epoch = train.size();
  GroupBatches train_batches = batches(train, false);
  plan.train = &train_batches;
  std::optional<GroupBatches> validation;
  if (held_out) validation.emplace(batches(*held_out, true));
  plan.validation = validation ? &*validation : nullptr;
  plan.before_loss = add_baseline;
  plan.loss = loss;

  {
    const at::NoGradGuard guard;
    context.model().train(false);
    Batch first = to_device(train_batches.next(), context.device());
    train_batches.restore("");
    StartCheck check;
    check.policy_N = policy_sums(context.model(), first, first.extra.at("rows_B").size(0));
    check.reference_N = first.extra.at("reference_B");
    check.tokens_N = first.extra.at("tokens_B");
    add_baseline(context.model(), first);
    const SummedLoss at_start = loss(context.model(), first);
    const auto rows = static_cast<double>(at_start.target_tokens);
    const double good = first.extra.at("desirable_B").sum().item<double>();
    check.loss = at_start.sum.item<double>() / rows;
    // sigmoid(0) = 1/2 of each row's weight.
    check.expected_loss =
        (good * params_.settings.desirable_weight + (rows - good) * params_.settings.undesirable_weight) / (2 * rows);
    check_start(context, check);
  }
  declare(context);
  return context.fit(plan);
}

}  // namespace temper::kto
