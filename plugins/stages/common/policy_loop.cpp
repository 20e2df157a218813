// Rounds of sampling and learning (see policy_loop.h). Read run() top to bottom; everything else is one round's detail.
#include "policy_loop.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <optional>
#include <sstream>

#include "sentinels.h"
#include "temper/random.h"
#include "totals.h"

namespace temper::stages {
namespace {

using Clock = std::chrono::steady_clock;
constexpr double kStartKlLimit = 1e-5;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Means over updates, by name.
class Averages {
 public:
  void add(const std::map<std::string, double>& values) {
    for (const auto& [name, value] : values) {
      auto& [sum, count] = sums_[name];
      sum += value;
      ++count;
    }
  }
  std::map<std::string, double> means() const {
    std::map<std::string, double> means;
    for (const auto& [name, sum] : sums_) means[name] = sum.first / static_cast<double>(sum.second);
    return means;
  }

 private:
  std::map<std::string, std::pair<double, std::int64_t>> sums_;
};

std::vector<MetricSpec> loop_metrics(const std::vector<std::string>& dimensions) {
  std::vector<MetricSpec> specs = {
      {"reward", "", "Mean score of the reward models, before penalties and scaling.", Better::kHigher},
      {"score", "", "Mean score that is learnt from: after penalties, scaling and clipping.", Better::kHigher},
      {"score_divisor", "", "What scores were divided by.", Better::kNeither},
      {"scores_clipped", "", "Share of scores that were clipped.", Better::kLower},
      {"disagreement", "", "Mean deviation between reward models.", Better::kLower},
      {"kl", "nats/answer", "Divergence from the reference by kl_estimator, mean over answers of the sum of their tokens.",
       Better::kLower},
      {"kl_per_token", "nats/token", "The same, mean over tokens.", Better::kLower},
      {"kl_coef", "", "Weight of the divergence in this round.", Better::kNeither},
      {"entropy", "nats/token", "Entropy of the policy at its own tokens when the round began.", Better::kNeither},
      {"length", "tokens", "Mean answer length, the end token included.", Better::kNeither},
      {"eos_rate", "", "Share of answers that the policy ended itself.", Better::kHigher},
      {"policy_loss", "", "Clipped policy loss, mean over the round's updates.", Better::kLower},
      {"clip_fraction", "", "Share of tokens whose gradient the clipping cut.", Better::kLower},
      {"approx_kl", "nats/token", "Divergence from the round's start by k3, mean over updates.", Better::kNeither},
      {"ratio_error", "", "Largest distance of a ratio from 1 in the round.", Better::kNeither},
      {"ratio_deviation", "", "Mean distance of ratios from 1, mean over the round's updates.", Better::kNeither},
      {"grad_norm", "", "Global gradient norm before clipping, mean over updates.", Better::kNeither},
      {"ptx_loss", "nats/token", "Loss on mixed-in documents.", Better::kLower},
      {"updates", "", "Optimiser steps of the round; fewer than planned if stop_kl ended it.", Better::kNeither},
      {"learning_rate", "", "Learning rate of the round.", Better::kNeither},
      {"rollout_seconds", "s", "Time for sampling and scoring.", Better::kLower},
      {"update_seconds", "s", "Time for learning.", Better::kLower},
      {"answers_per_second", "answers/s", "Answers sampled and learnt from.", Better::kHigher}};
  for (const auto& name : dimensions) {
    specs.push_back({"reward_" + name, "", "Mean reward for " + name + ".", Better::kHigher});
  }
  return specs;
}

/// What each process found out about its part of a minibatch, made everybody's: sums, of `ratio_error` the largest.
std::map<std::string, double> over_ranks(const std::map<std::string, double>& mine, Communicator& ranks) {
  if (ranks.world_size() == 1) return mine;
  std::string text;
  for (const auto& [name, value] : mine) {
    char hexadecimal[32];
    std::snprintf(hexadecimal, sizeof hexadecimal, "%a", value);  // every bit
    text += name + " " + hexadecimal + "\n";
  }
  std::map<std::string, double> all;
  for (const auto& part : ranks.all_gather(text)) {
    std::istringstream lines(part);
    for (std::string name, number; lines >> name >> number;) {
      const double value = std::strtod(number.c_str(), nullptr);
      double& total = all[name];
      total = name == "ratio_error" ? std::max(total, value) : total + value;
    }
  }
  return all;
}

/// Of micro-batches: rows of a minibatch, long ones with long ones.
std::vector<at::Tensor> micro_batches(const Batch& batch, const std::vector<std::int64_t>& rows, std::int64_t tokens) {
  std::vector<std::int64_t> lengths;
  const auto* last = batch.extra.at("last_B").const_data_ptr<std::int64_t>();
  for (const auto row : rows) lengths.push_back(last[row] + 1);
  std::vector<at::Tensor> parts;
  for (auto& group : length_groups(lengths, tokens)) {
    for (auto& index : group) index = rows[static_cast<std::size_t>(index)];
    parts.push_back(at::tensor(group, at::kLong));
  }
  return parts;
}

class PolicyLoop {
 public:
  PolicyLoop(StageContext& context, const RolloutParams& params, PolicyAlgorithm& algorithm,
             const std::string& template_name)
      : context_(context),
        params_(params),
        algorithm_(algorithm),
        train_(optimizer_params(params)),
        source_(context, params, template_name, algorithm.answers_per_prompt),
        optimizer_(context.optimizer(train_, algorithm.extra)) {
    controller_.coefficient = params.kl_coef;
    if (params.kl_target > 0) controller_.target = params.kl_target;
    controller_.horizon = params.kl_horizon;
    if (params.ptx_coef > 0) {
      objective_ = &context.objective("ptx_objective");
      ptx_ = context.document_batches(params.ptx_data, *objective_, train_, false);
    }
  }

