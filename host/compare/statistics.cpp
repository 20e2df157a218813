// Paired statistics (see statistics.h).
#include "host/compare/statistics.h"

#include <algorithm>
#include <bit>
#include <boost/math/distributions/students_t.hpp>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

#include "temper/error.h"
#include "temper/random.h"

namespace temper {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

double log_binomial_half(std::int64_t n, std::int64_t k) {
  return std::lgamma(static_cast<double>(n) + 1) - std::lgamma(static_cast<double>(k) + 1) -
         std::lgamma(static_cast<double>(n - k) + 1) - static_cast<double>(n) * std::log(2.0);
}

/// Normal quantiles of a two-sided test at 5% and of 80% power.
constexpr double kDetectable = 1.959963984540054 + 0.8416212335729143;

double deviation_of(const std::vector<double>& values) {
  double mean = 0, squares = 0;
  for (const double value : values) mean += value / static_cast<double>(values.size());
  for (const double value : values) squares += (value - mean) * (value - mean);
  return values.size() < 2 ? kNan : std::sqrt(squares / static_cast<double>(values.size() - 1));
}

void add_to(ItemValue& sum, const ItemValue& item) {
  sum.numerator += item.numerator;
  sum.denominator += item.denominator;
}

Rng bootstrap_rng(std::uint64_t seed) { return Rng(derive_seed(seed, {"paired_bootstrap"})); }

/// What is drawn: items, or the sums of clusters.
struct Units {
  std::vector<ItemValue> baseline, other;
  std::vector<double> differences;
  std::size_t size() const { return baseline.size(); }
};

Units units_of(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
               const std::vector<double>& differences, const std::vector<std::string>& clusters) {
  Units units;
  std::map<std::string, std::size_t> places;
  for (std::size_t i = 0; i < baseline.size(); ++i) {
    std::size_t place = units.size();
    if (i < clusters.size() && !clusters[i].empty()) place = places.emplace(clusters[i], place).first->second;
    if (place == units.size()) {
      units.baseline.push_back({0, 0});
      units.other.push_back({0, 0});
      units.differences.push_back(0);
    }
    add_to(units.baseline[place], baseline[i]);
    add_to(units.other[place], other[i]);
    units.differences[place] += differences[i];
  }
  return units;
}

bool all_means(const std::vector<ItemValue>& items) {
  return std::all_of(items.begin(), items.end(), [](const ItemValue& item) { return item.denominator == 1; });
}

bool all_binary(const std::vector<ItemValue>& items) {
  return std::all_of(items.begin(), items.end(),
                     [](const ItemValue& item) { return item.numerator == 0 || item.numerator == 1; });
}

/// For each draw the sum of what it takes. The compiler's wider instructions are used where the machine has them; each sum
/// is added up in the same order with all of them.
__attribute__((target_clones("avx2", "default"))) void add_drawn(std::vector<double>& sums, double value,
                                                                 const std::uint8_t* __restrict counts) {
  double* const __restrict to = sums.data();
  const std::size_t size = sums.size();
  for (std::size_t d = 0; d < size; ++d) to[d] += value * counts[d];
}

std::vector<double> drawn_sums(const std::vector<double>& values, const std::uint8_t* counts, int draws) {
  std::vector<double> sums(static_cast<std::size_t>(draws));
  for (std::size_t u = 0; u < values.size(); ++u) {
    if (values[u] != 0) add_drawn(sums, values[u], counts + u * sums.size());
  }
  return sums;
}

/// The difference of the ratios of sums in each draw. `same_denominators`: both sides are means over the same items.
std::vector<double> drawn_differences(const Units& units, bool same_denominators, BootstrapDraws& draws) {
  std::vector<double> samples(static_cast<std::size_t>(draws.draws()));
  const std::uint8_t* counts = draws.counts(units.size());
  if (counts == nullptr) {
    Rng rng = bootstrap_rng(draws.seed());
    for (auto& sample : samples) {
      ItemValue a{0, 0}, b{0, 0};
      for (std::size_t i = 0; i < units.size(); ++i) {
        const std::size_t pick = rng.below(units.size());
        add_to(a, units.baseline[pick]);
        add_to(b, units.other[pick]);
      }
      sample = b.numerator / b.denominator - a.numerator / a.denominator;
    }
    return samples;
  }
  const auto sums = [&](auto value_of) {
    std::vector<double> values(units.size());
    for (std::size_t u = 0; u < units.size(); ++u) values[u] = value_of(u);
    return drawn_sums(values, counts, draws.draws());
  };
  const auto bottom = sums([&](std::size_t u) { return units.baseline[u].denominator; });
  if (same_denominators) {
    const auto top = sums([&](std::size_t u) { return units.other[u].numerator - units.baseline[u].numerator; });
    for (std::size_t d = 0; d < samples.size(); ++d) samples[d] = top[d] / bottom[d];
    return samples;
  }
  const auto top = sums([&](std::size_t u) { return units.baseline[u].numerator; });
  const auto other_top = sums([&](std::size_t u) { return units.other[u].numerator; });
  const auto other_bottom = sums([&](std::size_t u) { return units.other[u].denominator; });
  for (std::size_t d = 0; d < samples.size(); ++d) samples[d] = other_top[d] / other_bottom[d] - top[d] / bottom[d];
  return samples;
}

}  // namespace

