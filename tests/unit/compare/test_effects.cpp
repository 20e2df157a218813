// Effects of axes: contrasts against NumPy's numbers (tests/reference/effects), and records of a small sweep whose effects
// are known by hand.
#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/compare/compare.h"
#include "host/compare/contrast.h"
#include "host/compare/effects.h"
#include "host/record/run_record.h"
#include "temper/error.h"
#include "temper/evaluator.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

/// A run of a sweep over rate and steps: the first `right` of ten items are right; no result if it is negative.
fs::path sweep_record(const std::string& rate, const std::string& steps, int seed, int right,
                      const std::string& status = "complete") {
  const fs::path folder = fs::temp_directory_path() / "temper_test_effects";
  fs::create_directories(folder);
  RecordFacts facts;
  facts.experiment = "test";
  facts.run_id = "rate=" + rate + "-steps=" + steps + "-s" + std::to_string(seed);
  facts.seed = static_cast<std::uint64_t>(seed);
  facts.resolved = {{"rate", rate, "file", "x:1"}, {"steps", steps, "file", "x:1"}, {"same", "1", "file", "x:1"}};
  const fs::path path = folder / (facts.run_id + ".h5");
  fs::remove(path);
  const auto record = RunRecord::create(path, facts);
  EvalResult result;
  result.score_names = {"accuracy"};
  for (int i = 0; i < 10; ++i) {
    result.examples.push_back({"i" + std::to_string(i), "p", "", "", "", {i < right ? 1.0 : 0.0}});
  }
  result.metrics = {proportion_metric({"accuracy", "", "Share of right answers.", Better::kHigher}, std::max(right, 0), 10)};
  MetricValue length;
  length.spec = {"length", "tokens", "Without a score for each item.", Better::kNeither};
  length.value = right;
  result.metrics.push_back(length);
  // Every run is evaluated after pretraining, too, with all items right: no run may be judged by that.
  EvalResult before = result;
  for (auto& row : before.examples) row.scores = {1.0};
  before.metrics[0].value = 1;
  record->begin_stage("pretrain", {"pretrain", {}, ""});
  record->write_eval("pretrain", "quiz", before);
  record->begin_stage("sft", {"sft", {"pretrain"}, ""});
  if (right >= 0) record->write_eval("sft", "quiz", result);
  record->set_status(status);
  record->flush();
  return path;
}

CompareOptions by_axes() {
  CompareOptions options;
  options.by = "rate,steps";
  options.view = CompareView::kEffects;
  return options;
}

const LevelEffect& level_in(const MetricEffects& metric, const std::string& axis, const std::string& level) {
  for (const auto& one : metric.levels) {
    if (one.axis == axis && one.level == level) return one;
  }
  FAIL("no level " + axis + "=" + level);
  throw 0;
}

}  // namespace

TEST_CASE("contrasts equal NumPy's: values exactly, intervals as near as draws allow") {
  std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/effects/effects_reference.json");
  const auto cases = nlohmann::json::parse(file).at("cases");
  REQUIRE(cases.size() == 6);
  for (const auto& one : cases) {
    INFO(one.at("name").get<std::string>());
    std::vector<std::vector<ItemValue>> runs;
    for (std::size_t r = 0; r < one.at("numerators").size(); ++r) {
      runs.emplace_back();
      for (std::size_t i = 0; i < one["numerators"][r].size(); ++i) {
        runs.back().push_back({one["numerators"][r][i].get<double>(), one["denominators"][r][i].get<double>()});
      }
    }
    std::vector<ContrastTerm> terms;
    for (const auto& term : one.at("terms")) {
      terms.push_back({term.at("seed"), {}});
      for (const auto& run : term.at("runs")) {
        terms.back().runs.push_back({run[0].get<int>(), &runs.at(run[1].get<std::size_t>())});
      }
    }
    const Contrast found = bootstrap_contrast(terms, one.at("clusters").get<std::vector<std::string>>(), 5);
    const auto& expected = one.at("expected");
    const double error = expected.at("stderr");
    CHECK(found.value == Approx(expected.at("value").get<double>()).epsilon(1e-12));
    // 10,000 draws know the ends to 0.03 standard errors, the spread to 0.7%; values of few items come in steps.
    const double step = one["numerators"][0].size() == 1 ? 0.5 : 0.12;
    CHECK(std::abs(found.ci_low - expected.at("ci_low").get<double>()) < step * error);
    CHECK(std::abs(found.ci_high - expected.at("ci_high").get<double>()) < step * error);
    CHECK(found.std_error == Approx(error).epsilon(0.04));
  }
}

