// Means, proportions and ratios with intervals; reference values by hand and from SciPy.
#include "catch.h"
#include "temper/metrics.h"

using namespace temper;

TEST_CASE("P-EVAL-10 the standard error of a proportion is sqrt(p(1-p)/(n-1))") {
  const auto metric = proportion_metric({"acc", "", "x.", Better::kHigher}, 50, 100);
  CHECK(metric.value == 0.5);
  CHECK(metric.std_error == Approx(std::sqrt(0.25 / 99)));
  // statsmodels.stats.proportion.proportion_confint(50, 100, method="wilson")
  CHECK(metric.ci_low == Approx(0.40383153).epsilon(1e-6));
  CHECK(metric.ci_high == Approx(0.59616847).epsilon(1e-6));
  const auto zero = proportion_metric({"acc", "", "x.", Better::kHigher}, 0, 10);
  for (const std::int64_t n : {10, 150, 280}) {
    CHECK(proportion_metric({"acc", "", "x.", Better::kHigher}, 0, n).ci_low == 0);
    CHECK(proportion_metric({"acc", "", "x.", Better::kHigher}, n, n).ci_high == 1);
  }
  CHECK(zero.ci_high == Approx(0.27753279).epsilon(1e-6));
}

TEST_CASE("a mean of one value has no error bar, of none is an error") {
  CHECK(std::isnan(mean_metric({"m", "", "x.", Better::kHigher}, {2.0}).std_error));
  CHECK_THROWS_AS(mean_metric({"m", "", "x.", Better::kHigher}, {}), DataError);
  const auto metric = mean_metric({"m", "", "x.", Better::kHigher}, {1, 2, 3, 4});
  CHECK(metric.value == Approx(2.5));
  CHECK(metric.std_error == Approx(0.6454972));
}

TEST_CASE("P-LOSS-12 a ratio is of sums, not a mean of ratios; its interval is repeatable") {
  const auto a = ratio_metric({"nll", "", "x.", Better::kLower}, {2, 9}, {2, 3}, 1);
  CHECK(std::exp(a.value) == Approx(9.025).epsilon(1e-4));
  const auto b = ratio_metric({"nll", "", "x.", Better::kLower}, {2, 9}, {2, 3}, 1);
  CHECK(a.ci_low == b.ci_low);
  CHECK(a.std_error == b.std_error);
  CHECK_THROWS_AS(ratio_metric({"nll", "", "x.", Better::kLower}, {1}, {0}, 1), DataError);
}
