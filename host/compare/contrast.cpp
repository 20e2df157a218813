// Contrasts between runs (see contrast.h).
#include "host/compare/contrast.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "temper/random.h"

namespace temper {
namespace {

/// What is summed in one draw: a run's items by unit, or, where all are means, those of all terms of a seed together.
struct Row {
  std::size_t seed = 0;
  double sign = 1;
  std::vector<double> numerators, denominators;  ///< by unit
};

/// Items, or clusters of items: the place of each item among what is drawn, and how many those are.
struct Places {
  std::vector<std::size_t> of_item;
  std::size_t count = 0;
};

Places places_of(std::size_t items, const std::vector<std::string>& clusters) {
  Places places;
  std::map<std::string, std::size_t> known;
  for (std::size_t i = 0; i < items; ++i) {
    std::size_t place = places.count;
    if (i < clusters.size() && !clusters[i].empty()) place = known.emplace(clusters[i], place).first->second;
    places.of_item.push_back(place);
    places.count = std::max(places.count, place + 1);
  }
  return places;
}

bool is_mean(const std::vector<ItemValue>& items) {
  return std::all_of(items.begin(), items.end(), [](const ItemValue& item) { return item.denominator == 1; });
}

std::vector<Row> rows_of(const std::vector<ContrastTerm>& terms, const std::map<std::string, std::size_t>& seeds,
                         const Places& places) {
  const auto empty = [&](std::size_t seed, double sign) {
    return Row{seed, sign, std::vector<double>(places.count), std::vector<double>(places.count)};
  };
  const bool all_means = std::all_of(terms.begin(), terms.end(), [](const ContrastTerm& term) {
    return std::all_of(term.runs.begin(), term.runs.end(), [](const SignedRun& run) { return is_mean(*run.items); });
  });
  std::vector<Row> rows;
  if (all_means) {
    // Denominators are the same for all runs, so a seed's runs can be added up once, before anything is drawn.
    for (std::size_t s = 0; s < seeds.size(); ++s) rows.push_back(empty(s, 1));
    for (auto& row : rows) {
      for (const std::size_t place : places.of_item) row.denominators[place] += 1;
    }
  }
  for (const auto& term : terms) {
    for (const auto& run : term.runs) {
      const std::size_t seed = seeds.at(term.seed);
      if (!all_means) rows.push_back(empty(seed, run.sign));
      Row& row = all_means ? rows[seed] : rows.back();
      for (std::size_t i = 0; i < run.items->size(); ++i) {
        row.numerators[places.of_item[i]] += (all_means ? run.sign : 1) * (*run.items)[i].numerator;
        if (!all_means) row.denominators[places.of_item[i]] += (*run.items)[i].denominator;
      }
    }
  }
  return rows;
}

double weighted(const std::vector<Row>& rows, const std::vector<double>& units, const std::vector<double>& seeds,
                const std::vector<double>& terms_of_seed) {
  double sum = 0;
  for (const auto& row : rows) {
    if (seeds[row.seed] == 0) continue;
    const double top = std::inner_product(units.begin(), units.end(), row.numerators.begin(), 0.0);
    const double bottom = std::inner_product(units.begin(), units.end(), row.denominators.begin(), 0.0);
    sum += seeds[row.seed] * row.sign * top / bottom;
  }
  return sum / std::inner_product(seeds.begin(), seeds.end(), terms_of_seed.begin(), 0.0);
}

void draw(std::vector<double>& weights, Rng& rng) {
  std::fill(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < weights.size(); ++i) weights[rng.below(weights.size())] += 1;
}

}  // namespace

Contrast bootstrap_contrast(const std::vector<ContrastTerm>& terms, const std::vector<std::string>& clusters,
                            std::uint64_t seed, int draws) {
  std::map<std::string, std::size_t> seeds;
  for (const auto& term : terms) seeds.emplace(term.seed, seeds.size());
  std::vector<double> terms_of_seed(seeds.size());
  for (const auto& term : terms) terms_of_seed[seeds.at(term.seed)] += 1;
  const std::size_t items = terms.front().runs.front().items->size();
  const Places places = places_of(items, clusters);
  const std::vector<Row> rows = rows_of(terms, seeds, places);
  std::vector<double> unit_weights(places.count, 1.0), seed_weights(seeds.size(), 1.0);
  Contrast result;
  result.items = static_cast<std::int64_t>(items);
  result.seeds = static_cast<std::int64_t>(seeds.size());
  result.terms = static_cast<std::int64_t>(terms.size());
  result.value = weighted(rows, unit_weights, seed_weights, terms_of_seed);
  result.std_error = result.ci_low = result.ci_high = result.p_value = std::numeric_limits<double>::quiet_NaN();
  if (places.count < 2 && seeds.size() < 2) return result;
  Rng rng(derive_seed(seed, {"contrast_bootstrap"}));
  std::vector<double> samples;
  for (int i = 0; i < draws; ++i) {
    draw(unit_weights, rng);
    draw(seed_weights, rng);
    const double sample = weighted(rows, unit_weights, seed_weights, terms_of_seed);
    // A draw of nothing but items that count nothing says nothing.
    if (!std::isnan(sample)) samples.push_back(sample);
  }
  if (samples.size() < 2) return result;
  const DrawnInterval interval = interval_of_draws(std::move(samples));
  result.std_error = interval.std_error;
  result.ci_low = interval.ci_low;
  result.ci_high = interval.ci_high;
  result.p_value = interval.p_value;
  return result;
}

}  // namespace temper
