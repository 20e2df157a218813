// Comparing records: alignment, refusal, pairing, missing results, formats.
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "host/compare/compare.h"
#include "host/compare/flips.h"
#include "host/compare/tax.h"
#include "host/compare/text_table.h"
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
                      const std::string& rate = "0.1", const std::map<std::string, std::vector<std::string>>& parents = {}) {
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
    const auto of_stage = parents.find(stage);
    const auto links = of_stage == parents.end() ? std::vector<std::string>{} : of_stage->second;
    record->begin_stage(stage, {"sft", links});
    if (!result.metrics.empty()) record->write_eval(stage, "quiz", result);
    StageSummary summary;
    summary.status = "complete";
    summary.parents = links;
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

TEST_CASE("what rounding leaves of equal numbers is read as 0, and written in full where numbers are exact") {
  CHECK(number_text(4.337e-18, "%+.4g") == "+0");
  CHECK(number_text(-6.7e-16) == "0");
  CHECK(number_text(-0.0) == "0");
  CHECK(number_text(3e-7) == "3e-07");
  CHECK(std::stod(number_text(4.25e-18, "%.17g")) == 4.25e-18);
  CHECK(number_text(std::nan("")) == "-");
}

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

TEST_CASE("flips tell gained, lost and stable items apart, with the texts") {
  auto before = result_of({1, 1, 0, 0, 1}), after = result_of({1, 0, 1, 1, 1});
  before.examples[1].response = "yes, it is";
  after.examples[1].response = "no idea";
  const auto path = write_record("flips", {{"sft", before}, {"ppo", after}});
  CompareOptions options;
  options.max_flips = 1;
  const auto collected = collect_records({path}, options);
  auto tables = find_flips(collected, options);
  REQUIRE(tables.size() == 1);
  FlipTexts(collected).fill(tables[0]);
  CHECK(tables[0].gained == 2);
  CHECK(tables[0].lost == 1);
  CHECK(tables[0].stable_yes == 2);
  CHECK(tables[0].stable_no == 0);
  CHECK(tables[0].shown_gained.size() == 1);
  REQUIRE(tables[0].shown_lost.size() == 1);
  CHECK(tables[0].shown_lost[0].before.response == "yes, it is");
  CHECK(tables[0].shown_lost[0].after.response == "no idea");
  options.view = CompareView::kFlips;
  CHECK_THAT(compare_records({path}, options),
             ContainsSubstring("gained 2, lost 1, stable 2") && ContainsSubstring("no idea"));
  options.format = "json";
  CHECK(nlohmann::json::parse(compare_records({path}, options))[0]["lost_items"][0]["after"] == "no idea");
  options.format = "csv";
  CHECK_THROWS_AS(compare_records({path}, options), ConfigError);
  options.format = "table";
  options.metric = "nothing";
  CHECK_THROWS_WITH(compare_records({path}, options), ContainsSubstring("nothing can flip"));
}

TEST_CASE("a metric that is better lower gains where it falls") {
  auto before = result_of({1, 1, 0}), after = result_of({0, 0, 1});
  before.metrics[0].spec.better = after.metrics[0].spec.better = Better::kLower;
  const auto path = write_record("lower", {{"sft", before}, {"ppo", after}});
  const auto tables = find_flips(collect_records({path}, {}), {});
  CHECK(tables.at(0).gained == 2);
  CHECK(tables.at(0).lost == 1);
}

TEST_CASE("the alignment tax compares each stage with what it builds on, and names what was lost") {
  const auto path = write_record("tax",
                                 {{"pretrain", result_of(ones(20, 60))},
                                  {"sft", result_of(ones(50, 60))},
                                  {"ppo", result_of(ones(30, 60))},
                                  {"dpo", result_of(ones(49, 60))}},
                                 "complete", "0.1", {{"sft", {"pretrain"}}, {"ppo", {"sft"}}, {"dpo", {"sft"}}});
  const auto tax = alignment_tax(collect_records({path}, {}));
  REQUIRE(tax.rows.size() == 1);
  const auto& cells = tax.rows[0].since_parent;
  REQUIRE(cells.size() == 3);
  CHECK(cells[0].change == Change::kGained);
  CHECK(cells[1].against == "sft");
  CHECK(cells[1].change == Change::kLost);
  CHECK(cells[2].against == "sft");
  CHECK(cells[2].change == Change::kNone);
  CHECK(tax.rows[0].since_first[1].against == "pretrain");
  CHECK(tax.rows[0].since_first[1].change == Change::kGained);
  CompareOptions options;
  options.view = CompareView::kTax;
  CHECK_THAT(compare_records({path}, options), ContainsSubstring("ppo after sft: lost 1 of 1 (quiz.accuracy)"));
  options.format = "json";
  CHECK(nlohmann::json::parse(compare_records({path}, options))["rows"][0]["since_parent"][1]["change"] == "lost");
  options.by = "run";
  CHECK_THROWS(compare_records({path}, options));
}

TEST_CASE("differences over several runs count the runs") {
  const auto a = write_record("r1", {{"sft", result_of(ones(10, 60))}, {"ppo", result_of(ones(14, 60))}});
  const auto b = write_record("r2", {{"sft", result_of(ones(10, 60))}, {"ppo", result_of(ones(40, 60))}});
  const auto comparison = compare(collect_records({a, b}, {}), "");
  const auto& paired = *comparison.rows.at(0).cells.at(1).paired;
  CHECK(paired.difference == Approx(17.0 / 60));
  CHECK(paired.test == "items_and_runs_t");
  CHECK(paired.ci_low < 0);  // one run gained 4 items, the other 30: two runs do not show a gain
}

TEST_CASE("clusters are kept in the record and counted in the comparison") {
  auto before = result_of(ones(2, 40)), after = result_of(ones(25, 40));
  for (std::size_t i = 0; i < 40; ++i) before.examples[i].cluster = after.examples[i].cluster = "c" + std::to_string(i / 20);
  const auto path = write_record("clusters", {{"sft", before}, {"ppo", after}});
  const auto comparison = compare(collect_records({path}, {}), "");
  CHECK(comparison.rows.at(0).cells.at(1).paired->clusters == 2);
  CHECK(comparison.rows.at(0).cells.at(1).paired->test == "cluster_sign_flip");
}