  FitStatus run() {
    // Sampled and learnt from without dropout: with it, the first ratio would not be 1 (P-PPO-11).
    context_.model().train(false);
    if (const StateDict* saved = context_.resume_state()) load(*saved);
    context_.progress().begin(context_.stage_name(), params_.iterations);
    while (totals_.steps < params_.iterations) {
      const auto start = Clock::now();
      stop_if_cancelled();
      Rollouts rollouts;
      try {
        rollouts = source_.sample(totals_.steps);
      } catch (const Cancelled&) {
        save();
        throw;
      }
      const auto learning = Clock::now();
      source_.fill_log_probs(rollouts);
      declare(rollouts);
      if (totals_.steps == 0) check_start(rollouts);
      auto metrics = algorithm_.advantages(rollouts, params_.kl_in == "reward" ? controller_.coefficient : 0);
      const double kl = rollouts.kl_BT.sum(1).mean().item<double>();
      if (const auto reason = divergence(rollouts, kl); !reason.empty()) return diverged(reason);
      const double coefficient = controller_.coefficient;
      controller_.update(kl, static_cast<double>(rollouts.dialogues.size()));
      Averages updates;
      const double rate = learning_rate_at(train_, totals_.steps, params_.iterations);
      if (const auto reason = learn(rollouts, coefficient, rate, updates); !reason.empty()) return diverged(reason);
      metrics["kl_coef"] = coefficient;
      metrics["learning_rate"] = rate;
      metrics["kl"] = kl;
      metrics["update_seconds"] = seconds_since(learning);
      for (const auto& [name, value] : updates.means()) metrics[name] = value;
      finish_round(rollouts, std::move(metrics), seconds_since(start));
    }
    context_.progress().end();
    context_.set_totals(totals_);
    return FitStatus::kComplete;
  }

 private:
  void declare(const Rollouts& rollouts) {
    if (declared_) return;
    declared_ = true;
    for (const auto& spec : loop_metrics(rollouts.raw.names)) context_.metrics().declare(spec);
    for (const auto& spec : algorithm_.metrics) context_.metrics().declare(spec);
  }

  void check_start(const Rollouts& rollouts) {
    check_labels(context_, rollouts.dialogues);
    check_reward_position(context_, rollouts.dialogues);
    check_reading(context_, rollouts.dialogues, params_.temperature);
    const double kl = (rollouts.old_BT - rollouts.reference_BT).abs().max().item<double>();
    context_.sentinel(
        {"kl_at_start", kl, kStartKlLimit, kl <= kStartKlLimit,
         "policy and reference differ by up to " + to_text(kl) + " nats at a sampled token before the first update"});
  }

