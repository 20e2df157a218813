// Paired statistics over items that two columns share: bootstrap interval of a difference, McNemar's test, sign-flip
// permutation test, Holm's correction. Deterministic: draws come from a fixed seed. Checked against SciPy and statsmodels in
// tests/reference/stats.
#pragma once

#include <cstdint>
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

struct PairedDifference {
  double difference = 0;           ///< metric of `other` minus metric of `baseline`
  double ci_low = 0, ci_high = 0;  ///< 95% percentile bootstrap over items, the pair drawn together
  double p_value = 1;
  std::string test;        ///< "mcnemar_mid_p", "sign_flip" or "bootstrap"
  double effect_size = 0;  ///< mean difference over its standard deviation; NaN for ratios
  std::int64_t n = 0;
  std::int64_t gained = 0, lost = 0;  ///< items whose value rose or fell
};

/// Items in the same order on both sides; at least two. Throws DataError otherwise.
PairedDifference paired_difference(const std::vector<ItemValue>& baseline, const std::vector<ItemValue>& other,
                                   std::uint64_t seed, int draws = 10000);

}  // namespace temper