const std::uint8_t* BootstrapDraws::counts(std::size_t units) {
  constexpr std::size_t kMostBytes = 64'000'000;
  const auto draws = static_cast<std::size_t>(draws_);
  if (units * draws > kMostBytes) return nullptr;
  const std::lock_guard lock(mutex_);
  auto& counts = counts_[units];
  if (counts.empty()) {
    counts.resize(units * draws);
    Rng rng = bootstrap_rng(seed_);
    for (std::size_t d = 0; d < draws; ++d) {
      // No unit is ever taken 256 times: with so many units that it could be, each is taken once on average.
      for (std::size_t i = 0; i < units; ++i) ++counts[rng.below(units) * draws + d];
    }
  }
  return counts.data();
}

double ratio_of_sums(const std::vector<ItemValue>& items) {
  double top = 0, bottom = 0;
  for (const auto& item : items) {
    top += item.numerator;
    bottom += item.denominator;
  }
  return bottom == 0 ? kNan : top / bottom;
}

double mcnemar_mid_p(std::int64_t gained, std::int64_t lost) {
  const std::int64_t n = gained + lost, k = std::min(gained, lost);
  if (n == 0) return 1;
  double tail = 0;
  for (std::int64_t i = 0; i < k; ++i) tail += std::exp(log_binomial_half(n, i));
  return std::min(1.0, 2 * tail + std::exp(log_binomial_half(n, k)));
}

double sign_flip_p(const std::vector<double>& differences, std::uint64_t seed, int draws) {
  std::vector<double> moved;
  for (const double d : differences) {
    if (d != 0) moved.push_back(d);
  }
  if (moved.empty()) return 1;
  const double observed = std::abs(std::accumulate(moved.begin(), moved.end(), 0.0));
  const double slack = 1e-12 * std::max(1.0, observed);
  if (moved.size() <= 16) {
    const std::uint64_t all = std::uint64_t{1} << moved.size();
    std::uint64_t extreme = 0;
    for (std::uint64_t signs = 0; signs < all; ++signs) {
      double sum = 0;
      for (std::size_t i = 0; i < moved.size(); ++i) sum += (signs >> i & 1) != 0 ? moved[i] : -moved[i];
      extreme += std::abs(sum) >= observed - slack;
    }
    return static_cast<double>(extreme) / static_cast<double>(all);
  }
  Rng rng(derive_seed(seed, {"sign_flip"}));
  int extreme = 1;
  for (int draw = 0; draw < draws; ++draw) {
    // Four sums side by side: one alone would wait for each addition before the next.
    double sums[4] = {0, 0, 0, 0};
    std::uint64_t bits = 0;
    for (std::size_t i = 0; i < moved.size(); ++i) {
      if (i % 64 == 0) bits = rng.next();
      const std::uint64_t minus = (~bits >> (i % 64) & 1) << 63;
      sums[i % 4] += std::bit_cast<double>(std::bit_cast<std::uint64_t>(moved[i]) ^ minus);
    }
    extreme += std::abs((sums[0] + sums[1]) + (sums[2] + sums[3])) >= observed - slack;
  }
  return static_cast<double>(extreme) / static_cast<double>(draws + 1);
}

std::vector<double> holm(const std::vector<double>& p_values) {
  std::vector<std::size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double running = 0;
  for (std::size_t rank = 0; rank < order.size(); ++rank) {
    running = std::max(running, std::min(1.0, p_values[order[rank]] * static_cast<double>(order.size() - rank)));
    adjusted[order[rank]] = running;
  }
  return adjusted;
}

double student_p(double t, double dof) {
  return 2 * boost::math::cdf(boost::math::complement(boost::math::students_t(dof), std::abs(t)));
}