  /// Why learning cannot go on; "" if it can.
  std::string divergence(const Rollouts& rollouts, double kl) const {
    if (!std::isfinite(kl) || !std::isfinite(rollouts.shaped.scores_B.sum().item<double>()) ||
        !std::isfinite(rollouts.advantages_BT.sum().item<double>())) {
      return "round " + std::to_string(totals_.steps + 1) +
             ": scores, log-probabilities or advantages are not finite; lower learning_rate";
    }
    if (params_.max_kl > 0 && kl > params_.max_kl) {
      return "round " + std::to_string(totals_.steps + 1) + ": the divergence from the reference is " + to_text(kl) +
             " nats per answer, above max_kl = " + to_text(params_.max_kl) + "; raise kl_coef or lower learning_rate";
    }
    return "";
  }

  FitStatus diverged(const std::string& reason) {
    context_.progress().end();
    context_.note(reason);
    context_.set_totals(totals_);
    return FitStatus::kDiverged;
  }

  std::string learn(const Rollouts& rollouts, double coefficient, double rate, Averages& averages) {
    const auto answers = static_cast<std::int64_t>(rollouts.dialogues.size());
    std::int64_t updates = 0;
    double ratio_error = 0;
    for (std::int64_t epoch = 0; epoch < params_.epochs; ++epoch) {
      const std::uint64_t root = derive_seed(derive_seed(context_.seed(), {"minibatches"}),
                                             static_cast<std::uint64_t>(totals_.steps * params_.epochs + epoch));
      const Permutation order(static_cast<std::uint64_t>(answers), root);
      for (std::int64_t first = 0; first < answers; first += params_.minibatch_size) {
        std::vector<std::int64_t> rows;
        for (std::int64_t i = first; i < std::min(answers, first + params_.minibatch_size); ++i) {
          rows.push_back(static_cast<std::int64_t>(order(static_cast<std::uint64_t>(i))));
        }
        auto metrics = accumulate(rollouts, rows, coefficient);
        if (totals_.steps == 0 && updates == 0) {
          const double error = metrics["ratio_deviation"], largest = metrics["ratio_error"];
          context_.sentinel({"first_ratio", error, kMeanReadingLimit, error <= kMeanReadingLimit && largest <= kReadingLimit,
                             "before the first update ratios differ from 1 by " + to_text(error) + " on average and by " +
                                 to_text(largest) + " at most (no more than " + to_text(kReadingLimit) + " is allowed)"});
        }
        ratio_error = std::max(ratio_error, metrics["ratio_error"]);
        const double norm = optimizer_.grad_norm();
        if (!std::isfinite(norm) || !std::isfinite(metrics["policy_loss"])) {
          optimizer_.drop_gradients();
          return "round " + std::to_string(totals_.steps + 1) +
                 ": the loss or its gradient is not finite; lower learning_rate";
        }
        optimizer_.step(rate, params_.clip_norm > 0 && norm > params_.clip_norm ? norm / params_.clip_norm : 1.0);
        metrics["grad_norm"] = norm;
        averages.add(metrics);
        ++updates;
        if (params_.stop_kl > 0 && metrics["approx_kl"] > params_.stop_kl) {
          averages.add({{"updates", static_cast<double>(updates)}});
          return "";
        }
      }
    }
    averages.add({{"updates", static_cast<double>(updates)}});
    return "";
  }

