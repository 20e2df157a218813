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
nlohmann::json reference() {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/stats/stats_reference.json");
  return nlohmann::json::parse(file);
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
  const auto paired = paired_difference(a, b, 1, 2000);
  CHECK(paired.difference == Approx(0.5).margin(0.05));
  CHECK(paired.ci_low > 0.45);
  CHECK(paired.ci_high < 0.55);
  CHECK(paired.test == "sign_flip");
  CHECK(paired.p_value < 0.001);
  CHECK(paired.gained == 200);
}

TEST_CASE("ratios of sums are paired as ratios") {
  const std::vector<ItemValue> a = {{2, 1}, {9, 3}, {1, 1}}, b = {{1, 1}, {6, 3}, {1, 1}};
  const auto paired = paired_difference(a, b, 1, 500);
  CHECK(paired.difference == Approx(8.0 / 5 - 12.0 / 5));
  CHECK(paired.test == "bootstrap");
  CHECK(std::isnan(paired.effect_size));
  CHECK_THROWS_AS(paired_difference(a, {{1, 1}}, 1), DataError);
}
