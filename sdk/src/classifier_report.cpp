// How good a classifier is: accuracy beside what the commonest label would give, and precision, recall, F1 and AUC a label.
// See temper/text_classifier.h.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "temper/metrics.h"
#include "temper/text_classifier.h"

namespace temper {
namespace {

/// The probability that a row of the label scores above another row, ties counting half (Mann-Whitney).
double auc_of(const std::vector<double>& scores, const std::vector<bool>& positive) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double ranks = 0, positives = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && scores[order[end]] == scores[order[begin]]) ++end;
    const double rank = static_cast<double>(begin + end + 1) / 2;  // ranks begin + 1 to end, on average
    for (std::size_t i = begin; i < end; ++i) {
      if (!positive[order[i]]) continue;
      ranks += rank;
      ++positives;
    }
  }
  const double negatives = static_cast<double>(scores.size()) - positives;
  if (positives == 0 || negatives == 0) return std::numeric_limits<double>::quiet_NaN();
  return (ranks - positives * (positives + 1) / 2) / (positives * negatives);
}

double share(double part, double whole) { return whole > 0 ? part / whole : 0; }

}  // namespace

ClassifierReport report_on(const std::vector<std::string>& labels, const std::vector<std::string>& truth,
                           const std::vector<std::vector<double>>& probabilities) {
  if (truth.empty()) throw DataError("there are no rows to test a classifier on");
  if (truth.size() != probabilities.size()) throw PluginError("a classifier's report needs one prediction a row");
  std::vector<std::size_t> right, said;
  std::vector<double> count(labels.size());
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const auto label = std::find(labels.begin(), labels.end(), truth[i]);
    if (label == labels.end()) {
      std::string known;
      for (const auto& name : labels) known += (known.empty() ? "'" : ", '") + name + "'";
      throw DataError("label '" + truth[i] + "' is unknown to this classifier; its labels are " + known);
    }
    if (probabilities[i].size() != labels.size()) throw PluginError("a prediction needs one probability a label");
    right.push_back(static_cast<std::size_t>(label - labels.begin()));
    said.push_back(static_cast<std::size_t>(std::max_element(probabilities[i].begin(), probabilities[i].end()) -
                                            probabilities[i].begin()));
    ++count[right.back()];
  }
  const auto majority = static_cast<std::size_t>(std::max_element(count.begin(), count.end()) - count.begin());
  ClassifierReport report;
  report.rows = static_cast<std::int64_t>(truth.size());
  report.majority = labels[majority];
  report.majority_accuracy = count[majority] / static_cast<double>(truth.size());
  std::int64_t hits = 0;
  std::vector<double> gain;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    hits += said[i] == right[i];
    gain.push_back(static_cast<double>(said[i] == right[i]) - static_cast<double>(majority == right[i]));
  }
  const MetricValue accuracy = proportion_metric({"accuracy", "", "", Better::kHigher}, hits, report.rows);
  const MetricValue difference = mean_metric({"over_majority", "", "", Better::kHigher}, gain);
  report.accuracy = {accuracy.value, accuracy.ci_low, accuracy.ci_high};
  report.over_majority = {difference.value, difference.ci_low, difference.ci_high};
  for (std::size_t k = 0; k < labels.size(); ++k) {
    double given = 0, both = 0;
    std::vector<bool> positive;
    std::vector<double> scores;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      given += said[i] == k;
      both += said[i] == k && right[i] == k;
      positive.push_back(right[i] == k);
      scores.push_back(probabilities[i][k]);
    }
    report.each.push_back({labels[k], static_cast<std::int64_t>(count[k]), share(both, given), share(both, count[k]),
                           share(2 * both, given + count[k]), auc_of(scores, positive)});
  }
  return report;
}

ScoreSummary summarise_scores(const std::vector<double>& scores, double threshold) {
  if (scores.empty()) throw DataError("there are no scores to summarise");
  ScoreSummary summary{0, scores.front(), 0};
  const auto n = static_cast<double>(scores.size());
  for (const double score : scores) {
    summary.mean += score / n;
    summary.max = std::max(summary.max, score);
    summary.ratio += score >= threshold ? 1 / n : 0;
  }
  return summary;
}

}  // namespace temper
