// The context that the evaluator checks lend (see eval_fakes.h).
#include "eval_fakes.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "temper/loss.h"
#include "temper/random.h"

namespace temper::conformance {

std::vector<Completion> FakeGenerator::generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) {
  std::vector<Completion> completions;
  for (const auto& request : requests) {
    Rng rng(request.seed);
    Completion completion;
    const auto length = std::min<std::int64_t>(params.max_new_tokens, 4 + static_cast<std::int64_t>(rng.below(8)));
    for (std::int64_t t = 0; t < length; ++t) {
      completion.ids.push_back(static_cast<std::int32_t>(rng.below(5) == 0 ? ' ' : 'a' + rng.below(26)));
      completion.log_probs.push_back(static_cast<float>(-rng.uniform()));
      completion.text += static_cast<char>(completion.ids.back());
    }
    completion.finished = length < params.max_new_tokens;
    if (completion.finished) completion.log_probs.push_back(-0.5F);
    completions.push_back(std::move(completion));
  }
  return completions;
}

std::vector<Score> FakeScorer::score(const std::vector<ScoreRequest>& requests) {
  const at::NoGradGuard guard;
  std::vector<Score> scores;
  for (const auto& request : requests) {
    if (request.continuation_ids.empty()) throw PluginError("a continuation to be scored is empty");
    std::vector<std::int64_t> ids(request.context_ids.begin(), request.context_ids.end());
    if (ids.empty()) ids.push_back(ByteTokenizer::kBos);
    const std::size_t first = ids.size() - 1;
    ids.insert(ids.end(), request.continuation_ids.begin(), request.continuation_ids.end());
    ModelInput input;
    input.ids_BT = at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end() - 1), at::kLong).unsqueeze(0);
    const at::Tensor labels = at::tensor(std::vector<std::int64_t>(ids.begin() + 1, ids.end()), at::kLong);
    at::Tensor greedy;
    const at::Tensor log_probs = linear_log_probs(model_.hidden(input).flatten(0, 1), model_.head(), labels, &greedy);
    Score score;
    score.is_greedy = true;
    for (std::size_t t = first; t + 1 < ids.size(); ++t) {
      score.log_probs.push_back(log_probs[static_cast<std::int64_t>(t)].item<float>());
      score.sum += score.log_probs.back();
      score.is_greedy &= greedy[static_cast<std::int64_t>(t)].item<bool>();
    }
    scores.push_back(std::move(score));
  }
  return scores;
}

std::vector<Document> FakeEvalContext::validation_documents(const std::vector<std::string>&, std::int64_t limit) {
  std::vector<Document> documents;
  if (empty_) return documents;
  for (const char* text : {"The ferry leaves at nine.", "Two herons stood in the shallow water.", "Bread, salt and a knife.",
                           "Nobody had wound the clock.", "It rained until the third of May."}) {
    if (limit > 0 && static_cast<std::int64_t>(documents.size()) == limit) break;
    const std::string id = "document-" + std::to_string(documents.size());
    documents.push_back({id, text, "made-up:" + id});
  }
  return documents;
}

std::vector<EvalItem> FakeEvalContext::items(const std::vector<std::string>&, std::int64_t limit) {
  std::vector<EvalItem> items;
  if (empty_) return items;
  for (int i = 0; i < 6 && (limit <= 0 || i < limit); ++i) {
    EvalItem item;
    item.id = "item-" + std::to_string(i);
    item.prompt = {{"user", "How much is " + std::to_string(i) + " plus two?"}};
    item.reference = std::to_string(i + 2);
    // What instruction-following evaluators look for; others ignore it.
    item.attributes_json =
        R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}], "source": "The numbers are from 1 to 20."})";
    item.source = "made-up:" + item.id;
    items.push_back(std::move(item));
  }
  return items;
}

std::vector<PreferencePair> FakeEvalContext::preferences(const std::vector<std::string>&, std::int64_t limit) {
  std::vector<PreferencePair> pairs;
  if (empty_) return pairs;
  for (int i = 0; i < 4 && (limit <= 0 || i < limit); ++i) {
    PreferencePair pair;
    pair.id = "pair-" + std::to_string(i);
    pair.prompt = {{"user", "How much is " + std::to_string(i) + " plus two?"}};
    pair.chosen = std::to_string(i + 2);
    pair.rejected = "I do not care.";
    pair.source = "made-up:" + pair.id;
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

}  // namespace temper::conformance
