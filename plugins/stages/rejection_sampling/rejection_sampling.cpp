// Rounds of sampling and tuning (see rejection_sampling.h). Read Rounds::run() top to bottom.
#include "rejection_sampling.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <optional>

#include "reference_sums.h"
#include "sentinels.h"
#include "temper/loss.h"
#include "temper/random.h"
#include "temper/template.h"
#include "totals.h"

namespace temper::rejection_sampling {

using namespace stages;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

ParamTable<RolloutParams> rollout_table() {
  using R = RolloutParams;
  std::vector<std::string> templates = template_names();
  templates.insert(templates.begin(), "");
  ParamTable<R> table;
  table.stage("from", &R::from, "Stage whose model is the policy's start.", {.required = true});
  table.stages("reward", &R::reward, "Stages of the plugin reward_model that score answers; several are an ensemble.",
               {.required = true});
  table.add("ensemble", &R::ensemble, "What several reward models make of an answer.",
            {.choices = {"mean", "minimum", "mean_minus_deviation"}});
  table.datasets("prompts", &R::prompts, "Datasets whose prompts are answered.", {.required = true});
  table.add("prompt_source", &R::prompt_source, "Which rows of the datasets give the prompts.",
            {.choices = {"instructions", "preferences"}});
  table.add("template", &R::prompt_template, "How a conversation is written; empty is what the policy was tuned with.",
            {.choices = templates});
  table.add("rounds", &R::iterations, "Rounds of sampling and learning.", {.min = 0, .max = 1e9});
  table.add("context", &R::context,
            "Longest prompt and answer together, and positions of a row; longer prompts are left out.",
            {.min = 8, .max = 1 << 20, .unit = "tokens"});
  table.add("max_new_tokens", &R::max_new_tokens, "Longest answer.", {.min = 1, .max = 1 << 20, .unit = "tokens"});
  table.add("temperature", &R::temperature, "Sampling temperature.", {.min = 0.01, .max = 100});
  table.add("rollout_weights", &R::rollout_weights, "Weights while sampling; int8 is faster and slightly different.",
            {.choices = {"float32", "int8"}});
  table.add("epochs", &R::epochs, "Passes over a round's kept answers.", {.min = 1, .max = 1000});
  table.add("batch_size", &R::minibatch_size, "Kept answers of one optimiser step.",
            {.min = 1, .max = 1e6, .unit = "answers"});
  table.add("learning_rate", &R::learning_rate, "Peak learning rate.", {.min = 0, .max = 10});
  table.add("min_learning_rate_ratio", &R::min_learning_rate_ratio, "Learning rate at the end, as a share of the peak.",
            {.min = 0, .max = 1});
  table.add("schedule", &R::schedule, "Shape of the learning rate over rounds.",
            {.choices = {"linear", "cosine", "constant"}});
  table.add("warmup_rounds", &R::warmup_iterations, "Rounds of linear warm-up.", {.min = 0, .max = 1e9});
  table.add("weight_decay", &R::weight_decay, "Decoupled weight decay on matrices.", {.min = 0, .max = 10});
  table.add("beta1", &R::beta1, "AdamW decay of the first moment.", {.min = 0, .max = 0.999999});
  table.add("beta2", &R::beta2, "AdamW decay of the second moment.", {.min = 0, .max = 0.999999});
  table.add("epsilon", &R::epsilon, "AdamW epsilon, added outside the corrected root as PyTorch does.",
            {.min = 0, .max = 1});
  table.add("clip_norm", &R::clip_norm, "Global gradient norm is clipped to this; 0 is off.", {.min = 0, .max = 1e9});
  table.include(&R::lora, lora_params());
  table.add("length_penalty", &R::length_penalty, "Cost in score of each answer token beyond length_free.",
            {.min = 0, .max = 1e6});
  table.add("length_free", &R::length_free, "Answer tokens that cost nothing.", {.min = 0, .max = 1e6, .unit = "tokens"});
  table.add("samples_every", &R::samples_every, "Rounds between answers shown in the record; 0 is never.",
            {.min = 0, .max = 1e9});
  table.add("samples", &R::samples, "How many answers are shown.", {.min = 1, .max = 10000});
  table.add("checkpoint_every", &R::checkpoint_every, "Rounds between resumable checkpoints; 0 is only when stopped.",
            {.min = 0, .max = 1e9});
  table.require([](const R& r) { return r.max_new_tokens < r.context; },
                "max_new_tokens leaves no room for a prompt in context");
  return table;
}

std::vector<MetricSpec> round_metrics() {
  return {{"reward", "", "Mean score of the reward models over all sampled answers.", Better::kHigher},
          {"best_reward", "", "Mean over prompts of the best answer's score.", Better::kHigher},
          {"kept_reward", "", "Mean score of the answers that were learnt.", Better::kHigher},
          {"kept", "answers", "Answers that were learnt in the round.", Better::kNeither},
          {"loss", "nats/token", "Loss on kept answers, mean over the round's updates.", Better::kLower},
          {"kl", "nats/answer", "Divergence from the start: mean of summed log-ratios of each prompt's first answer.",
           Better::kNeither},
          {"length", "tokens", "Mean answer length, the end token included.", Better::kNeither},
          {"eos_rate", "", "Share of answers that the policy ended itself.", Better::kHigher},
          {"grad_norm", "", "Global gradient norm before clipping, mean over updates.", Better::kNeither},
          {"learning_rate", "", "Learning rate of the round.", Better::kNeither},
          {"rollout_seconds", "s", "Time for sampling and scoring.", Better::kLower},
          {"update_seconds", "s", "Time for learning.", Better::kLower}};
}

class Rounds {
 public:
  Rounds(StageContext& context, const Params& params, const std::string& template_name)
      : context_(context),
        params_(params),
        train_(optimizer_params(params.rollout)),
        source_(context, params.rollout, template_name, params.samples_per_prompt),
        optimizer_(context.optimizer(train_, {})) {}

