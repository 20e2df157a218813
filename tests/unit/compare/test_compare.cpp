// Comparing records: alignment, refusal, pairing, missing results, formats.
#include <filesystem>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/compare/compare.h"
#include "host/record/run_record.h"
#include "temper/error.h"
#include "temper/evaluator.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

const MetricSpec kAccuracy{"accuracy", "", "Share of right answers.", Better::kHigher};

EvalResult result_of(const std::vector<int>& right, int first_item = 0, const std::string& prompt = "p") {
  EvalResult result;
  result.score_names = {"accuracy"};
  std::int64_t successes = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    ExampleRow row;
    row.item_id = "item" + std::to_string(first_item + static_cast<int>(i));
    row.prompt_sha = prompt + std::to_string(i);
    row.scores = {static_cast<double>(right[i])};
    result.examples.push_back(row);
    successes += right[i];
  }
  result.metrics = {proportion_metric(kAccuracy, successes, static_cast<std::int64_t>(right.size()))};
  return result;
}

struct StageResult {
  std::string stage;
  EvalResult result;
};

fs::path write_record(const std::string& run, const std::vector<StageResult>& stages, const std::string& status = "complete",
                      const std::string& rate = "0.1") {
  const fs::path folder = fs::temp_directory_path() / "temper_test_compare";
  fs::create_directories(folder);
  const fs::path path = folder / (run + ".h5");
  fs::remove(path);
  RecordFacts facts;
  facts.experiment = "test";
  facts.run_id = run;
  facts.resolved = {{"stages.sft.learning_rate", rate, "file", "x.yaml:1"}};
  const auto record = RunRecord::create(path, facts);
  for (const auto& [stage, result] : stages) {
    record->begin_stage(stage, {"sft", {}});
    if (!result.metrics.empty()) record->write_eval(stage, "quiz", result);
    StageSummary summary;
    summary.status = "complete";
    record->end_stage(stage, summary);
  }
  record->set_status(status);
  record->flush();
  return path;
}

std::vector<int> ones(int right, int n) {
  std::vector<int> values(static_cast<std::size_t>(n), 0);
  std::fill_n(values.begin(), right, 1);
  return values;
}

}  // namespace

TEST_CASE("stages of one record are compared item by item") {
  const auto path = write_record("one", {{"pretrain", result_of(ones(2, 40))}, {"sft", result_of(ones(25, 40))}});
  const auto comparison = compare(collect_records({path}, {}), "");
  CHECK(comparison.baseline == "pretrain");
  REQUIRE(comparison.rows.size() == 1);
  const auto& sft = comparison.rows[0].cells[1];
  CHECK(sft.value.value == Approx(25.0 / 40));
  REQUIRE(sft.paired);
  CHECK(sft.paired->difference == Approx(23.0 / 40));
  CHECK(sft.paired->gained == 23);
  CHECK(sft.paired->test == "mcnemar_mid_p");
  CHECK(sft.p_holm < 0.001);
  CHECK(compare(collect_records({path}, {}), "sft").rows[0].cells[0].paired->difference == Approx(-23.0 / 40));
  CHECK_THROWS_WITH(compare(collect_records({path}, {}), "sfd"), ContainsSubstring("pretrain, sft"));
}

TEST_CASE("different items or prompts are refused unless the shared ones are asked for") {
  const auto a = write_record("a", {{"sft", result_of(ones(5, 10))}});
  const auto b = write_record("b", {{"sft", result_of(ones(5, 10), 3)}});
  const auto c = write_record("c", {{"sft", result_of(ones(5, 10), 0, "other")}});
  CompareOptions options;
  options.by = "run";
  CHECK_THROWS_AS(collect_records({a, c}, options), DataError);
  CHECK_THROWS_WITH(collect_records({a, b}, options), ContainsSubstring("--intersect"));
  options.intersect = true;
  const auto shared = collect_records({a, a}, options);
  CHECK(shared.notes.empty());
  const auto same_prompt = write_record("d", {{"sft", result_of(ones(3, 8))}});
  const auto some = collect_records({a, same_prompt}, options);
  CHECK(some.rows[0].cells.at("a").items.size() == 8);
  CHECK_THAT(some.notes.at(0), ContainsSubstring("8 shared of up to 10"));
}

TEST_CASE("P-SWEEP-04 a run without a result is left out and named, never counted as zero") {
  const auto a = write_record("a", {{"sft", result_of(ones(6, 10))}});
  const auto b = write_record("b", {{"sft", result_of(ones(8, 10))}});
  const auto crashed = write_record("crashed", {{"sft", {}}}, "failed");
  const auto comparison = compare(collect_records({a, b, crashed}, {}), "");
  const auto& cell = comparison.rows.at(0).cells.at(0);
  CHECK(cell.value.value == Approx(0.7));
  CHECK(cell.runs == 2);
  CHECK_THAT(comparison.notes.at(0), ContainsSubstring("crashed"));
}

TEST_CASE("columns may be the values of a key") {
  const auto a = write_record("a", {{"sft", result_of(ones(2, 10))}}, "complete", "0.1");
  const auto b = write_record("b", {{"sft", result_of(ones(8, 10))}}, "complete", "0.2");
  CompareOptions options;
  options.by = "stages.sft.learning_rate";
  CHECK(collect_records({a, b}, options).columns == std::vector<std::string>{"0.1", "0.2"});
  options.by = "stages.sft.nothing";
  CHECK_THROWS_AS(collect_records({a, b}, options), ConfigError);
}

TEST_CASE("every format holds the numbers; JSON at full precision") {
  const auto path = write_record("one", {{"pretrain", result_of(ones(1, 30))}, {"sft", result_of(ones(10, 30))}});
  CompareOptions options;
  for (const std::string format : {"table", "md", "csv", "latex"}) {
    options.format = format;
    CHECK_THAT(compare_records({path}, options), ContainsSubstring("accuracy") && ContainsSubstring("0.333"));
  }
  options.format = "json";
  const auto json = nlohmann::json::parse(compare_records({path}, options));
  CHECK(json["rows"][1]["value"].get<double>() == 1.0 / 3);
  CHECK(json["rows"][1]["difference"]["n"] == 30);
  CHECK(json["rows"][0]["difference"].is_null());
  options.format = "xml";
  CHECK_THROWS_AS(compare_records({path}, options), ConfigError);
  options.format = "table";
  options.metric = "nothing";
  CHECK_NOTHROW(compare_records({path}, options));
  options.metric = "(";
  CHECK_THROWS_AS(compare_records({path}, options), ConfigError);
}
