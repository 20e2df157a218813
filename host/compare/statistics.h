// Paired statistics over items that two columns share: bootstrap interval of a difference, McNemar's test, sign-flip
// permutation test, Holm's correction. Deterministic: draws come from a fixed seed. Checked against SciPy and statsmodels in
// tests/reference/stats.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace temper {

/// One item's share of a metric that is sum(numerator) / sum(denominator). A mean has denominator 1.
struct ItemValue {
  double numerator = 0, denominator = 1;
};

double ratio_of_sums(const std::vector<ItemValue>& items);

/// Two-sided mid-p McNemar test; `gained` and `lost` are the discordant counts. Source: Fagerland et al. (2013).
double mcnemar_mid_p(std::int64_t gained, std::int64_t lost);
/// Two-sided sign-flip test of mean difference zero: exact for up to 16 differences that are not zero, else `draws` draws
/// with the observed one counted in (never exactly 0).
double sign_flip_p(const std::vector<double>& differences, std::uint64_t seed, int draws = 10000);
/// Step-down adjusted p values in the order given. Source: Holm (1979).
std::vector<double> holm(const std::vector<double>& p_values);

/// Two-sided p of Student's t with `dof` degrees of freedom, and the t that a two-sided 95% interval reaches to.
double student_p(double t, double dof);
double student_t95(double dof);

/// Bootstrap draws that many comparisons of equally many units share, so that they are made once. May be used by many
/// threads.
class BootstrapDraws {
 public:
  explicit BootstrapDraws(std::uint64_t seed, int draws = 10000) : seed_(seed), draws_(draws) {}
  std::uint64_t seed() const { return seed_; }
  int draws() const { return draws_; }
  /// How often each unit is taken in each draw: all draws of the first unit, then of the second. Null for so many units that
  /// keeping them would take too much memory.
  const std::uint8_t* counts(std::size_t units);

 private:
  std::uint64_t seed_;
  int draws_;
  std::mutex mutex_;
  std::map<std::size_t, std::vector<std::uint8_t>> counts_;  ///< by number of units
};

/// What the values of a statistic in many draws say of it.
struct DrawnInterval {
  double std_error = 0, ci_low = 0, ci_high = 0;  ///< 95% percentiles
  double p_value = 1;                             ///< two-sided, of being 0; never exactly 0
};
/// At least one value, none NaN.
DrawnInterval interval_of_draws(std::vector<double> samples);

struct PairedDifference {
  double difference = 0;           ///< metric of `other` minus metric of `baseline`
  double std_error = 0;            ///< of the difference
  double ci_low = 0, ci_high = 0;  ///< 95% percentile bootstrap over items (or clusters), the pair drawn together
  double p_value = 1;
  std::string
      test;  ///< "mcnemar_mid_p", "sign_flip", "cluster_sign_flip", "bootstrap", "items_and_runs_t"; "none" of one cluster
  double effect_size = 0;             ///< mean difference over its standard deviation; NaN for ratios
  double detectable = 0;              ///< the smallest true difference that would be found with 80% power at p < 0.05
  std::int64_t n = 0;                 ///< items
  std::int64_t clusters = 0;          ///< what is drawn: items, or groups of items that share a source
  std::int64_t gained = 0, lost = 0;  ///< items whose value rose or fell
};

/// Items in the same order on both sides; at least two. `clusters` names each item's source ("" stands alone); an empty list
/// is no clusters. Throws DataError otherwise.
PairedDifference paired_difference(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
                                   const std::vector<std::string>& clusters, BootstrapDraws& draws);
PairedDifference paired_difference(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
                                   const std::vector<std::string>& clusters, std::uint64_t seed, int draws = 10000);

/// Adds seeds as a second source of variance to a difference between means over runs: the variance of the mean over runs,
/// with its degrees of freedom, next to that over items (Satterthwaite's degrees of freedom, t interval and p).
void add_run_variance(PairedDifference& difference, double run_variance, double run_dof);

}  // namespace temper
