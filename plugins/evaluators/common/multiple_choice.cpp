// Splitting, scoring and deciding (see multiple_choice.h).
#include "multiple_choice.h"

#include <algorithm>
#include <cmath>

namespace temper::evaluators {
namespace {

// Questions that are scored at once: enough to share what they begin with, few enough for progress.
constexpr std::size_t kChunk = 128;

bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/// What every model sees before an empty context.
std::int32_t first_token(const Tokenizer& tokenizer) {
  return tokenizer.bos_id() >= 0 ? tokenizer.bos_id() : tokenizer.eos_ids().front();
}

void refuse_empty(const std::string& continuation) {
  if (continuation.empty()) throw DataError("a continuation to score is empty; every option needs at least one character");
}

double log_sum(const std::vector<double>& values) {
  const double top = *std::max_element(values.begin(), values.end());
  double sum = 0;
  for (const double value : values) sum += std::exp(value - top);
  return top + std::log(sum);
}

}  // namespace

ScoreRequest continuation_request(const std::string& context, const std::string& continuation, const Tokenizer& tokenizer,
                                  bool encoder_decoder) {
  refuse_empty(continuation);
  std::size_t end = context.size();
  while (end > 0 && is_space(context[end - 1])) --end;
  const std::string before = context.substr(0, end), after = context.substr(end) + continuation;
  ScoreRequest request;
  request.context_ids = tokenizer.encode(before);
  const auto joined = encoder_decoder ? std::vector<std::int32_t>() : tokenizer.encode(before + after);
  const std::size_t border = request.context_ids.size();
  if (joined.size() > border && std::equal(request.context_ids.begin(), request.context_ids.end(), joined.begin())) {
    request.continuation_ids.assign(joined.begin() + static_cast<std::ptrdiff_t>(border), joined.end());
  } else {
    request.continuation_ids = tokenizer.encode(after);
  }
  if (encoder_decoder) return request;
  if (tokenizer.bos_id() >= 0 || request.context_ids.empty()) {
    request.context_ids.insert(request.context_ids.begin(), first_token(tokenizer));
  }
  return request;
}

ScoreRequest continuation_request(std::vector<std::int32_t> context_ids, const std::string& continuation,
                                  const Tokenizer& tokenizer) {
  refuse_empty(continuation);
  return {std::move(context_ids), tokenizer.encode(continuation)};
}

std::vector<std::vector<Score>> score_options(EvalContext& context, const std::string& evaluator,
                                              const std::vector<std::vector<ScoreRequest>>& questions) {
  std::vector<std::vector<Score>> all;
  context.progress().begin(evaluator, static_cast<std::int64_t>(questions.size()));
  for (std::size_t from = 0; from < questions.size(); from += kChunk) {
    if (context.cancelled()) throw Cancelled("evaluator " + evaluator + " was stopped");
    const std::size_t to = std::min(questions.size(), from + kChunk);
    std::vector<ScoreRequest> requests;
    for (std::size_t q = from; q < to; ++q) requests.insert(requests.end(), questions[q].begin(), questions[q].end());
    auto scores = context.scorer().score(requests);
    if (scores.size() != requests.size()) {
      throw PluginError("the scorer gave " + std::to_string(scores.size()) + " scores to " +
                        std::to_string(requests.size()) + " requests");
    }
    auto next = std::make_move_iterator(scores.begin());
    for (std::size_t q = from; q < to; ++q) {
      const auto count = static_cast<std::ptrdiff_t>(questions[q].size());
      all.emplace_back(next, next + count);
      next += count;
    }
    context.progress().update(static_cast<std::int64_t>(to), "");
  }
  context.progress().end();
  return all;
}

std::vector<double> sums_of(const std::vector<Score>& scores) {
  std::vector<double> sums;
  for (const auto& score : scores) sums.push_back(score.sum);
  return sums;
}

std::vector<double> per_byte(const std::vector<double>& sums, const std::vector<std::string>& options) {
  std::vector<double> normed;
  for (std::size_t i = 0; i < sums.size(); ++i) {
    normed.push_back(sums[i] / static_cast<double>(std::max<std::size_t>(1, options.at(i).size())));
  }
  return normed;
}

Pick best_option(const std::vector<double>& scores) {
  const auto best = std::max_element(scores.begin(), scores.end());
  return {static_cast<std::size_t>(best - scores.begin()), std::count(scores.begin(), scores.end(), *best) > 1};
}

bool is_right(const std::vector<double>& scores, const std::vector<std::size_t>& right) {
  double best = -INFINITY;
  for (const std::size_t index : right) best = std::max(best, scores.at(index));
  for (std::size_t i = 0; i < scores.size(); ++i) {
    if (std::find(right.begin(), right.end(), i) == right.end() && !(scores[i] < best)) return false;
  }
  return true;
}

double mc1(double best, const std::vector<double>& wrong) {
  return std::all_of(wrong.begin(), wrong.end(), [&](double score) { return score < best; }) ? 1 : 0;
}

double mc2(const TruthScores& scores) { return 1 / (1 + std::exp(log_sum(scores.wrong) - log_sum(scores.right))); }

}  // namespace temper::evaluators
