// Reading pairs and summing up (see preference_accuracy.h).
// Shapes: P pairs, N = 2P answers (2i chosen, 2i + 1 rejected), K dimensions of a reward head.
#include "preference_accuracy.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <set>

#include "dialogues.h"
#include "measures.h"
#include "reward_head.h"
#include "shared_reading.h"
#include "temper/hash.h"
#include "temper/template.h"

namespace temper::preference_accuracy {

using stages::Dialogue;

namespace {

constexpr std::size_t kPairsAtOnce = 128;

std::optional<stages::RewardHead> head_of(EvalContext& context) {
  const StateDict kept = context.kept("");
  if (kept.texts.count("reward_head") == 0) return std::nullopt;
  return stages::load_head(kept, "the evaluated one");
}

void check_pair(const PreferencePair& pair) {
  const std::string where = "preference pair '" + pair.id + "' (" + pair.source + ")";
  if (!pair.has_chosen || !pair.has_rejected) {
    throw DataError(where + " has only one side, so there is nothing to compare; name datasets with pairs in 'data'");
  }
  if (pair.chosen == pair.rejected) throw DataError(where + " has two equal answers; remove it");
}

/// Whose numbers rank the answers.
struct Ranker {
  std::optional<stages::RewardHead> head;
  std::string reference = {};  ///< a stage, without a head; may be empty
  double beta = 0;