  FitStatus run() {
    if (const StateDict* saved = context_.resume_state()) load(*saved);
    for (const auto& spec : round_metrics()) context_.metrics().declare(spec);
    context_.model().train(false);
    context_.progress().begin(context_.stage_name(), params_.rollout.iterations);
    while (totals_.steps < params_.rollout.iterations) {
      const auto start = Clock::now();
      stop_if_cancelled();
      Rollouts rollouts;
      try {
        rollouts = source_.sample(totals_.steps);
      } catch (const Cancelled&) {
        save();
        throw;
      }
      if (totals_.steps == 0) {
        check_labels(context_, rollouts.dialogues);
        check_reward_position(context_, rollouts.dialogues);
        check_reading(context_, rollouts.dialogues, 1);
      }
      if (!at::isfinite(rollouts.shaped.scores_B).all().item<bool>()) return diverged("scores are not finite");
      const Selection selection = choose(rollouts);
      std::map<std::string, double> metrics = describe(rollouts, selection);
      const auto learning = Clock::now();
      if (!learn(rollouts, selection, metrics)) {
        return diverged("the loss or its gradient is not finite; lower learning_rate");
      }
      metrics["update_seconds"] = seconds_since(learning);
      finish_round(rollouts, metrics, seconds_since(start));
    }
    context_.progress().end();
    context_.set_totals(totals_);
    return FitStatus::kComplete;
  }

 private:
  Selection choose(const Rollouts& rollouts) const {
    const SelectionRule rule{params_.samples_per_prompt, params_.keep, params_.threshold, params_.finished_only};
    Selection selection = select(rollouts, rule);
    if (!selection.kept.empty()) return selection;
    const std::string what = "round " + std::to_string(totals_.steps + 1) + " kept none of its " +
                             std::to_string(rollouts.dialogues.size()) +
                             " answers: " + std::to_string(selection.unfinished) + " did not end, " +
                             std::to_string(selection.below) + " are below the threshold";
    if (totals_.steps == 0) {
      throw DataError("stage '" + context_.stage_name() + "': " + what +
                      "; raise max_new_tokens, lower threshold, or set finished_only to false");
    }
    context_.note(what + "; nothing was learnt in it");
    return selection;
  }