double student_t95(double dof) { return boost::math::quantile(boost::math::students_t(dof), 0.975); }

DrawnInterval interval_of_draws(std::vector<double> samples) {
  std::sort(samples.begin(), samples.end());
  const auto last = static_cast<double>(samples.size() - 1);
  const auto below = static_cast<double>(std::upper_bound(samples.begin(), samples.end(), 0.0) - samples.begin());
  const auto above = static_cast<double>(samples.end() - std::lower_bound(samples.begin(), samples.end(), 0.0));
  return {deviation_of(samples), samples[static_cast<std::size_t>(std::floor(0.025 * last))],
          samples[static_cast<std::size_t>(std::ceil(0.975 * last))],
          std::min(1.0, 2 * (std::min(below, above) + 1) / (last + 2))};
}

PairedDifference paired_difference(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
                                   const std::vector<std::string>& clusters, std::uint64_t seed, int draws) {
  BootstrapDraws own(seed, draws);
  return paired_difference(baseline, other, clusters, own);
}

PairedDifference paired_difference(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
                                   const std::vector<std::string>& clusters, BootstrapDraws& draws) {
  if (baseline.size() != other.size() || baseline.size() < 2) {
    throw DataError("a paired comparison needs at least two items that both sides share");
  }
  const std::size_t n = baseline.size();
  PairedDifference result;
  result.n = static_cast<std::int64_t>(n);
  result.difference = ratio_of_sums(other) - ratio_of_sums(baseline);
  std::vector<double> differences(n);
  for (std::size_t i = 0; i < n; ++i) {
    // An item that counts nothing towards a ratio neither gains nor loses.
    if (baseline[i].denominator == 0 || other[i].denominator == 0) continue;
    differences[i] = other[i].numerator / other[i].denominator - baseline[i].numerator / baseline[i].denominator;
    result.gained += differences[i] > 0;
    result.lost += differences[i] < 0;
  }
  const Units units = units_of(baseline, other, differences, clusters);
  result.clusters = static_cast<std::int64_t>(units.size());
  if (units.size() < 2) {  // one source says nothing about others
    result.std_error = result.ci_low = result.ci_high = result.effect_size = result.detectable = kNan;
    result.test = "none";
    return result;
  }
  std::vector<double> samples = drawn_differences(units, all_means(baseline) && all_means(other), draws);
  // A draw of nothing but items that count nothing says nothing.
  std::erase_if(samples, [](double sample) { return std::isnan(sample); });
  if (samples.empty()) throw DataError("a paired comparison needs items that count something");
  const DrawnInterval interval = interval_of_draws(std::move(samples));
  result.ci_low = interval.ci_low;
  result.ci_high = interval.ci_high;
  result.std_error = interval.std_error;
  result.detectable = kDetectable * result.std_error;
  if (!all_means(baseline) || !all_means(other)) {
    result.p_value = interval.p_value;
    result.test = "bootstrap";
    result.effect_size = kNan;
    return result;
  }
  if (units.size() < n) {
    result.p_value = sign_flip_p(units.differences, draws.seed(), draws.draws());
    result.test = "cluster_sign_flip";
  } else if (all_binary(baseline) && all_binary(other)) {
    result.p_value = mcnemar_mid_p(result.gained, result.lost);
    result.test = "mcnemar_mid_p";
  } else {
    result.p_value = sign_flip_p(differences, draws.seed(), draws.draws());
    result.test = "sign_flip";
  }
  const double deviation = deviation_of(differences);
  result.effect_size = deviation > 0 ? result.difference / deviation : kNan;
  return result;
}

void add_run_variance(PairedDifference& difference, double run_variance, double run_dof) {
  const double item_variance = difference.std_error * difference.std_error;
  const double variance = item_variance + run_variance;
  if (!(variance > 0) || !(run_dof >= 1)) return;
  const double item_dof = static_cast<double>(std::max<std::int64_t>(difference.clusters - 1, 1));
  const double dof =
      variance * variance / (item_variance * item_variance / item_dof + run_variance * run_variance / run_dof);
  difference.std_error = std::sqrt(variance);
  difference.ci_low = difference.difference - student_t95(dof) * difference.std_error;
  difference.ci_high = difference.difference + student_t95(dof) * difference.std_error;
  difference.p_value = student_p(difference.difference / difference.std_error, dof);
  difference.test = "items_and_runs_t";
  difference.detectable = kDetectable * difference.std_error;
}

}  // namespace temper