  std::string what() const {
    if (head) return "reward";
    return !reference.empty() ? "implicit reward (beta times the log-ratio to the reference)"
                              : "mean log-probability a token (the stage has no reward head)";
  }
};

at::Tensor score(EvalContext& context, const Ranker& ranker, const std::vector<Dialogue>& answers_N,
                 const std::vector<std::int64_t>& dimension_N) {
  const stages::ModelName evaluated;
  if (!ranker.head) {
    const at::Tensor sums_N = stages::sum_log_probs(context, evaluated, answers_N);
    if (!ranker.reference.empty()) {
      return (sums_N - stages::sum_log_probs(context, {ranker.reference, ""}, answers_N)) * ranker.beta;
    }
    std::vector<std::int64_t> tokens;
    for (const auto& answer : answers_N) tokens.push_back(static_cast<std::int64_t>(answer.answer.size()));
    return sums_N / at::tensor(tokens, at::kLong);
  }
  const at::Tensor rewards_NK = stages::read_rewards(context, evaluated, answers_N);
  const at::Tensor asked_N = at::tensor(dimension_N, at::kLong);
  const at::Tensor one_N = rewards_NK.gather(1, asked_N.clamp_min(0).unsqueeze(1)).squeeze(1);
  return at::where(asked_N < 0, ranker.head->combined(rewards_NK), one_N);
}

/// Which reward a pair is about: its dimension's, the only one, or -1 for the combined one.
std::int64_t dimension_of(const std::optional<stages::RewardHead>& head, const std::string& name) {
  if (!head) return -1;
  return head->dimensions.size() == 1 ? 0 : head->index_of(name);
}

/// As part of a metric's name.
std::string as_name(const std::string& dimension) {
  std::string name;
  for (const char c : dimension) {
    const bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    name += fits ? c : (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : '_';
  }
  return name;
}

/// A number about all pairs at once, without an interval.
MetricValue whole(MetricSpec spec, double value, std::int64_t n) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  return {std::move(spec), value, none, none, none, n};
}

void add_column(EvalResult& result, const std::string& name, const std::vector<double>& values) {
  result.score_names.push_back(name);
  for (std::size_t i = 0; i < values.size(); ++i) result.examples[i].scores.push_back(values[i]);
}

double correlation(const at::Tensor& x_N, const at::Tensor& y_N) {
  const at::Tensor x = x_N - x_N.mean(), y = y_N - y_N.mean();
  const double xx = x.square().sum().item<double>(), yy = y.square().sum().item<double>();
  return xx > 0 && yy > 0 ? (x * y).sum().item<double>() / std::sqrt(xx * yy) : 0;
}

std::vector<double> values_of(const at::Tensor& values) {
  const at::Tensor flat = values.to(at::kDouble).contiguous();
  return {flat.const_data_ptr<double>(), flat.const_data_ptr<double>() + flat.numel()};
}

void add_accuracy(EvalResult& result, const std::vector<PreferencePair>& pairs, const std::vector<double>& margin,
                  const std::string& how) {
  evaluators::Verdicts right, ties;
  std::map<std::string, evaluators::Verdicts> by_dimension;
  for (const auto& pair : pairs) {
    if (!pair.dimension.empty()) by_dimension[as_name(pair.dimension)];
  }
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    right.add(margin[i] > 0);
    ties.add(margin[i] == 0);
    for (auto& [name, verdicts] : by_dimension) {
      if (name == as_name(pairs[i].dimension)) {
        verdicts.add(margin[i] > 0);
      } else {
        verdicts.skip();
      }
    }
  }
  const std::string doc = "Share of held-out pairs whose chosen answer has the strictly higher " + how;
  evaluators::add_share(result, {"preference_accuracy", "", doc + ".", Better::kHigher}, right);
  evaluators::add_share(result, {"tie_rate", "", "Share of pairs whose answers have the same " + how + ".", Better::kLower},
                        ties);
  for (const auto& [name, verdicts] : by_dimension) {
    evaluators::add_share(result, {"preference_accuracy_" + name, "", doc + ", pairs about " + name + ".", Better::kHigher},
                          verdicts);
  }
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose held-out preference pairs are ranked.", {.required = true});
  table.add("limit", &P::limit, "Rank at most this many pairs; 0 is all.", {.min = 0, .max = 1e9, .unit = "pairs"});
  table.add("context", &P::context,
            "Longest prompt and answer together; longer ones are cut as in training. 0 is what the model can read.",
            {.min = 0, .max = 1 << 20, .unit = "tokens"});
  table.stage("reference", &P::reference,
              "Stage against which a stage without a reward head has its implicit reward; empty ranks by likelihood.");
  table.add("beta", &P::beta, "Factor of the implicit reward.", {.min = 1e-6, .max = 1000});
  table.require([](const P& p) { return p.context == 0 || p.context >= 8; }, "context must be 0 or at least 8");
  return table;
}

EvalResult PreferenceAccuracy::evaluate(EvalContext& context) {
  const std::vector<PreferencePair> pairs = context.preferences(params_.data, params_.limit);
  if (pairs.empty()) throw DataError("evaluator preference_accuracy found no held-out preference pairs in its datasets");
  const Ranker ranker{head_of(context), params_.reference, params_.beta};
  const auto& head = ranker.head;
  const std::string template_name = head ? head->prompt_template : context.prompt_template();
  const ArchitectureTraits traits = context.model().traits();
  const std::int64_t room = params_.context > 0 ? params_.context : traits.max_positions;

  EvalResult result;
  std::vector<Dialogue> answers_N;
  std::vector<std::int64_t> dimension_N, lengths_N;
  std::set<std::string> ids;
  for (const auto& pair : pairs) {
    check_pair(pair);
    for (const std::string& answer : {pair.chosen, pair.rejected}) {
      answers_N.push_back(stages::tokenize(template_name, pair.prompt, answer, context.tokenizer(), traits));
      if (room > 0) stages::fit_to(answers_N.back(), room, traits);
      lengths_N.push_back(static_cast<std::int64_t>(answers_N.back().answer.size()));
      dimension_N.push_back(dimension_of(head, pair.dimension));
    }
    const std::string prompt = render_prompt(template_name, pair.prompt, context.tokenizer()).text;
    std::string id = pair.id;
    for (int copy = 2; !ids.insert(id).second; ++copy) id = pair.id + "#" + std::to_string(copy);
    result.examples.push_back({id, sha256_hex(prompt), prompt, pair.chosen, pair.rejected, {}});
  }

  std::vector<at::Tensor> parts;
  context.progress().begin("preference_accuracy", static_cast<std::int64_t>(pairs.size()));
  for (std::size_t from = 0; from < answers_N.size(); from += 2 * kPairsAtOnce) {
    if (context.cancelled()) throw Cancelled("evaluator preference_accuracy was stopped");
    const auto first = static_cast<std::ptrdiff_t>(from);
    const auto last = static_cast<std::ptrdiff_t>(std::min(answers_N.size(), from + 2 * kPairsAtOnce));
    parts.push_back(score(context, ranker, {answers_N.begin() + first, answers_N.begin() + last},
                          {dimension_N.begin() + first, dimension_N.begin() + last}));
    context.progress().update(last / 2, "");
  }
  context.progress().end();
  const at::Tensor reward_N = at::cat(parts).to(at::kDouble);
  if (!at::isfinite(reward_N).all().item<bool>()) {
    throw DataError("evaluator preference_accuracy: some rewards are not finite; the evaluated stage has diverged");
  }
  const at::Tensor chosen_P = reward_N.slice(0, 0, {}, 2), rejected_P = reward_N.slice(0, 1, {}, 2);
  const std::string how = ranker.what();
  const std::vector<double> margin = values_of(chosen_P - rejected_P);
  const auto n = static_cast<std::int64_t>(pairs.size());
  add_accuracy(result, pairs, margin, how);
  evaluators::add_mean(
      result,
      {"preference_margin", "", "Mean " + how + " of the chosen answer minus that of the rejected.", Better::kHigher},
      margin);
  std::vector<double> brier;
  for (const double m : margin) brier.push_back(1 / ((1 + std::exp(m)) * (1 + std::exp(m))));
  evaluators::add_mean(
      result,
      {"brier", "", "Mean squared error of sigmoid(margin) as the probability of the people's choice.", Better::kLower},
      brier);
  const Calibration calibration = pair_calibration(chosen_P, rejected_P);
  result.metrics.push_back(
      whole({"calibration_error", "", "Expected calibration error of sigmoid(margin), 10 bins.", Better::kLower},
            calibration.expected_error, n));
  const at::Tensor tokens_N = at::tensor(lengths_N, at::kLong).to(at::kDouble);
  result.metrics.push_back(
      whole({"length_correlation", "", "Correlation of " + how + " and answer length.", Better::kNeither},
            correlation(tokens_N, reward_N), 2 * n));
  add_column(result, "chosen_score", values_of(chosen_P));
  add_column(result, "rejected_score", values_of(rejected_P));
  add_column(result, "chosen_tokens", values_of(tokens_N.slice(0, 0, {}, 2)));
  add_column(result, "rejected_tokens", values_of(tokens_N.slice(0, 1, {}, 2)));
  return result;
}

}  // namespace temper::preference_accuracy