  std::map<std::string, double> describe(const Rollouts& rollouts, const Selection& selection) const {
    std::map<std::string, double> metrics;
    metrics["reward"] = rollouts.raw.scores_B.mean().item<double>();
    metrics["best_reward"] = best_score(rollouts, params_.samples_per_prompt);
    metrics["kept"] = static_cast<double>(selection.kept.size());
    if (!selection.kept.empty()) {
      const at::Tensor kept = at::tensor(selection.kept, at::kLong);
      metrics["kept_reward"] = rollouts.raw.scores_B.index_select(0, kept).mean().item<double>();
    }
    metrics["length"] = rollouts.lengths_B.to(at::kDouble).mean().item<double>();
    metrics["eos_rate"] = rollouts.finished_B.to(at::kDouble).mean().item<double>();
    metrics["rollout_seconds"] = rollouts.rollout_seconds;
    metrics["kl"] = divergence(rollouts);
    return metrics;
  }

  /// On answers that nothing has selected.
  double divergence(const Rollouts& rollouts) const {
    std::vector<Dialogue> first;
    for (std::size_t i = 0; i < rollouts.dialogues.size(); i += static_cast<std::size_t>(params_.samples_per_prompt)) {
      first.push_back(rollouts.dialogues[i]);
    }
    const auto pad_id = context_.tokenizer().pad_id();
    const double temperature = params_.rollout.temperature;
    const Readers all{&context_.communicator(), {}};
    const at::Tensor policy_N = sum_log_probs(context_.model(), first, pad_id, all, temperature);
    at::Tensor reference_N;
    context_.with_reference(
        [&](Architecture& reference) { reference_N = sum_log_probs(reference, first, pad_id, all, temperature); });
    return (policy_N - reference_N).mean().item<double>();
  }

  /// Forward and backward of a batch, whose rows processes share out; the sum of its loss.
  double accumulate(Architecture& model, const Batch& batch) {
    Communicator& ranks = context_.communicator();
    const auto [begin, end] = part_of(batch.input.ids_BT.size(0), ranks.rank(), ranks.world_size());
    at::Tensor sum = at::zeros({1}, at::kDouble);
    if (begin < end) {
      const Batch own = to_device(rows_of(batch, begin, end), context_.device());
      const SummedLoss loss =
          linear_cross_entropy(model.hidden(own.input).flatten(0, 1), model.head(), own.labels_BT.flatten());
      if (loss.target_tokens > 0) loss.sum.backward();
      sum.fill_(loss.sum.item<double>());
    }
    optimizer_.all_reduce_gradients();
    ranks.all_reduce_sum(sum);
    return sum.item<double>();
  }

  /// Epochs over the kept answers; false if the loss or its gradient is not finite, the weights then being those before.
  bool learn(const Rollouts& rollouts, const Selection& selection, std::map<std::string, double>& metrics) {
    const auto count = static_cast<std::int64_t>(selection.kept.size());
    const double rate = learning_rate_at(train_, totals_.steps, params_.rollout.iterations);
    metrics["learning_rate"] = rate;
    double losses = 0, norms = 0, updates = 0;
    for (std::int64_t epoch = 0; epoch < params_.rollout.epochs; ++epoch) {
      const std::uint64_t root = derive_seed(derive_seed(context_.seed(), {"minibatches"}),
                                             static_cast<std::uint64_t>(totals_.steps * params_.rollout.epochs + epoch));
      for (std::int64_t first = 0; first < count; first += params_.rollout.minibatch_size) {
        const Permutation order(static_cast<std::uint64_t>(count), root);
        std::vector<Dialogue> dialogues;
        for (std::int64_t i = first; i < std::min(count, first + params_.rollout.minibatch_size); ++i) {
          const std::int64_t kept = selection.kept[order(static_cast<std::uint64_t>(i))];
          dialogues.push_back(rollouts.dialogues[static_cast<std::size_t>(kept)]);
        }
        Architecture& model = context_.model();
        const Batch batch =
            packed_answer_batch(dialogues, model.traits(), context_.tokenizer().pad_id(), params_.rollout.context);
        const auto targets = static_cast<double>(batch.target_tokens);
        const double mean = accumulate(model, batch) / targets, norm = optimizer_.grad_norm() / targets;
        if (!std::isfinite(mean) || !std::isfinite(norm)) {
          optimizer_.drop_gradients();
          return false;
        }
        const double clip = train_.clip_norm > 0 && norm > train_.clip_norm ? norm / train_.clip_norm : 1.0;
        optimizer_.step(rate, targets * clip);
        losses += mean;
        norms += norm;
        ++updates;
        totals_.target_tokens += batch.target_tokens;
        totals_.input_tokens += batch.input_tokens;
        totals_.source_tokens += batch.source_tokens;
        totals_.flops +=
            model.train_flops(batch.input_tokens - batch.source_tokens, batch.source_tokens, params_.rollout.context);
      }
    }
    if (updates > 0) {
      metrics["loss"] = losses / updates;
      metrics["grad_norm"] = norms / updates;
    }
    return true;
  }

