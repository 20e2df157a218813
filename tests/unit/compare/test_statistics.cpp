// Statistics against SciPy's and statsmodels' numbers (tests/reference/stats).
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/compare/statistics.h"
#include "temper/error.h"
#include "temper/metrics.h"
#include "temper/random.h"

using namespace temper;

namespace {
/// One for all, so that loops over its parts do not outlive it.
const nlohmann::json& reference() {
  static const nlohmann::json numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/stats/stats_reference.json");
    return nlohmann::json::parse(file);
  }();
  return numbers;
}
}  // namespace

TEST_CASE("McNemar's mid-p equals SciPy's") {
  const auto cases = reference()["mcnemar_mid_p"];
  for (const auto& c : cases) CHECK(mcnemar_mid_p(c["gained"], c["lost"]) == Approx(c["mid_p"].get<double>()).epsilon(1e-9));
}

TEST_CASE("Holm's correction equals statsmodels'") {
  const auto ref = reference()["holm"];
  const auto adjusted = holm(ref["p"].get<std::vector<double>>());
  for (std::size_t i = 0; i < adjusted.size(); ++i) CHECK(adjusted[i] == Approx(ref["adjusted"][i].get<double>()));
  CHECK(holm({}).empty());
}

TEST_CASE("the sign-flip test equals SciPy's exact permutation test, and its sampled form is near") {
  const auto ref = reference()["sign_flip"];
  const auto differences = ref["differences"].get<std::vector<double>>();
  CHECK(sign_flip_p(differences, 1) == Approx(ref["p"].get<double>()));
  std::vector<double> many, null;
  Rng rng(4);
  for (int i = 0; i < 60; ++i) {
    many.push_back(0.25 + rng.normal());
    null.push_back(rng.normal());
  }
  const double p = sign_flip_p(many, 1);
  CHECK(p == sign_flip_p(many, 1));
  CHECK(p < 0.3);
  CHECK(sign_flip_p(std::vector<double>(20, 1.0), 1) < 0.001);
  CHECK(sign_flip_p({0, 0, 0}, 1) == 1);
}

TEST_CASE("Wilson's interval equals statsmodels'") {
  const auto cases = reference()["wilson"];
  for (const auto& c : cases) {
    const auto metric = proportion_metric({"p", "", "x.", Better::kHigher}, c["k"], c["n"]);
    CHECK(metric.ci_low == Approx(c["ci"][0].get<double>()).margin(1e-9));
    CHECK(metric.ci_high == Approx(c["ci"][1].get<double>()).margin(1e-9));
  }
}

TEST_CASE("a paired interval is narrower than an unpaired one where items agree, and covers the difference") {
  Rng rng(8);
  std::vector<ItemValue> a, b;
  for (int i = 0; i < 200; ++i) {
    const double difficulty = rng.normal() * 3;
    a.push_back({difficulty, 1});
    b.push_back({difficulty + 0.5 + 0.1 * rng.normal(), 1});
  }
  const auto paired = paired_difference(a, b, {}, 1, 2000);
  CHECK(paired.difference == Approx(0.5).margin(0.05));
  CHECK(paired.ci_low > 0.45);
  CHECK(paired.ci_high < 0.55);
  CHECK(paired.test == "sign_flip");
  CHECK(paired.p_value < 0.001);
  CHECK(paired.gained == 200);
}

TEST_CASE("ratios of sums are paired as ratios") {
  const std::vector<ItemValue> a = {{2, 1}, {9, 3}, {1, 1}}, b = {{1, 1}, {6, 3}, {1, 1}};
  const auto paired = paired_difference(a, b, {}, 1, 500);
  CHECK(paired.difference == Approx(8.0 / 5 - 12.0 / 5));
  CHECK(paired.test == "bootstrap");
  CHECK(std::isnan(paired.effect_size));
  CHECK_THROWS_AS(paired_difference(a, {{1, 1}}, {}, 1), DataError);
}

TEST_CASE("Student's t equals SciPy's") {
  for (const auto& c : reference()["student"]) {
    CHECK(student_p(c["t"], c["dof"]) == Approx(c["p"].get<double>()).epsilon(1e-9));
    CHECK(student_t95(c["dof"]) == Approx(c["t95"].get<double>()).epsilon(1e-9));
  }
}

TEST_CASE("items that share a source are drawn together, so ten copies of an item say no more than one") {
  Rng rng(3);
  std::vector<ItemValue> a, b, one_a, one_b;
  std::vector<std::string> clusters;
  for (int source = 0; source < 40; ++source) {
    const double difference = 0.3 + rng.normal();
    one_a.push_back({0, 1});
    one_b.push_back({difference, 1});
    for (int copy = 0; copy < 10; ++copy) {
      a.push_back({0, 1});
      b.push_back({difference, 1});
      clusters.push_back("source" + std::to_string(source));
    }
  }
  const auto single = paired_difference(one_a, one_b, {}, 1, 4000);
  const auto apart = paired_difference(a, b, {}, 1, 4000);
  const auto together = paired_difference(a, b, clusters, 1, 4000);
  CHECK(together.clusters == 40);
  CHECK(together.n == 400);
  CHECK(together.std_error == Approx(single.std_error).epsilon(1e-9));
  CHECK(together.p_value == Approx(single.p_value));
  CHECK(together.test == "cluster_sign_flip");
  CHECK(apart.std_error == Approx(single.std_error / std::sqrt(10.0)).epsilon(0.1));
  const auto none = paired_difference(a, b, std::vector<std::string>(a.size(), "one"), 1, 100);
  CHECK(none.test == "none");
  CHECK(std::isnan(none.ci_low));
}

TEST_CASE("the standard error of a difference and the detectable effect are those of the formula") {
  // 400 items, 60 gained and 20 lost: the variance of a difference of paired shares (Fleiss, 2003, section 13.1).
  std::vector<ItemValue> a(400, {0, 1}), b(400, {0, 1});
  for (std::size_t i = 0; i < 60; ++i) b[i].numerator = 1;
  for (std::size_t i = 60; i < 80; ++i) a[i].numerator = 1;
  const auto paired = paired_difference(a, b, {}, 1);
  const double expected = std::sqrt(80.0 - 40.0 * 40.0 / 400.0) / 400.0;
  CHECK(paired.std_error == Approx(expected).epsilon(0.03));
  CHECK(paired.detectable == Approx(2.80158 * paired.std_error).epsilon(1e-4));
  CHECK(paired.effect_size == Approx(0.1 / std::sqrt((80.0 / 400 - 0.01) * 400 / 399)));
}

TEST_CASE("runs are a second source of variance") {
  std::vector<ItemValue> a(100, {0, 1}), b(100, {0, 1});
  for (std::size_t i = 0; i < 30; ++i) b[i].numerator = 1;
  auto paired = paired_difference(a, b, {}, 1);
  const double before = paired.std_error;
  add_run_variance(paired, 0.01, 2);
  CHECK(paired.test == "items_and_runs_t");
  CHECK(paired.std_error == Approx(std::sqrt(before * before + 0.01)));
  // Nearly all variance comes from three runs, so the t of about two degrees of freedom (4.3) widens the interval.
  CHECK(paired.ci_high - paired.difference > 3 * paired.std_error);
  CHECK(paired.p_value > 0.05);
  auto same = paired_difference(a, b, {}, 1);
  add_run_variance(same, 0, 2);
  CHECK(same.p_value < 0.001);
}
