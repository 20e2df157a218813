// See measures.h.
#include "measures.h"

#include <set>

namespace temper::evaluators {
namespace {

void add_column(EvalResult& result, const std::string& name, const std::vector<double>& values) {
  if (values.size() != result.examples.size()) {
    throw PluginError("score '" + name + "' has " + std::to_string(values.size()) + " values for " +
                      std::to_string(result.examples.size()) + " items");
  }
  result.score_names.push_back(name);
  for (std::size_t i = 0; i < values.size(); ++i) result.examples[i].scores.push_back(values[i]);
}

/// Each item's source, or nothing if no two items share one.
std::vector<std::string> shared_sources(const EvalResult& result) {
  std::vector<std::string> clusters;
  std::set<std::string> seen;
  bool shared = false;
  for (const auto& row : result.examples) {
    clusters.push_back(row.cluster);
    shared |= !row.cluster.empty() && !seen.insert(row.cluster).second;
  }
  return shared ? clusters : std::vector<std::string>{};
}

/// The draws of a metric's bootstrap are always the same ones.
constexpr std::uint64_t kSeed = 20240229;

}  // namespace

void add_if(Verdicts& verdicts, bool about, bool yes) {
  if (about) {
    verdicts.add(yes);
  } else {
    verdicts.skip();
  }
}

void add_share(EvalResult& result, const MetricSpec& spec, const Verdicts& verdicts) {
  std::vector<double> yes, counts;
  std::int64_t successes = 0, n = 0;
  for (const auto entry : verdicts.entries_) {
    const bool is_yes = entry == Verdicts::kYes, does_count = entry != Verdicts::kSkipped;
    yes.push_back(is_yes);
    counts.push_back(does_count);
    successes += is_yes;
    n += does_count;
  }
  if (n == 0) return;
  if (n == static_cast<std::int64_t>(yes.size())) {
    add_column(result, spec.name, yes);
  } else {
    add_column(result, spec.name + ".num", yes);
    add_column(result, spec.name + ".den", counts);
  }
  const auto clusters = shared_sources(result);
  result.metrics.push_back(clusters.empty() ? proportion_metric(spec, successes, n)
                                            : clustered_metric(spec, yes, counts, clusters, kSeed));
}

void add_mean(EvalResult& result, const MetricSpec& spec, const std::vector<double>& values) {
  add_column(result, spec.name, values);
  const auto clusters = shared_sources(result);
  result.metrics.push_back(clusters.empty()
                               ? mean_metric(spec, values)
                               : clustered_metric(spec, values, std::vector<double>(values.size(), 1.0), clusters, kSeed));
}

void add_answer_facts(EvalResult& result, const std::vector<Completion>& answers) {
  Verdicts finished;
  std::vector<double> tokens;
  for (const Completion& answer : answers) {
    finished.add(answer.finished);
    tokens.push_back(static_cast<double>(answer.ids.size()));
  }
  add_share(
      result,
      {"answered_by_itself", "", "Share of answers that the model ended itself, before the length limit.", Better::kHigher},
      finished);
  add_mean(result, {"response_tokens", "tokens", "Mean length of an answer.", Better::kNeither}, tokens);
}

}  // namespace temper::evaluators
