// Training of a text classifier: rows to sparse vectors, logistic regression by L-BFGS, and cross-validation. See
// temper/text_classifier.h for the sources.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "classifier_model.h"
#include "lbfgs.h"
#include "temper/random.h"

namespace temper {
namespace {

/// All rows' counts with the buckets numbered, and their labels; what every fold shares.
struct Corpus {
  std::vector<std::string> labels;
  std::vector<std::size_t> label;            ///< a row's, as an index of `labels`
  std::vector<std::vector<Feature>> counts;  ///< a row's, with places in `buckets` instead of buckets
  std::vector<std::uint32_t> buckets;        ///< ascending
};

void check_options(const ClassifierOptions& options, const std::vector<std::string>& labels) {
  check_features(options.features);
  if (!(options.strength > 0) || !std::isfinite(options.strength)) throw ConfigError("strength must be above 0");
  if (!(options.tolerance > 0)) throw ConfigError("tolerance must be above 0");
  if (options.max_iterations < 1) throw ConfigError("max_iterations must be at least 1");
  for (const auto& [label, weight] : options.weights) {
    if (std::find(labels.begin(), labels.end(), label) == labels.end()) {
      throw ConfigError("a weight is given for label '" + label + "', which no row has");
    }
    if (!(weight > 0) || !std::isfinite(weight)) throw ConfigError("the weight of label '" + label + "' must be above 0");
  }
}

/// Divides by the Euclidean length; a vector of zeros stays.
void normalise(std::vector<Feature>& vector) {
  double squares = 0;
  for (const Feature& feature : vector) squares += static_cast<double>(feature.value) * static_cast<double>(feature.value);
  if (squares == 0) return;
  for (Feature& feature : vector)
    feature.value = static_cast<float>(static_cast<double>(feature.value) / std::sqrt(squares));
}

std::vector<std::string> labels_of(const std::vector<LabelledText>& rows) {
  std::set<std::string> names;
  for (const auto& row : rows) names.insert(row.label);
  for (const auto& name : names) {
    const std::string written = nlohmann::json(name).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
    if (name.empty() || nlohmann::json::parse(written) != nlohmann::json(name)) {
      throw DataError("label " + written + " is empty or no valid UTF-8; name every label");
    }
  }
  if (names.size() < 2) {
    throw DataError("all " + std::to_string(rows.size()) + " rows have " +
                    (names.empty() ? "no label" : "the label '" + *names.begin() + "'") +
                    "; a classifier learns from rows of two labels at least");
  }
  return {names.begin(), names.end()};
}

Corpus corpus_of(const std::vector<LabelledText>& rows, const ClassifierOptions& options) {
  Corpus corpus;
  corpus.labels = labels_of(rows);
  check_options(options, corpus.labels);
  std::vector<bool> seen(std::size_t{1} << options.features.bucket_bits);
  for (const auto& row : rows) {
    const auto label = std::lower_bound(corpus.labels.begin(), corpus.labels.end(), row.label);
    corpus.label.push_back(static_cast<std::size_t>(label - corpus.labels.begin()));
    const auto tokens = tokens_of(row.text);
    auto counts = counted(tokens.folded, tokens.all, options.features, true);
    std::sort(counts.begin(), counts.end(), [](const Feature& a, const Feature& b) { return a.bucket < b.bucket; });
    for (const Feature& feature : counts) seen[feature.bucket] = true;
    corpus.counts.push_back(std::move(counts));
  }
  std::vector<std::uint32_t> place(seen.size());
  for (std::uint32_t bucket = 0; bucket < seen.size(); ++bucket) {
    if (!seen[bucket]) continue;
    place[bucket] = static_cast<std::uint32_t>(corpus.buckets.size());
    corpus.buckets.push_back(bucket);
  }
  if (corpus.buckets.empty()) throw DataError("no row has a text with a letter, digit or mark in it");
  for (auto& counts : corpus.counts) {
    for (Feature& feature : counts) feature.bucket = place[feature.bucket];
  }
  return corpus;
}

/// Of each row that is learnt from: its own weight times its label's.
std::vector<double> row_weights(const Corpus& corpus, const std::vector<LabelledText>& rows,
                                const std::vector<std::size_t>& chosen, const ClassifierOptions& options) {
  std::vector<double> count(corpus.labels.size()), factor(corpus.labels.size(), 1.0);
  for (const std::size_t row : chosen) ++count[corpus.label[row]];
  for (std::size_t k = 0; k < count.size(); ++k) {
    if (count[k] == 0) {
      throw DataError("label '" + corpus.labels[k] +
                      "' is missing from what a fold learns from: all of its rows are in one "
                      "group or fold; give more rows or fewer folds");
    }
    if (options.balanced) factor[k] = static_cast<double>(chosen.size()) / (static_cast<double>(count.size()) * count[k]);
    if (const auto given = options.weights.find(corpus.labels[k]); given != options.weights.end())
      factor[k] *= given->second;
  }
  std::vector<double> weights;
  for (const std::size_t row : chosen) {
    if (!(rows[row].weight > 0) || !std::isfinite(rows[row].weight)) throw DataError("a row's weight must be above 0");
    weights.push_back(rows[row].weight * factor[corpus.label[row]]);
  }
  return weights;
}

std::vector<float> idf_of(const Corpus& corpus, const std::vector<std::size_t>& chosen) {
  std::vector<double> rows_with(corpus.buckets.size());
  for (const std::size_t row : chosen) {
    for (const Feature& feature : corpus.counts[row]) ++rows_with[feature.bucket];
  }
  std::vector<float> idf;
  for (const double count : rows_with)
    idf.push_back(static_cast<float>(smooth_idf(static_cast<double>(chosen.size()), count)));
  return idf;
}

/// Mean weighted log loss plus the penalty |w|^2 / (2 strength sum of weights); the bias is free. Parameters: weights as in
/// ClassifierModel, then the bias.
double penalised_loss(const std::vector<std::vector<Feature>>& vectors, const std::vector<std::size_t>& label,
                      const std::vector<double>& row_weight, std::size_t labels, double strength,
                      const std::vector<double>& x, std::vector<double>& gradient) {
  const std::size_t width = labels == 2 ? 1 : labels, free = x.size() - width;
  const double total = std::accumulate(row_weight.begin(), row_weight.end(), 0.0);
  const double penalty = 1 / (strength * total);
  double loss = 0;
  for (std::size_t i = 0; i < free; ++i) {
    loss += 0.5 * penalty * x[i] * x[i];
    gradient[i] = penalty * x[i];
  }
  std::fill(gradient.begin() + static_cast<std::ptrdiff_t>(free), gradient.end(), 0.0);
  std::vector<double> sums(width);
  for (std::size_t row = 0; row < vectors.size(); ++row) {
    for (std::size_t v = 0; v < width; ++v) sums[v] = x[free + v];
    for (const Feature& feature : vectors[row]) {
      const double* weight = x.data() + std::size_t{feature.bucket} * width;
      for (std::size_t v = 0; v < width; ++v) sums[v] += weight[v] * static_cast<double>(feature.value);
    }
    const double share = row_weight[row] / total;
    const double offset = labels == 2 ? 0.0 : *std::max_element(sums.begin(), sums.end());
    if (labels == 2) {
      const double signed_sum = label[row] == 1 ? sums[0] : -sums[0];
      loss += share * (signed_sum > 0 ? std::log1p(std::exp(-signed_sum)) : std::log1p(std::exp(signed_sum)) - signed_sum);
      sums[0] = (1 / (1 + std::exp(-sums[0])) - (label[row] == 1 ? 1.0 : 0.0)) * share;
    } else {
      double normaliser = 0;
      for (const double sum : sums) normaliser += std::exp(sum - offset);
      loss += share * (std::log(normaliser) + offset - sums[label[row]]);
      for (std::size_t v = 0; v < width; ++v) {
        sums[v] = (std::exp(sums[v] - offset) / normaliser - (label[row] == v ? 1.0 : 0.0)) * share;
      }
    }
    for (const Feature& feature : vectors[row]) {
      double* slope = gradient.data() + std::size_t{feature.bucket} * width;
      for (std::size_t v = 0; v < width; ++v) slope[v] += sums[v] * static_cast<double>(feature.value);
    }
    for (std::size_t v = 0; v < width; ++v) gradient[free + v] += sums[v];
  }
  return loss;
}

ClassifierModel fit(const Corpus& corpus, const std::vector<LabelledText>& rows, const std::vector<std::size_t>& chosen,
                    const ClassifierOptions& options) {
  ClassifierModel model;
  model.features = options.features;
  model.labels = corpus.labels;
  model.rows = static_cast<std::int64_t>(chosen.size());
  if (options.features.idf) model.idf = idf_of(corpus, chosen);
  const auto weights = row_weights(corpus, rows, chosen, options);
  std::vector<std::vector<Feature>> vectors;
  std::vector<std::size_t> label;
  for (const std::size_t row : chosen) {
    vectors.push_back(corpus.counts[row]);
    if (options.features.idf) {
      for (Feature& feature : vectors.back()) feature.value *= model.idf[feature.bucket];
    }
    normalise(vectors.back());
    label.push_back(corpus.label[row]);
  }
  std::vector<double> x((corpus.buckets.size() + 1) * model.vectors());
  const auto loss = [&](const std::vector<double>& at, std::vector<double>& gradient) {
    return penalised_loss(vectors, label, weights, corpus.labels.size(), options.strength, at, gradient);
  };
  model.converged = minimise(loss, x, options.max_iterations, options.tolerance);
  const auto bias = x.end() - static_cast<std::ptrdiff_t>(model.vectors());
  model.buckets = corpus.buckets;
  std::transform(x.begin(), bias, std::back_inserter(model.weights), [](double w) { return static_cast<float>(w); });
  std::transform(bias, x.end(), std::back_inserter(model.bias), [](double w) { return static_cast<float>(w); });
  model.index();
  return model;
}

std::vector<std::int64_t> deal_folds(const std::vector<LabelledText>& rows, std::int64_t folds, std::uint64_t seed) {
  std::map<std::string, std::vector<std::size_t>> groups;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    // A row without a group is its own; the leading character keeps its name apart from all given ones.
    groups[rows[i].group.empty() ? "#" + std::to_string(i) : "=" + rows[i].group].push_back(i);
  }
  if (folds < 2 || static_cast<std::size_t>(folds) > groups.size()) {
    throw DataError("folds = " + std::to_string(folds) + ": must be from 2 to the number of groups, " +
                    std::to_string(groups.size()));
  }
  struct Card {
    std::size_t rows;
    std::uint64_t draw;
    const std::vector<std::size_t>* members;
  };
  std::vector<Card> cards;
  for (const auto& [name, members] : groups) cards.push_back({members.size(), derive_seed(seed, {"fold", name}), &members});
  std::stable_sort(cards.begin(), cards.end(),
                   [](const Card& a, const Card& b) { return a.rows != b.rows ? a.rows > b.rows : a.draw < b.draw; });
  std::vector<std::size_t> filled(static_cast<std::size_t>(folds));
  std::vector<std::int64_t> fold(rows.size());
  for (const Card& card : cards) {
    const auto least = std::min_element(filled.begin(), filled.end());
    *least += card.rows;
    for (const std::size_t row : *card.members) fold[row] = least - filled.begin();
  }
  return fold;
}

}  // namespace

TextClassifier TextClassifier::train(const std::vector<LabelledText>& rows, const ClassifierOptions& options) {
  const Corpus corpus = corpus_of(rows, options);
  std::vector<std::size_t> all(rows.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return TextClassifier(std::make_unique<const ClassifierModel>(fit(corpus, rows, all, options)));
}

CrossValidation cross_validate(const std::vector<LabelledText>& rows, const ClassifierOptions& options, std::int64_t folds,
                               std::uint64_t seed) {
  const Corpus corpus = corpus_of(rows, options);
  CrossValidation result{corpus.labels, std::vector<std::vector<double>>(rows.size()), deal_folds(rows, folds, seed)};
  for (std::int64_t fold = 0; fold < folds; ++fold) {
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (result.fold[i] != fold) chosen.push_back(i);
    }
    const ClassifierModel model = fit(corpus, rows, chosen, options);
    for (std::size_t i = 0; i < rows.size(); ++i) {
      if (result.fold[i] != fold) continue;
      auto counts = corpus.counts[i];
      for (Feature& feature : counts) feature.bucket = corpus.buckets[feature.bucket];
      result.probabilities[i] = model.probabilities(counts);
    }
  }
  return result;
}

}  // namespace temper