  /// Forward and backward of one minibatch in parts; gradients are those of its mean loss. Processes share out its rows.
  std::map<std::string, double> accumulate(const Rollouts& rollouts, const std::vector<std::int64_t>& rows,
                                           double coefficient) {
    const at::Tensor all_rows = at::tensor(rows, at::kLong);
    const at::Tensor all_mask_BT = rollouts.mask_BT.index_select(0, all_rows);
    const at::Tensor nothing_BT = at::zeros(all_mask_BT.sizes());
    const double weight = aggregate(nothing_BT, all_mask_BT, algorithm_.aggregation, params_.max_new_tokens).weight;
    const double tokens = all_mask_BT.sum().item<double>();
    Communicator& ranks = context_.communicator();
    const auto [begin, end] = part_of(static_cast<std::int64_t>(rows.size()), ranks.rank(), ranks.world_size());
    const std::vector<std::int64_t> own(rows.begin() + begin, rows.begin() + end);
    std::map<std::string, double> metrics;
    const ClipRange clip{params_.clip_low, params_.clip_high};
    for (const auto& part_rows : micro_batches(rollouts.batch, own, params_.micro_batch_tokens)) {
      UpdatePart part{rollouts, part_rows, to_device(select_rows(rollouts.batch, part_rows), context_.device()), {}, {}, {},
                      {},       {}};
      part.tokens = tokens;
      part.answers = static_cast<double>(rows.size());
      part.hidden_BTD = context_.model().hidden(part.batch.input);
      part.now = answer_log_probs(part.hidden_BTD, context_.model(), part.batch, params_.temperature);
      part.mask_BT = part.take(rollouts.mask_BT);
      part.old_BT = part.take(rollouts.old_BT);
      const at::Tensor advantages_BT = part.take(rollouts.advantages_BT);
      const auto mean = [&](const at::Tensor& values_BT) {
        return aggregate(values_BT, part.mask_BT, algorithm_.aggregation, params_.max_new_tokens).sum / weight;
      };
      const at::Tensor policy = mean(policy_loss(part.now.log_probs_BT, part.old_BT, advantages_BT, part.mask_BT, clip));
      at::Tensor loss = policy;
      if (params_.entropy_coef > 0) loss = loss - mean(part.now.entropy_BT) * params_.entropy_coef;
      if (params_.kl_in == "loss" && coefficient > 0) {
        const KlGradient gradient = params_.kl_gradient == "reverse_kl" ? KlGradient::kReverseKl : KlGradient::kOfEstimator;
        loss = loss + mean(kl_loss(part.now.log_probs_BT, part.take(rollouts.reference_BT), part.mask_BT,
                                   kl_estimator(params_.kl_estimator), gradient)) *
                          coefficient;
      }
      if (algorithm_.extra_loss) {
        const at::Tensor more = algorithm_.extra_loss(part, metrics);
        if (more.defined()) loss = loss + more;
      }
      loss.backward();
      const UpdateStats stats = update_stats(part.now.log_probs_BT.detach(), part.old_BT, advantages_BT, part.mask_BT, clip);
      const double share = static_cast<double>(stats.tokens) / tokens;
      metrics["policy_loss"] += policy.item<double>();
      metrics["clip_fraction"] += (stats.clip_low + stats.clip_high) * share;
      metrics["approx_kl"] += stats.approx_kl * share;
      metrics["ratio_deviation"] += stats.mean_ratio_error * share;
      metrics["ratio_error"] = std::max(metrics["ratio_error"], stats.max_ratio_error);
    }
    if (ptx_) learn_document_batch(metrics);
    optimizer_.all_reduce_gradients();
    return over_ranks(metrics, ranks);
  }

  void learn_document_batch(std::map<std::string, double>& metrics) {
    Communicator& ranks = context_.communicator();
    const Batch batch = to_device(ptx_->next_part(ranks.rank(), ranks.world_size()), context_.device());
    SummedLoss loss;
    if (batch.input.ids_BT.defined()) loss = objective_->loss(context_.model(), batch);
    at::Tensor targets = at::full({1}, loss.target_tokens, at::kLong);
    ranks.all_reduce_sum(targets);
    if (loss.target_tokens == 0) return;
    const at::Tensor mean = loss.sum / targets.item<double>();
    (mean * params_.ptx_coef).backward();
    metrics["ptx_loss"] = mean.item<double>();
  }