TEST_CASE("effects and interaction of a full sweep are the differences between its runs") {
  std::vector<fs::path> records;
  for (const int seed : {1, 2}) {
    records.push_back(sweep_record("0.1", "10", seed, 2 + seed));
    records.push_back(sweep_record("0.1", "20", seed, 3 + seed));
    records.push_back(sweep_record("0.5", "10", seed, 4 + seed));
    records.push_back(sweep_record("0.5", "20", seed, 8));
  }
  const auto effects = axis_effects(records, by_axes());
  REQUIRE(effects.metrics.size() == 2);
  const auto& accuracy = effects.metrics[0];
  CHECK(accuracy.has_items);
  const auto& rate = level_in(accuracy, "rate", "0.5");
  CHECK(level_in(accuracy, "rate", "0.1").mean == Approx(0.4));
  CHECK(rate.mean == Approx(0.675));
  CHECK(rate.runs == 4);
  REQUIRE(rate.effect);
  CHECK(rate.effect->value == Approx(0.275));
  CHECK(rate.effect->terms == 4);
  CHECK(rate.effect->seeds == 2);
  CHECK((rate.effect->ci_low <= rate.effect->value && rate.effect->value <= rate.effect->ci_high));
  CHECK_FALSE(level_in(accuracy, "rate", "0.1").effect);
  REQUIRE(accuracy.interactions.size() == 1);
  // (8 - 5.5) - (4.5 - 3.5) of ten items.
  CHECK(accuracy.interactions[0].effect.value == Approx(0.15));
  // Without item scores the values of the runs themselves are compared.
  CHECK_FALSE(effects.metrics[1].has_items);
  CHECK(level_in(effects.metrics[1], "rate", "0.5").effect->value == Approx(2.75));
}

TEST_CASE("P-SWEEP-04 a failed run is missing, with its partner, and never a zero or an earlier stage's value") {
  std::vector<fs::path> records;
  records.push_back(sweep_record("0.1", "10", 1, 4));
  records.push_back(sweep_record("0.1", "10", 2, 4));
  records.push_back(sweep_record("0.1", "10", 3, 5));
  records.push_back(sweep_record("0.5", "10", 1, 6));
  records.push_back(sweep_record("0.5", "10", 2, 8));
  records.push_back(sweep_record("0.5", "10", 3, -1, "failed"));
  CompareOptions options = by_axes();
  options.by = "rate";
  const auto effects = axis_effects(records, options);
  const auto& rate = level_in(effects.metrics[0], "rate", "0.5");
  CHECK(rate.mean == Approx(0.7));
  CHECK(rate.runs == 2);
  CHECK(rate.missing == 1);
  CHECK(rate.effect->value == Approx(0.3));
  CHECK(rate.effect->terms == 2);
  REQUIRE_FALSE(effects.notes.empty());
  CHECK_THAT(effects.notes[0], ContainsSubstring("rate=0.5-steps=10-s3"));
  // The plain comparison by a key says the same.
  const auto comparison = compare(collect_records(records, options), "");
  CHECK(comparison.rows.at(0).cells.at(1).value.value == Approx(0.7));
  CHECK(comparison.rows.at(0).cells.at(1).runs == 2);
}

TEST_CASE("keys that do not tell runs apart, or do not differ, are refused") {
  const std::vector<fs::path> records = {sweep_record("0.1", "10", 1, 4), sweep_record("0.1", "20", 1, 4),
                                         sweep_record("0.5", "10", 1, 4)};
  CompareOptions options = by_axes();
  options.by = "rate";
  CHECK_THROWS_WITH(axis_effects(records, options), ContainsSubstring("add the key that tells them apart"));
  options.by = "rate,steps,same";
  CHECK_THROWS_WITH(axis_effects(records, options), ContainsSubstring("all runs have the same value of same, 1"));
  options.by = "rate,steps,nothing";
  CHECK_THROWS_WITH(axis_effects(records, options), ContainsSubstring("nothing (none)"));
}

TEST_CASE("effects come in every format, JSON and CSV at full precision") {
  const std::vector<fs::path> records = {sweep_record("0.1", "10", 1, 4), sweep_record("0.1", "20", 1, 3),
                                         sweep_record("0.5", "10", 1, 5), sweep_record("0.5", "20", 1, 7)};
  CompareOptions options = by_axes();
  for (const std::string format : {"table", "md", "csv", "latex", "json"}) {
    options.format = format;
    const std::string text = compare_records(records, options);
    INFO(format);
    CHECK_THAT(text, ContainsSubstring("accuracy") && ContainsSubstring("interaction"));
  }
  const auto json = nlohmann::json::parse(compare_records(records, options));
  CHECK(json["axes"] == std::vector<std::string>{"rate", "steps"});
  CHECK(json["metrics"][0]["interactions"][0]["effect"]["value"].get<double>() == Approx(0.3));
  CHECK_THAT(json["notes"].dump(), ContainsSubstring("one seed"));
  options.format = "yaml";
  CHECK_THROWS_AS(compare_records(records, options), ConfigError);
}
