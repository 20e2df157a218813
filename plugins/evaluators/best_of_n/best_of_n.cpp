// Sampling, scoring, summing up (see best_of_n.h).
#include "best_of_n.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "dialogues.h"
#include "measures.h"
#include "reward_models.h"
#include "temper/hash.h"
#include "temper/random.h"
#include "temper/template.h"

namespace temper::best_of_n {

using stages::Dialogue;

namespace {

constexpr std::size_t kAnswersAtOnce = 256;

struct Prompt {
  std::string id, reference;
  std::vector<Message> messages;
  std::string text;
  std::vector<std::int64_t> ids;
};

std::vector<Prompt> prompts_of(EvalContext& context, const Params& params, const std::string& template_name) {
  std::vector<Prompt> prompts;
  if (params.prompt_source == "items") {
    for (auto& item : context.items(params.data, params.limit)) {
      prompts.push_back({item.id, item.reference, std::move(item.prompt), "", {}});
    }
  } else {
    for (auto& pair : context.preferences(params.data, 0)) prompts.push_back({pair.id, "", std::move(pair.prompt), "", {}});
  }
  std::vector<Prompt> ready;
  std::set<std::string> seen;
  for (auto& prompt : prompts) {
    if (params.limit > 0 && static_cast<std::int64_t>(ready.size()) == params.limit) break;
    prompt.text = render_prompt(template_name, prompt.messages, context.tokenizer()).text;
    // Many pairs are about one prompt.
    if (params.prompt_source == "preferences" && !seen.insert(prompt.text).second) continue;
    prompt.ids = stages::tokenize_prompt(template_name, prompt.messages, context.tokenizer(), context.model().traits());
    ready.push_back(std::move(prompt));
  }
  if (ready.empty()) throw DataError("evaluator best_of_n found no prompt in its datasets; name others in 'data'");
  return ready;
}

/// The answer as its reward is read: with the end token if the model ended it.
Dialogue dialogue_of(const Prompt& prompt, const Completion& answer, const std::string& template_name, std::int64_t end,
                     EvalContext& context) {
  if (answer.finished && answer.stopped_by != "eos") {
    // A stop text is cut off the answer's text but not off its ids.
    return stages::tokenize(template_name, prompt.messages, answer.text, context.tokenizer(), context.model().traits());
  }
  Dialogue dialogue{prompt.ids, {answer.ids.begin(), answer.ids.end()}};
  if (answer.finished) dialogue.answer.push_back(end);
  return dialogue;
}

struct Answers {
  std::vector<Completion> completions;
  std::vector<double> rewards;
};

Answers answer(EvalContext& context, const Params& params, const std::vector<Prompt>& prompts,
               const std::string& template_name) {
  const stages::RewardModels reward(context, params.reward, params.ensemble, template_name);
  const ArchitectureTraits traits = context.model().traits();
  const std::int64_t end = stages::end_token(template_name, context.tokenizer(), traits);
  const auto n = static_cast<std::size_t>(params.samples);
  const std::size_t at_once = std::max<std::size_t>(1, kAnswersAtOnce / n);
  Answers all;
  context.progress().begin("best_of_n", static_cast<std::int64_t>(prompts.size()));
  for (std::size_t from = 0; from < prompts.size(); from += at_once) {
    if (context.cancelled()) throw Cancelled("evaluator best_of_n was stopped");
    const std::size_t to = std::min(prompts.size(), from + at_once);
    std::vector<GenerateRequest> requests;
    for (std::size_t i = from; i < to; ++i) {
      const std::uint64_t seed = derive_seed(context.seed(), {"item", prompts[i].id});
      for (std::size_t k = 0; k < n; ++k) {
        requests.push_back({{prompts[i].ids.begin(), prompts[i].ids.end()}, derive_seed(seed, k)});
      }
    }
    auto completions = context.generator().generate(requests, params.sampling);
    std::vector<Dialogue> dialogues;
    for (std::size_t j = 0; j < completions.size(); ++j) {
      dialogues.push_back(dialogue_of(prompts[from + j / n], completions[j], template_name, end, context));
    }
    const at::Tensor scores_B = reward.score(dialogues).scores_B.to(at::kDouble).contiguous();
    if (!at::isfinite(scores_B).all().item<bool>()) {
      throw DataError("evaluator best_of_n: a reward model gave a score that is not finite; it has diverged");
    }
    all.rewards.insert(all.rewards.end(), scores_B.const_data_ptr<double>(),
                       scores_B.const_data_ptr<double>() + scores_B.numel());
    std::move(completions.begin(), completions.end(), std::back_inserter(all.completions));
    context.progress().update(static_cast<std::int64_t>(to), "");
  }
  context.progress().end();
  return all;
}

double deviation(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return std::sqrt(squares / static_cast<double>(values.size() - 1));
}

}  // namespace

std::vector<std::int64_t> sizes_up_to(std::int64_t n) {
  std::vector<std::int64_t> sizes;
  for (std::int64_t k = 1; k < n; k *= 2) sizes.push_back(k);
  sizes.push_back(n);
  return sizes;
}

double expected_best(std::vector<double> values, std::int64_t k) {
  const auto n = static_cast<std::int64_t>(values.size());
  if (k < 1 || k > n) {
    throw PluginError("expected_best: the best of " + std::to_string(k) + " cannot be had from " + std::to_string(n) +
                      " values");
  }
  std::sort(values.begin(), values.end());
  // The i-th smallest is the maximum of C(i-1, k-1) of the C(n, k) subsets; from the largest down by the ratio of two
  // neighbours.
  double weight = static_cast<double>(k) / static_cast<double>(n), sum = 0;
  for (std::int64_t i = n; i >= k; --i) {
    sum += weight * values[static_cast<std::size_t>(i - 1)];
    if (i > 1) weight *= static_cast<double>(i - k) / static_cast<double>(i - 1);
  }
  return sum;
}

double divergence_bound(std::int64_t k) {
  const auto count = static_cast<double>(k);
  return std::log(count) - (count - 1) / count;
}

ParamTable<Params> params_table() {
  using P = Params;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose prompts are answered.", {.required = true});
  table.add("prompt_source", &P::prompt_source, "Which rows of the datasets give the prompts.",
            {.choices = {"items", "preferences"}});
  table.add("limit", &P::limit, "Answer at most this many prompts; 0 is all.", {.min = 0, .max = 1e9, .unit = "prompts"});
  table.stages("reward", &P::reward, "Stages of the plugin reward_model that score answers; several are an ensemble.",
               {.required = true});
  table.add("ensemble", &P::ensemble, "What several reward models make of an answer.",
            {.choices = {"mean", "minimum", "mean_minus_deviation"}});
  table.add("samples", &P::samples, "Answers sampled to each prompt: the largest n.",
            {.min = 1, .max = 10000, .unit = "answers"});
  table.include(&P::sampling, sampling_params());
  table.require([](const P& p) { return p.samples == 1 || p.sampling.temperature > 0; },
                "with temperature 0 all samples of a prompt are one answer; raise temperature or set samples to 1");
  return table;
}

EvalResult BestOfN::evaluate(EvalContext& context) {
  const std::string template_name = context.prompt_template();
  const std::vector<Prompt> prompts = prompts_of(context, params_, template_name);
  const Answers answers = answer(context, params_, prompts, template_name);
  const auto n = static_cast<std::size_t>(params_.samples);
  const std::vector<std::int64_t> sizes = sizes_up_to(params_.samples);

  EvalResult result;
  std::vector<std::vector<double>> best(sizes.size());
  std::vector<double> gains, deviations, best_tokens;
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const auto first = answers.rewards.begin() + static_cast<std::ptrdiff_t>(i * n);
    const std::vector<double> rewards(first, first + static_cast<std::ptrdiff_t>(n));
    for (std::size_t s = 0; s < sizes.size(); ++s) best[s].push_back(expected_best(rewards, sizes[s]));
    gains.push_back(best.back().back() - best.front().back());
    deviations.push_back(deviation(rewards));
    const auto top = static_cast<std::size_t>(std::max_element(rewards.begin(), rewards.end()) - rewards.begin());
    const Completion& chosen = answers.completions[i * n + top];
    best_tokens.push_back(static_cast<double>(chosen.ids.size()));
    const Prompt& prompt = prompts[i];
    result.examples.push_back({prompt.id, sha256_hex(prompt.text), prompt.text, chosen.text, prompt.reference, {}});
  }
  const auto count = static_cast<std::int64_t>(prompts.size());
  const double none = std::numeric_limits<double>::quiet_NaN();
  for (std::size_t s = 0; s < sizes.size(); ++s) {
    const std::string k = std::to_string(sizes[s]);
    evaluators::add_mean(result, {"best_of_" + k, "", "Expected reward of the best of " + k + " answers.", Better::kHigher},
                         best[s]);
  }
  for (const std::int64_t size : sizes) {
    const std::string k = std::to_string(size);
    result.metrics.push_back(
        {{"kl_bound_of_" + k, "nats", "log k - (k-1)/k: the divergence of best-of-" + k + " from the model is at most this.",
          Better::kNeither},
         divergence_bound(size),
         none,
         none,
         none,
         count});
  }
  evaluators::add_mean(result, {"gain", "", "Reward of the best of all samples minus the mean reward.", Better::kHigher},
                       gains);
  evaluators::add_mean(result,
                       {"reward_deviation", "", "Mean deviation of the rewards of a prompt's answers.", Better::kNeither},
                       deviations);
  evaluators::add_mean(result, {"best_tokens", "tokens", "Mean length of the chosen answer.", Better::kNeither},
                       best_tokens);
  std::int64_t finished = 0;
  for (const auto& completion : answers.completions) finished += completion.finished;
  result.metrics.push_back(proportion_metric(
      {"answered_by_itself", "", "Share of answers that the model ended itself, before the length limit.", Better::kHigher},
      finished, static_cast<std::int64_t>(answers.completions.size())));
  return result;
}

}  // namespace temper::best_of_n