  void finish_round(const Rollouts& rollouts, std::map<std::string, double> metrics, double seconds) {
    const double answers = static_cast<double>(rollouts.dialogues.size());
    const double tokens = rollouts.mask_BT.sum().item<double>();
    metrics["reward"] = rollouts.raw.scores_B.mean().item<double>();
    metrics["score"] = rollouts.shaped.scores_B.mean().item<double>();
    metrics["score_divisor"] = rollouts.shaped.divisor;
    metrics["scores_clipped"] = static_cast<double>(rollouts.shaped.clipped_low + rollouts.shaped.clipped_high) / answers;
    metrics["disagreement"] = rollouts.raw.disagreement;
    metrics["kl_per_token"] = masked_mean(rollouts.kl_BT, rollouts.mask_BT).item<double>();
    metrics["entropy"] = masked_mean(rollouts.entropy_BT, rollouts.mask_BT).item<double>();
    metrics["length"] = tokens / answers;
    metrics["eos_rate"] = rollouts.finished_B.to(at::kDouble).mean().item<double>();
    metrics["rollout_seconds"] = rollouts.rollout_seconds;
    metrics["answers_per_second"] = answers / seconds;
    for (std::size_t k = 0; k < rollouts.raw.names.size(); ++k) {
      metrics["reward_" + rollouts.raw.names[k]] = rollouts.raw.parts[k].mean().item<double>();
    }
    ++totals_.steps;
    totals_.seconds += seconds;
    totals_.target_tokens += static_cast<std::int64_t>(tokens);
    totals_.input_tokens += rollouts.batch.input_tokens;
    totals_.source_tokens += rollouts.batch.source_tokens;
    totals_.flops += round_flops(rollouts, metrics["updates"]);
    for (const auto& [name, value] : metrics) context_.metrics().log(name, totals_.steps, value);
    if (params_.samples_every > 0 && (totals_.steps == 1 || totals_.steps % params_.samples_every == 0)) show(rollouts);
    char note[96];
    std::snprintf(note, sizeof note, "reward %.3f  kl %.3f  length %.1f", metrics["reward"], metrics["kl"],
                  metrics["length"]);
    context_.progress().update(totals_.steps, note);
    const bool last = totals_.steps == params_.iterations;
    if (!last && params_.checkpoint_every > 0 && totals_.steps % params_.checkpoint_every == 0) save();
  }

  /// Policy learning, and forward passes of policy, reference and sampling; the critic and reward models are not counted.
  double round_flops(const Rollouts& rollouts, double updates) const {
    const Batch& batch = rollouts.batch;
    const double once =
        context_.model().train_flops(batch.input_tokens - batch.source_tokens, batch.source_tokens, params_.context);
    const double passes =
        updates * static_cast<double>(params_.minibatch_size) / static_cast<double>(rollouts.dialogues.size());
    return once * (passes + 1);
  }

  void show(const Rollouts& rollouts) const {
    std::vector<std::string> names = {"score", "kl", "finished"};
    for (const auto& name : rollouts.raw.names) names.push_back("reward_" + name);
    const at::Tensor kl_B = rollouts.kl_BT.sum(1);
    std::vector<SampleRow> rows;
    const auto count = std::min<std::int64_t>(params_.samples, static_cast<std::int64_t>(rollouts.dialogues.size()));
    for (std::int64_t i = 0; i < count; ++i) {
      SampleRow row{rollouts.prompts[static_cast<std::size_t>(i)], rollouts.answers[static_cast<std::size_t>(i)], {}};
      row.scores = {rollouts.shaped.scores_B[i].item<double>(), kl_B[i].item<double>(),
                    rollouts.finished_B[i].item<double>()};
      for (const auto& part : rollouts.raw.parts) row.scores.push_back(part[i].item<double>());
      rows.push_back(std::move(row));
    }
    context_.samples(totals_.steps, names, rows);
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
    state.texts["kl_controller"] = controller_.save();
    if (ptx_) state.texts["ptx_position"] = ptx_->position();
    state.texts["totals"] = totals_text(totals_);
    context_.checkpoint(state, totals_);
    saved_at_ = totals_.steps;
  }

  void load(const StateDict& saved) {
    optimizer_.load(saved);
    source_.load(saved);
    controller_ = KlController::restore(saved.texts.at("kl_controller"));
    if (ptx_) ptx_->restore(saved.texts.at("ptx_position"));
    totals_ = totals_from(saved.texts.at("totals"), "the policy loop");
    saved_at_ = totals_.steps;
  }

  StageContext& context_;
  const RolloutParams& params_;
  PolicyAlgorithm& algorithm_;
  TrainParams train_;
  RolloutSource source_;
  Optimizer& optimizer_;
  KlController controller_;
  const Objective* objective_ = nullptr;
  std::unique_ptr<BatchSource> ptx_;
  FitTotals totals_;
  std::int64_t saved_at_ = -1;
  bool declared_ = false;
};

}  // namespace

at::Tensor UpdatePart::take(const at::Tensor& round_BT) const {
  return round_BT.index_select(0, rows).narrow(1, 0, batch.labels_BT.size(1)).to(batch.labels_BT.device());
}

FitStatus run_policy_loop(StageContext& context, const RolloutParams& params, PolicyAlgorithm& algorithm,
                          const std::string& template_name) {
  return PolicyLoop(context, params, algorithm, template_name).run();
}

}  // namespace temper::stages