  void finish_round(const Rollouts& rollouts, const std::map<std::string, double>& metrics, double seconds) {
    ++totals_.steps;
    totals_.seconds += seconds;
    for (const auto& [name, value] : metrics) context_.metrics().log(name, totals_.steps, value);
    const RolloutParams& params = params_.rollout;
    if (params.samples_every > 0 && (totals_.steps == 1 || totals_.steps % params.samples_every == 0)) {
      std::vector<SampleRow> rows;
      for (std::size_t i = 0; i < std::min(static_cast<std::size_t>(params.samples), rollouts.dialogues.size()); ++i) {
        rows.push_back({rollouts.prompts[i],
                        rollouts.answers[i],
                        {rollouts.raw.scores_B[static_cast<std::int64_t>(i)].item<double>()}});
      }
      context_.samples(totals_.steps, {"score"}, rows);
    }
    char note[96];
    std::snprintf(note, sizeof note, "reward %.3f  best %.3f", metrics.at("reward"), metrics.at("best_reward"));
    context_.progress().update(totals_.steps, note);
    const bool last = totals_.steps == params.iterations;
    if (!last && params.checkpoint_every > 0 && totals_.steps % params.checkpoint_every == 0) save();
  }

  FitStatus diverged(const std::string& reason) {
    context_.progress().end();
    context_.note("round " + std::to_string(totals_.steps + 1) + ": " + reason);
    context_.set_totals(totals_);
    return FitStatus::kDiverged;
  }

  void stop_if_cancelled() {
    if (!context_.cancelled()) return;
    save();
    context_.progress().end();
    throw Cancelled("stopped after round " + std::to_string(totals_.steps) + " of stage '" + context_.stage_name() + "'");
  }

  void save() {
    if (saved_at_ == totals_.steps) return;
    StateDict state;
    optimizer_.save(state);
    source_.save(state);
    state.texts["totals"] = totals_text(totals_);
    context_.checkpoint(state, totals_);
    saved_at_ = totals_.steps;
  }

  void load(const StateDict& saved) {
    optimizer_.load(saved);
    source_.load(saved);
    totals_ = totals_from(saved.texts.at("totals"), "rejection sampling");
    saved_at_ = totals_.steps;
  }

  StageContext& context_;
  const Params& params_;
  TrainParams train_;
  RolloutSource source_;
  Optimizer& optimizer_;
  FitTotals totals_;
  std::int64_t saved_at_ = -1;
};

}  // namespace

RolloutParams rollout_defaults() {
  RolloutParams params;
  params.iterations = 4;
  params.epochs = 2;
  params.learning_rate = 1e-4;
  params.samples_every = 1;
  params.checkpoint_every = 1;
  return params;
}

ParamTable<Params> params_table() {
  using P = Params;
  ParamTable<P> table;
  table.include(&P::rollout, rollout_table());
  table.add("prompts_per_round", &P::prompts_per_round, "Prompts answered in a round.",
            {.min = 1, .max = 1e6, .unit = "prompts"});
  table.add("samples_per_prompt", &P::samples_per_prompt, "Answers sampled to each prompt.",
            {.min = 1, .max = 10000, .unit = "answers"});
  table.add("keep", &P::keep, "Best answers of a prompt that are learnt, at most.", {.min = 1, .max = 10000});
  table.add("threshold", &P::threshold, "Answers with a lower score are not learnt; the default refuses none.",
            {.min = -1e30, .max = 1e30});
  table.add("finished_only", &P::finished_only, "Answers cut at max_new_tokens are not learnt.");
  table.require([](const P& p) { return p.keep <= p.samples_per_prompt; }, "keep is larger than samples_per_prompt");
  return table;
}

RejectionSampling::RejectionSampling(const Params& params) : params_(params) {
  params_.rollout.answers_per_iteration = params_.prompts_per_round * params_.samples_per_prompt;
}

FitStatus RejectionSampling::run(StageContext& context) {
  return Rounds(context, params_, choose_template(context, params_.rollout.prompt_template)).run();
}

}  // namespace temper::rejection_sampling
