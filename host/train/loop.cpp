// The training loop (see loop.h). Read run_fit() top to bottom; everything above it is one step's detail.
#include "host/train/loop.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <ATen/record_function.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/train/autocast.h"
#include "host/train/optimizer.h"
#include "host/train/ranks_sum.h"
#include "temper/random.h"
#include "temper/random_state.h"

namespace temper {
namespace {

using Clock = std::chrono::steady_clock;
using Json = nlohmann::json;

/// Means over the targets of some batches.
struct Means {
  double loss = std::numeric_limits<double>::quiet_NaN();
  std::map<std::string, double> metrics;
};

/// This process's part of the next batch, where the model is; without rows, it has nothing to do.
Batch next_batch(BatchSource& source, ParallelEngine* ranks, c10::Device device) {
  return to_device(ranks == nullptr ? source.next() : source.next_part(ranks->rank(), ranks->world_size()), device);
}

bool has_rows(const Batch& batch) { return batch.input.ids_BT.defined(); }

/// Over the first batches of the validation source; evaluation mode, no gradients, no random numbers used.
Means validate(Architecture& model, const FitPlan& plan, bool bf16, ParallelEngine* ranks) {
  const at::NoGradGuard guard;
  model.train(false);
  plan.validation->restore("");
  const c10::Device device = model.device();
  RankStep step;
  BatchSums& sums = step.sums;
  for (std::int64_t i = 0; i < plan.params.validation_batches && plan.validation->epochs_done() < 1; ++i) {
    Batch batch = next_batch(*plan.validation, ranks, device);
    const Autocast autocast(bf16, device);
    if (plan.before_loss) plan.before_loss(model, batch);
    if (!has_rows(batch)) continue;
    const SummedLoss loss = plan.loss(model, batch);
    sums.loss += loss.sum.item<double>();
    sums.targets += loss.target_tokens;
    for (const auto& [name, value] : loss.metrics) sums.metrics[name] += value;
  }
  model.train(true);
  if (ranks != nullptr) sums = add_up(step, *ranks).sums;
  Means means;
  const auto targets = static_cast<double>(sums.targets);
  if (sums.targets > 0) means.loss = sums.loss / targets;
  for (const auto& [name, value] : sums.metrics) means.metrics[name] = value / targets;
  return means;
}

/// What the loop itself has to remember across a stop.
struct LoopState {
  FitTotals totals;
  double best_validation = std::numeric_limits<double>::infinity();
  std::int64_t bad_validations = 0;
};

std::string to_text(const LoopState& state) {
  // Doubles travel as hexadecimal text: infinity and every bit survive.
  const auto& t = state.totals;
  char best[32], flops[32];
  std::snprintf(best, sizeof best, "%a", state.best_validation);
  std::snprintf(flops, sizeof flops, "%a", t.flops);
  return Json{{"steps", t.steps},
              {"target_tokens", t.target_tokens},
              {"input_tokens", t.input_tokens},
              {"seconds", t.seconds},
              {"flops", flops},
              {"source_tokens", t.source_tokens},
              {"target_bytes", t.target_bytes},
              {"best_validation", best},
              {"bad_validations", state.bad_validations}}
      .dump();
}

LoopState loop_state_from(const std::string& text) {
  LoopState state;
  try {
    const Json json = Json::parse(text);
    const auto hexadecimal = [&](const char* key) { return std::strtod(json.at(key).get<std::string>().c_str(), nullptr); };
    state.totals = {json.at("steps"),     json.at("target_tokens"), json.at("input_tokens"), json.at("seconds"),
                    hexadecimal("flops"), json.at("source_tokens"), json.at("target_bytes")};
    state.best_validation = hexadecimal("best_validation");
    state.bad_validations = json.at("bad_validations");
  } catch (const Json::exception& error) {
    throw DataError(std::string("the checkpoint's training state is damaged: ") + error.what());
  }
  return state;
}

/// The model's weights and what the stage trains beside them.
std::vector<NamedParameter> all_weights(Architecture& model, const FitPlan& plan) {
  std::vector<NamedParameter> all = model.parameters();
  all.insert(all.end(), plan.extra_parameters.begin(), plan.extra_parameters.end());
  return all;
}

std::vector<at::Tensor> copies(Architecture& model, const FitPlan& plan) {
  std::vector<at::Tensor> result;
  for (const auto& parameter : all_weights(model, plan)) result.push_back(parameter.tensor.detach().clone());
  return result;
}

void put_back(Architecture& model, const FitPlan& plan, const std::vector<at::Tensor>& weights) {
  const at::NoGradGuard guard;
  auto parameters = all_weights(model, plan);
  for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].tensor.copy_(weights[i]);
}

/// Forward and backward of all micro-batches of this process. Gradients are those of the summed loss; dividing by the step's
/// target tokens comes with the update, so a micro-batch counts by its tokens and an empty one counts nothing. With `sync`,
/// the last backward makes gradients sums over all ranks, in which a rank counts by its targets (P-LOSS-02).
BatchSums accumulate(Architecture& model, const FitPlan& plan, bool bf16, ParallelEngine* ranks, GradientSync* sync) {
  const c10::Device device = model.device();
  BatchSums step;
  for (std::int64_t i = 0; i < plan.params.accumulation; ++i) {
    Batch batch = next_batch(*plan.train, ranks, device);
    SummedLoss loss;
    if (plan.before_loss) {
      const Autocast autocast(bf16, device);
      plan.before_loss(model, batch);
    }
    if (has_rows(batch)) {
      RECORD_USER_SCOPE("temper::forward");
      const Autocast autocast(bf16, device);
      loss = plan.loss(model, batch);
    }
    step.input_tokens += batch.input_tokens;
    step.source_tokens += batch.source_tokens;
    step.target_bytes += batch.target_bytes;
    step.target_tokens += batch.target_tokens;
    const bool learns = loss.target_tokens > 0;
    if (sync != nullptr && i + 1 == plan.params.accumulation) {
      RECORD_USER_SCOPE("temper::backward");
      sync->backward(learns ? loss.sum : at::Tensor());
    } else if (learns) {
      RECORD_USER_SCOPE("temper::backward");
      loss.sum.backward();
    }
    if (!learns) continue;
    step.loss += loss.sum.item<double>();
    step.targets += loss.target_tokens;
    for (const auto& [name, value] : loss.metrics) step.metrics[name] += value;
  }
  return step;
}

/// This process's word about a step made everybody's.
AllSteps with_other_ranks(BatchSums sums, bool cancelled, ParallelEngine* ranks) {
  if (ranks == nullptr) return {std::move(sums), cancelled, {}};
  return add_up({std::move(sums), cancelled}, *ranks);
}

/// What sums gradients during backward; null for one process, and with adapters, whose few gradients are summed afterwards.
std::unique_ptr<GradientSync> make_sync(Architecture& model, const FitPlan& plan, ModelOptimizer& optimizer,
                                        ParallelEngine* ranks) {
  if (ranks == nullptr || optimizer.lora() != nullptr) return nullptr;
  std::vector<at::Tensor> parameters;
  for (const auto& parameter : trained_parameters(model, nullptr, plan.extra_parameters)) {
    parameters.push_back(parameter.tensor);
  }
  return ranks->sync_gradients(parameters, gradient_buckets(parameters), plan.params.shard_optimizer);
}

double step_flops(const Architecture& model, const TrainParams& params, std::int64_t input_tokens,
                  std::int64_t source_tokens) {
  return model.train_flops(input_tokens - source_tokens, source_tokens, params.context);
}

/// The schedule needs the number of steps beforehand. With epochs or flops a dry pass over the batches gives it, and the
/// data goes back to where it was.
std::int64_t planned_steps(const Architecture& model, const FitPlan& plan) {
  const TrainParams& params = plan.params;
  if (params.epochs > 0 && params.flops > 0) {
    throw ConfigError("epochs = " + std::to_string(params.epochs) + " and flops are both set; keep one of them");
  }
  if (params.epochs <= 0 && params.flops <= 0) return params.steps;
  if (params.epochs > 0 && plan.examples_per_epoch <= 0) {
    throw ConfigError("epochs is set, but this stage cannot count its examples; set steps or flops");
  }
  const std::string start = plan.train->position();
  std::int64_t steps = 0;
  double flops = 0;
  // The last step is the one that reaches the budget.
  while (params.epochs > 0 ? plan.train->epochs_done() < params.epochs : flops < params.flops) {
    std::int64_t input_tokens = 0, source_tokens = 0;
    for (std::int64_t i = 0; i < params.accumulation; ++i) {
      const Batch batch = plan.train->next();
      input_tokens += batch.input_tokens;
      source_tokens += batch.source_tokens;
    }
    const double added = step_flops(model, params, input_tokens, source_tokens);
    if (params.flops > 0 && !(added > 0)) {
      throw PluginError(
          "the architecture counts no floating-point operations for a step, so flops cannot end a stage; "
          "set steps instead");
    }
    flops += added;
    ++steps;
  }
  plan.train->restore(start);
  return steps;
}

/// " (rank 1)", or nothing for one process alone.
std::string named_ranks(const std::vector<int>& ranks) {
  std::string text;
  for (const int rank : ranks) text += (text.empty() ? " (rank " : ", rank ") + std::to_string(rank);
  return text.empty() ? "" : text + ")";
}

std::string format_note(double loss, double tokens_per_second) {
  char text[64];
  std::snprintf(text, sizeof text, "loss %.3f  %.0f tokens/s", loss, tokens_per_second);
  return text;
}

}  // namespace

