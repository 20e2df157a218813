// What is written comes back: attributes, tables, stages, logs, evaluations; and what a record refuses.
#include <algorithm>
#include <cmath>

#include "support.h"

using namespace record_test;

TEST_CASE("a new record holds the run's facts at once") {
  const Folder folder;
  const auto record = RunRecord::create(folder / "sub/r.h5", facts());
  const RecordReader reader(folder / "sub/r.h5");
  CHECK(reader.attribute("experiment") == "first_words");
  CHECK(reader.attribute("seed") == "18446744073709551615");
  CHECK(reader.attribute("status") == "running");
  CHECK(reader.attribute("finished").empty());
  CHECK(reader.attribute("host_cpu") == "some cpu");
  CHECK(reader.attribute("schema_version") == "1");
  CHECK(reader.attributes().count("created") == 1);
  CHECK(reader.config_source() == facts().config_source);
  REQUIRE(reader.resolved().size() == 2);
  CHECK(reader.resolved()[1].source == "command line");
  REQUIRE(reader.plugins().size() == 1);
  CHECK(reader.plugins()[0].abi_tag == "TEMPER-ABI|x");
  CHECK(reader.data().empty());
  CHECK(reader.stage_names().empty());
  CHECK(error_from<DataError>([&] { reader.attribute("nonsense"); }) == "the record has no attribute 'nonsense'");
}

TEST_CASE("a record that is not kept takes what another one takes, and writes no file") {
  const Folder folder;
  const fs::path here = fs::current_path();
  fs::current_path(folder.path());
  {
    const auto record = RunRecord::create_unkept(facts());
    CHECK(record->path().empty());
    record->begin_stage("sft", {"sft", {}});
    record->declare_metric("sft", kLoss);
    record->append("sft", "loss", 1, 2.5);
    record->flush();
    record->append("sft", "loss", 2, 2.25);
    record->truncate_log("sft", 1);
    record->export_stage("sft", folder / "sft.h5");
    CHECK(record->stage_names() == std::vector<std::string>{"sft"});
    CHECK(record->attribute("run_id") == facts().run_id);
  }
  fs::current_path(here);
  const auto other = RunRecord::create(folder / "other.h5", facts());
  other->import_stage(folder / "sft.h5", "sft");
  other->flush();
  CHECK(steps_of(folder / "other.h5") == std::vector<std::int64_t>{1});
  std::vector<std::string> files;
  for (const auto& entry : fs::directory_iterator(folder.path())) files.push_back(entry.path().filename().string());
  std::sort(files.begin(), files.end());
  CHECK(files == std::vector<std::string>{"other.h5", "other.h5.lock", "sft.h5"});
}

TEST_CASE("stages, logs, notes and data come back as written, also after reopening") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  StageSummary summary{"sft", "complete", "key", "r/sft/final", "f00", "instruction", {"pretrain", "größe"}, 12.5,
                       1e15,  123456,     100};
  {
    const auto record = RunRecord::create(path, facts());
    record->begin_stage("pretrain", {"pretrain", {}});
    record->begin_stage("aft", {"sft", {"pretrain"}});
    record->declare_metric("aft", kLoss);
    record->append("aft", "loss", 1, 2.5);
    record->append("aft", "loss", 2, std::numeric_limits<double>::quiet_NaN());
    record->add_note("aft", "first");
    record->add_note("aft", "second");
    record->set_data({{"plays", "plays.txt", "aa", 3, 1000, 250}});
    record->set_data({{"plays", "plays.txt", "aa", 3, 1000, 251}});
    record->end_stage("aft", summary);
    record->set_status("complete");
    record->flush();
  }
  const auto record = RunRecord::open(path);
  CHECK(record->stage_names() == std::vector<std::string>{"pretrain", "aft"});
  CHECK(record->stage("pretrain")->status == "running");
  CHECK_FALSE(record->stage("ppo").has_value());
  const auto found = record->stage("aft").value();
  CHECK(found.parents == summary.parents);
  CHECK(found.tokens == 123456);
  CHECK(found.flops == 1e15);
  CHECK(found.prompt_template == "instruction");
  CHECK(record->config_source() == facts().config_source);
  CHECK(record->plugins().at(0).sha256 == "abc");
  const RecordReader reader(path);
  CHECK_FALSE(reader.attribute("finished").empty());
  CHECK(reader.notes("aft").at(1).text == "second");
  CHECK(reader.data().at(0).tokens == 251);
  CHECK(reader.log_names("aft") == std::vector<std::string>{"loss"});
  CHECK(reader.log_spec("aft", "loss").unit == "nats/token");
  CHECK(reader.log_spec("aft", "loss").better == Better::kLower);
  REQUIRE(reader.log("aft", "loss").size() == 2);
  CHECK(std::isnan(reader.log("aft", "loss")[1].value));
  CHECK_THAT(error_from<DataError>([&] { reader.stage("sft"); }), ContainsSubstring("it has: pretrain, aft"));
}

