// Parts of a record as files of their own: what is exported comes back whole in another record.
#include "support.h"

using namespace record_test;

namespace {

/// Enough rows with long texts that the table has several chunks; some texts are no clean UTF-8.
EvalResult large_result() {
  EvalResult result;
  result.score_names = {"accuracy"};
  for (int i = 0; i < 6000; ++i) {
    ExampleRow row;
    row.item_id = "item" + std::to_string(i);
    row.prompt_sha = std::string(64, 'a');
    row.prompt = std::string(static_cast<std::size_t>(i % 700), 'p') + std::to_string(i);
    row.response = i == 17 ? std::string("caf\xC3") : "answer " + std::to_string(i * i);
    row.scores = {static_cast<double>(i % 2)};
    row.cluster = "c" + std::to_string(i / 3);
    result.examples.push_back(row);
  }
  result.metrics = {proportion_metric({"accuracy", "", "Share.", Better::kHigher}, 3000, 6000)};
  return result;
}

}  // namespace

TEST_CASE("a large evaluation goes from one record to another through a file") {
  const Folder folder;
  const EvalResult result = large_result();
  const auto first = RunRecord::create(folder / "a.h5", facts());
  first->begin_stage("sft", {"sft", {}});
  first->write_eval("sft", "quiz", result);
  first->export_eval("sft", "quiz", folder / "quiz.h5");
  const auto second = RunRecord::create(folder / "b.h5", facts());
  second->begin_stage("tuned", {"sft", {}});
  second->import_eval(folder / "quiz.h5", "tuned", "test");
  second->flush();
  const EvalResult back = RecordReader(folder / "b.h5").eval("tuned", "test");
  REQUIRE(back.examples.size() == 6000);
  CHECK(back.score_names == result.score_names);
  CHECK(back.metrics[0].ci_low == result.metrics[0].ci_low);
  for (const std::size_t i : {std::size_t{0}, std::size_t{17}, std::size_t{5999}}) {
    CHECK(back.examples[i].prompt == result.examples[i].prompt);
    CHECK(back.examples[i].response == result.examples[i].response);
    CHECK(back.examples[i].cluster == result.examples[i].cluster);
    CHECK(back.examples[i].scores == result.examples[i].scores);
  }
}

TEST_CASE("a stage takes its log, notes, samples and checks along, and leaves the other record's evaluations") {
  const Folder folder;
  const auto first = RunRecord::create(folder / "a.h5", facts());
  first->begin_stage("base", {"pretrain", {}});
  first->begin_stage("sft", {"sft", {"base"}, "the key"});
  first->declare_metric("sft", kLoss);
  for (int step = 1; step <= 5000; ++step) first->append("sft", "loss", step, 1.0 / step);
  first->add_note("sft", "a note");
  first->add_samples("sft", 10, {"reward"}, {{"prompt", "response", {0.5}}});
  first->add_sentinel("sft", {"first_ratio", 1, 1e-5, true, "all is well"});
  first->write_eval("sft", "quiz", large_result());
  first->export_stage("sft", folder / "stage.h5");

  const auto second = RunRecord::create(folder / "b.h5", facts());
  second->begin_stage("sft", {"other", {}});
  EvalResult own;
  own.metrics = {proportion_metric({"own", "", "Share.", Better::kHigher}, 1, 2)};
  second->write_eval("sft", "mine", own);
  second->import_stage(folder / "stage.h5", "sft");
  second->append("sft", "loss", 5001, 0.25);
  second->flush();
  const RecordReader reader(folder / "b.h5");
  CHECK(reader.stage_names() == std::vector<std::string>{"sft"});
  CHECK(reader.stage("sft").plugin == "sft");
  CHECK(reader.stage("sft").cache_key == "the key");
  CHECK(reader.log("sft", "loss").size() == 5001);
  CHECK(reader.log("sft", "loss")[4999].value == 1.0 / 5000);
  CHECK(reader.log_spec("sft", "loss").unit == kLoss.unit);
  CHECK(reader.notes("sft").at(0).text == "a note");
  CHECK(reader.samples("sft").samples.at(0).row.response == "response");
  CHECK(reader.sentinels("sft").at(0).evidence == "all is well");
  CHECK(reader.evaluators("sft") == std::vector<std::string>{"mine"});
}

TEST_CASE("a stage that was stopped before its first metric is taken over and gone on with") {
  const Folder folder;
  const auto first = RunRecord::create(folder / "a.h5", facts());
  first->begin_stage("ppo", {"ppo", {}});
  first->export_stage("ppo", folder / "partial.h5");
  for (const bool had_metrics : {false, true}) {
    const auto second = RunRecord::create(folder / (had_metrics ? "c.h5" : "b.h5"), facts());
    second->begin_stage("ppo", {"ppo", {}});
    if (had_metrics) {
      second->declare_metric("ppo", kLoss);
      second->append("ppo", "loss", 1, 0.5);
    }
    second->import_stage(folder / "partial.h5", "ppo");
    second->truncate_log("ppo", 0);
    CHECK_THROWS_AS(second->append("ppo", "loss", 1, 0.5), PluginError);
    second->declare_metric("ppo", kLoss);
    second->append("ppo", "loss", 1, 0.25);
    second->flush();
    CHECK(second->stage("ppo").has_value());
  }
  const RecordReader reader(folder / "c.h5");
  REQUIRE(reader.log("ppo", "loss").size() == 1);
  CHECK(reader.log("ppo", "loss")[0].value == 0.25);
}

TEST_CASE("a damaged part is refused and changes nothing") {
  const Folder folder;
  const auto record = RunRecord::create(folder / "a.h5", facts());
  record->begin_stage("sft", {"sft", {}});
  record->export_stage("sft", folder / "stage.h5");
  fs::resize_file(folder / "stage.h5", fs::file_size(folder / "stage.h5") - 100);
  CHECK_THROWS_AS(record->import_stage(folder / "stage.h5", "sft"), DataError);
  CHECK_THROWS_AS(record->import_eval(folder / "absent.h5", "sft", "quiz"), DataError);
  CHECK(record->stage("sft")->plugin == "sft");
}