std::vector<MetricSpec> fit_metrics(const std::string& loss_unit) {
  return {{"loss", loss_unit, "Training loss of the step, mean over its targets.", Better::kLower},
          {"validation_loss", loss_unit, "Mean loss over held-out batches.", Better::kLower},
          {"learning_rate", "", "Learning rate of the step.", Better::kNeither},
          {"grad_norm", "", "Global gradient norm before clipping.", Better::kNeither},
          {"tokens_per_second", "tokens/s", "Input tokens trained per second since the last logged point.", Better::kHigher},
          {"target_tokens", "tokens", "Tokens with a label trained on so far.", Better::kNeither},
          {"target_bytes", "bytes", "UTF-8 bytes that the labels so far stand for.", Better::kNeither},
          {"flops", "flop", "Floating-point operations of training so far.", Better::kNeither}};
}

FitReport run_fit(Architecture& model, const FitPlan& plan, FitHooks hooks) {
  const TrainParams& params = plan.params;
  const bool bf16 = params.precision == "bfloat16";
  ParallelEngine* const ranks = hooks.ranks;
  const std::int64_t total_steps = planned_steps(model, plan);

  std::unique_ptr<ModelOptimizer> own;
  if (hooks.optimizer == nullptr) {
    own = std::make_unique<ModelOptimizer>(model, params, plan.extra_parameters, hooks.seed, ranks);
    hooks.optimizer = own.get();
  }
  ModelOptimizer& optimizer = *hooks.optimizer;
  const auto sync = make_sync(model, plan, optimizer, ranks);
  LoopState state;
  std::vector<at::Tensor> best_weights;
  const c10::Device device = model.device();
  seed_random(hooks.seed, device);
  if (hooks.resume) {
    const StateDict& saved = *hooks.resume;
    optimizer.load(saved);
    state = loop_state_from(saved.texts.at("loop"));
    plan.train->restore(saved.texts.at("train_position"));
    RandomState random{saved.tensors.at("random_state"), {}};
    if (const auto found = saved.tensors.find("device_random_state"); found != saved.tensors.end())
      random.device = found->second;
    set_random_state(random, device);
    if (params.patience > 0) {
      for (std::size_t i = 0; saved.tensors.count("best." + std::to_string(i)) > 0; ++i) {
        best_weights.push_back(saved.tensors.at("best." + std::to_string(i)));
      }
    }
    hooks.resume.reset();
  }
  const auto is_paused = [&] { return hooks.pause_at > 0 && state.totals.steps >= hooks.pause_at; };
  const auto stop = [&] {
    hooks.progress->end();
    model.train(false);
    throw Cancelled("stopped at step " + std::to_string(state.totals.steps) + " of stage '" + hooks.stage + "'");
  };
  const auto save = [&] {
    StateDict saved;
    optimizer.save(saved);
    saved.texts["loop"] = to_text(state);
    saved.texts["train_position"] = plan.train->position();
    const RandomState random = random_state(device);
    saved.tensors["random_state"] = random.cpu;
    if (random.device.defined()) saved.tensors["device_random_state"] = random.device;
    for (std::size_t i = 0; i < best_weights.size(); ++i) saved.tensors["best." + std::to_string(i)] = best_weights[i];
    hooks.save(saved, state.totals);
  };

  FitReport report;
  model.train(true);
  hooks.progress->begin(hooks.stage, total_steps);
  auto last_log = Clock::now();
  std::int64_t tokens_since_log = 0;
  if (is_paused() && state.totals.steps < total_steps) stop();
  while (state.totals.steps < total_steps) {
    const auto step_start = Clock::now();
    const double learning_rate = learning_rate_at(params, state.totals.steps, total_steps);
    const std::int64_t number = state.totals.steps + 1;
    // Each rank draws for its own rows; anew in every step, so that a checkpoint need not hold the states of all.
    if (ranks != nullptr)
      seed_random(derive_seed(hooks.seed, {"step", std::to_string(number), std::to_string(ranks->rank())}), device);
    if (hooks.step_begins) hooks.step_begins();
    const BatchSums mine = accumulate(model, plan, bf16, ranks, sync.get());
    if (sync == nullptr) optimizer.all_reduce_gradients();
    const AllSteps everyone = with_other_ranks(mine, hooks.cancelled(), ranks);
    const BatchSums& step = everyone.sums;
    if (step.targets == 0) {
      throw DataError("stage '" + hooks.stage + "', step " + std::to_string(number) +
                      ": no token of the batch has a label; "
                      "nothing can be learnt from it");
    }
    const auto targets = static_cast<double>(step.targets);
    const double loss = step.loss / targets;
    const double norm = optimizer.grad_norm() / targets;
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      optimizer.drop_gradients();
      report.status = FitStatus::kDiverged;
      report.reason = "the " + std::string(std::isfinite(loss) ? "gradient norm" : "loss") + " of step " +
                      std::to_string(number) + " is not finite" + named_ranks(everyone.not_finite) +
                      "; lower learning_rate or raise warmup_steps";
      break;
    }
    const double clip = params.clip_norm > 0 && norm > params.clip_norm ? norm / params.clip_norm : 1.0;
    {
      RECORD_USER_SCOPE("temper::update");
      optimizer.step(learning_rate, targets * clip);
    }

    state.totals.steps = number;
    state.totals.target_tokens += step.target_tokens;
    state.totals.input_tokens += step.input_tokens;
    state.totals.source_tokens += step.source_tokens;
    state.totals.target_bytes += step.target_bytes;
    state.totals.flops += step_flops(model, params, step.input_tokens, step.source_tokens);
    state.totals.seconds += std::chrono::duration<double>(Clock::now() - step_start).count();
    tokens_since_log += step.input_tokens;
    const bool last = number == total_steps;
    const double rate =
        static_cast<double>(tokens_since_log) / std::chrono::duration<double>(Clock::now() - last_log).count();
    if (number == 1 || last || number % params.log_every == 0) {
      hooks.log("loss", number, loss);
      for (const auto& [name, sum] : step.metrics) hooks.log(name, number, sum / targets);
      hooks.log("learning_rate", number, learning_rate);
      hooks.log("grad_norm", number, norm);
      hooks.log("tokens_per_second", number, rate);
      hooks.log("target_tokens", number, static_cast<double>(state.totals.target_tokens));
      hooks.log("target_bytes", number, static_cast<double>(state.totals.target_bytes));
      hooks.log("flops", number, state.totals.flops);
      last_log = Clock::now();
      tokens_since_log = 0;
    }
    hooks.progress->update(number, format_note(loss, rate));

    const bool due = params.validate_every > 0 && number % params.validate_every == 0;
    if (plan.validation != nullptr && params.validation_batches > 0 && (due || last)) {
      const Means means = validate(model, plan, bf16, ranks);
      const double validation_loss = means.loss;
      hooks.log("validation_loss", number, validation_loss);
      for (const auto& [name, value] : means.metrics) hooks.log("validation_" + name, number, value);
      last_log = Clock::now();
      tokens_since_log = 0;
      if (params.patience > 0) {
        const bool better = validation_loss < state.best_validation;
        state.bad_validations = better ? 0 : state.bad_validations + 1;
        if (better) {
          state.best_validation = validation_loss;
          best_weights = copies(model, plan);
        }
        if (state.bad_validations >= params.patience) {
          report.status = FitStatus::kEarlyStop;
          report.reason = "validation loss did not fall for " + std::to_string(params.patience) + " validations";
          break;
        }
      }
    }
    // One alone may stop at any moment; many stop after the same step.
    const bool cancelled = (ranks == nullptr ? hooks.cancelled() : everyone.cancelled) || (!last && is_paused());
    if (cancelled || (!last && params.checkpoint_every > 0 && number % params.checkpoint_every == 0)) {
      save();
      last_log = Clock::now();
      tokens_since_log = 0;
    }
    if (cancelled) stop();
  }
  hooks.progress->end();
  if (report.status != FitStatus::kDiverged && !best_weights.empty()) put_back(model, plan, best_weights);
  model.train(false);
  report.totals = state.totals;
  return report;
}

}  // namespace temper