TEST_CASE("evaluations come back as written and may be replaced") {
  const Folder folder;
  const auto record = RunRecord::create(folder / "r.h5", facts());
  CHECK_FALSE(record->has_eval("sft", "qa"));
  record->begin_stage("sft", {"sft", {}});
  record->write_eval("sft", "qa", eval_of({"old"}));
  EvalResult result = eval_of({"Ja, größer.", "", "no"});
  result.examples[2].scores[1] = std::numeric_limits<double>::quiet_NaN();
  record->write_eval("sft", "qa", result);
  CHECK(record->has_eval("sft", "qa"));
  record->flush();
  const RecordReader reader(folder / "r.h5");
  CHECK(reader.evaluators("sft") == std::vector<std::string>{"qa"});
  const EvalResult found = reader.eval("sft", "qa");
  REQUIRE(found.examples.size() == 3);
  CHECK(found.score_names == result.score_names);
  CHECK(found.examples[0].response == "Ja, größer.");
  CHECK(found.examples[1].scores == std::vector<double>{1, 0});
  CHECK(std::isnan(found.examples[2].scores[1]));
  CHECK(found.metrics.at(0).spec.better == Better::kHigher);
  CHECK(found.metrics.at(0).ci_high == 0.9);
  CHECK(found.metrics.at(0).n == 3);
}

TEST_CASE("an evaluation without examples or scores is fine, one that does not fit together is the plugin's fault") {
  const Folder folder;
  const auto record = RunRecord::create(folder / "r.h5", facts());
  record->write_eval("sft", "empty", {});
  record->flush();
  CHECK(RecordReader(folder / "r.h5").eval("sft", "empty").examples.empty());
  EvalResult bad = eval_of({"a"});
  bad.examples[0].scores.pop_back();
  CHECK_THAT(error_from<PluginError>([&] { record->write_eval("sft", "bad", bad); }), ContainsSubstring("item0"));
  bad = eval_of({"a"});
  bad.score_names[1] = "response";
  CHECK_THAT(error_from<PluginError>([&] { record->write_eval("sft", "bad", bad); }), ContainsSubstring("'response'"));
  CHECK_FALSE(record->has_eval("sft", "bad"));
  CHECK_THAT(error_from<PluginError>([&] { record->append("sft", "loss", 1, 1); }), ContainsSubstring("declar"));
  CHECK_THAT(error_from<ConfigError>([&] { record->set_status("done"); }), ContainsSubstring("complete"));
}

TEST_CASE("a record is never overwritten and has one writer") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  {
    const auto record = RunRecord::create(path, facts());
    CHECK_THAT(error_from<DataError>([&] { RunRecord::open(path); }), ContainsSubstring("another process"));
    CHECK_THAT(error_from<DataError>([&] { RunRecord::create(path, facts()); }), ContainsSubstring("never overwritten"));
    CHECK_NOTHROW(RecordReader(path));
  }
  const std::string before = read_bytes(path);
  CHECK_THAT(error_from<DataError>([&] { RunRecord::create(path, facts()); }), ContainsSubstring("resume"));
  CHECK(read_bytes(path) == before);
  CHECK(folder.names() == std::vector<std::string>{"r.h5"});
}

TEST_CASE("logging is cheap and flush_if_due writes seldom") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const auto record = RunRecord::create(path, facts());
  record->declare_metric("sft", kLoss);
  record->flush();
  for (int step = 1; step <= 100000; ++step) {
    record->append("sft", "loss", step, 1.0 / step);
    record->flush_if_due();
  }
  CHECK(steps_of(path).size() < 100000);
  record->flush();
  CHECK(steps_of(path) == range(1, 100000));
  CHECK(RecordReader(path).log("sft", "loss").back().value == 1e-5);
  // Compressed: 16 bytes a row without, and half of them (the values) are hardly compressible.
  CHECK(fs::file_size(path) < 1300000);
}

TEST_CASE("the ledger of a cleaning comes back as it was written, and the latest counts") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const std::vector<LedgerRow> rows = {
      {"near", "near_dedup", 100, 7, 0, 5000, 4500, {{"drop", "near_copy", 7}, {"figure", "pairs", 9.5}}},
      {"pii", "pii", 93, 0, 12, 4500, 4400, {{"span", "email", 14}}}};
  {
    auto record = RunRecord::create(path, facts());
    record->set_ledger({{"old", "old", 1, 1, 1, 1, 1}});
    record->set_ledger(rows);
    record->flush();
  }
  CHECK((RecordReader(path).ledger() == rows));
}

TEST_CASE("samples and sentinels of a stage come back; samples after a checkpoint are dropped when it goes on from there") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const std::vector<std::string> names = {"reward", "kl"};
  {
    const auto record = RunRecord::create(path, facts());
    record->begin_stage("ppo", {"ppo", {"sft"}});
    record->add_samples("ppo", 1, names, {{"Hi", "Hello\0!", {0.5, 0.1}}, {"Who?", "Me.", {-1, 0}}});
    record->add_samples("ppo", 5, names, {{"Hi", std::string("a\0b", 3), {2, 0.2}}});
    record->add_sentinel("ppo", {"first_ratio", 1e-7, 1e-5, true, "all well"});
    record->add_sentinel("ppo", {"kl_at_start", 0.5, 1e-5, false, "half a nat"});
    record->add_sentinel("ppo", {"kl_at_start", 0, 1e-5, true, "none"});
    CHECK_THROWS_AS(record->add_samples("ppo", 6, names, {{"Hi", "a", {1}}}), PluginError);
    CHECK_THROWS_AS(record->add_samples("ppo", 6, {"reward"}, {{"Hi", "a", {1}}}), PluginError);
    record->flush();
  }
  {
    const RecordReader reader(path);
    const StageSamples samples = reader.samples("ppo");
    CHECK(samples.score_names == names);
    REQUIRE(samples.samples.size() == 3);
    CHECK(samples.samples[1].row.response == "Me.");
    CHECK(samples.samples[2].step == 5);
    CHECK(samples.samples[2].row.response == std::string("a\0b", 3));
    CHECK(samples.samples[2].row.scores == std::vector<double>{2, 0.2});
    const auto sentinels = reader.sentinels("ppo");
    REQUIRE(sentinels.size() == 2);
    CHECK(sentinels[0].value == 1e-7);
    CHECK(sentinels[1].passed);
    CHECK(sentinels[1].evidence == "none");
  }
  const auto record = RunRecord::open(path);
  record->truncate_log("ppo", 4);
  record->flush();
  CHECK(RecordReader(path).samples("ppo").samples.size() == 2);
  CHECK(RecordReader(path).sentinels("ppo").size() == 2);
}
