// A byte flipped, an end cut off, or a file taken away is found in each kind of file, and what is whole or only unfinished
// is not blamed.
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <sstream>

#include "catch.h"
#include "folder.h"
#include "gpt.h"
#include "host/record/run_record.h"
#include "host/run/stage_cache.h"
#include "host/sweep/sweep.h"
#include "host/train/checkpoint.h"
#include "host/verify/verify.h"
#include "temper/error.h"
#include "temper/evaluator.h"

using namespace temper;
namespace fs = std::filesystem;
using temper::test::Folder;

namespace {

std::string read_bytes(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

void write_bytes(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

std::string save_model(const fs::path& folder, std::uint64_t seed, bool in_flight) {
  gpt::GptParams params;
  params.d_model = 16;
  params.num_layers = 1;
  params.num_heads = 2;
  gpt::Gpt model(params, {20, seed});
  CheckpointManifest manifest;
  manifest.architecture = "gpt";
  manifest.tokenizer = "bytes";
  manifest.tokenizer_file = "tokenizer.model";
  manifest.stage = "sft";
  manifest.status = in_flight ? "running" : "complete";
  manifest.vocab_size = 20;
  StateDict dict;
  dict.tensors["moments"] = at::ones({4});
  return save_checkpoint(folder, manifest, model, "the tokenizer", in_flight ? &dict : nullptr, in_flight ? nullptr : &dict);
}

EvalResult small_result() {
  EvalResult result;
  result.score_names = {"accuracy"};
  for (int i = 0; i < 3; ++i) result.examples.push_back({"i" + std::to_string(i), "p", "Say it.", "It.", "it", {1.0}});
  result.metrics = {proportion_metric({"accuracy", "", "Share of right answers.", Better::kHigher}, 3, 3)};
  return result;
}

/// A run with one finished stage and its checkpoint; returns the record.
fs::path write_run(const fs::path& folder, const std::string& id, const std::string& status = "complete") {
  fs::create_directories(folder);
  const fs::path path = folder / (id + ".h5");
  RecordFacts facts;
  facts.experiment = "small";
  facts.run_id = id;
  facts.seed = 7;
  const auto record = RunRecord::create(path, facts);
  record->begin_stage("sft", {"sft", {}, ""});
  record->declare_metric("sft", {"loss", "", "Mean loss.", Better::kLower});
  for (int step = 1; step <= 50; ++step) record->append("sft", "loss", step, 1.0 / step);
  record->write_eval("sft", "quiz", small_result());
  fs::create_directories(folder / id);
  write_bytes(folder / id / "experiment.yaml", "experiment: small\n");
  StageSummary summary;
  summary.status = "complete";
  summary.checkpoint = id + "/sft/final";
  summary.checkpoint_sha256 = save_model(folder / id / "sft/final", 1, false);
  record->end_stage("sft", summary);
  record->set_status(status);
  record->flush();
  return path;
}

std::vector<Finding> faults_in(const fs::path& path) {
  auto found = verify(path);
  std::erase_if(found, [](const Finding& finding) { return !is_fault(finding); });
  return found;
}

/// Flips single bytes all over the file and cuts it short; each has to give exactly one fault of the kind in `where`.
void check_damage(const fs::path& file, const fs::path& where, const std::string& kind) {
  INFO(file);
  const std::string whole = read_bytes(file);
  REQUIRE(faults_in(where).empty());
  std::vector<std::string> damaged;
  for (std::size_t i = 0; i < 24; ++i) {
    damaged.push_back(whole);
    damaged.back()[i * (whole.size() - 1) / 23] ^= 0x10;
  }
  for (const std::size_t size : {std::size_t{0}, whole.size() / 2, whole.size() * 9 / 10, whole.size() - 2}) {
    damaged.push_back(whole.substr(0, size));
  }
  for (std::size_t i = 0; i < damaged.size(); ++i) {
    write_bytes(file, damaged[i]);
    const auto faults = faults_in(where);
    INFO("damage " << i);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].kind == kind);
    CHECK(faults[0].state == Soundness::kDamaged);
    CHECK(faults[0].reason.size() > 10);
  }
  write_bytes(file, whole);
  CHECK(faults_in(where).empty());
}

SweepPlan small_plan() {
  SweepPlan plan;
  plan.name = "s";
  plan.experiment = "small";
  plan.origin = "/small.yaml";
  plan.text = "experiment: small\n";
  plan.axes = {"a"};
  plan.runs = {{"a=1-s7", {{"a", "1"}}, {"1"}, 7, {"sft"}, {"k1"}}, {"a=2-s7", {{"a", "2"}}, {"2"}, 7, {"sft"}, {"k2"}}};
  plan_tasks(plan);
  return plan;
}

}  // namespace

TEST_CASE("a record and its checkpoint: any flipped byte, any cut and any missing file is found") {
  const Folder folder;
  const fs::path record = write_run(folder / "results", "r1");
  const fs::path final_folder = folder / "results/r1/sft/final";
  check_damage(record, record, "record");
  for (const char* name : {"model.safetensors", "temper.json", "tokenizer.model", "extras.safetensors"}) {
    check_damage(final_folder / name, record, "checkpoint");
    fs::rename(final_folder / name, folder / "aside");
    CHECK(faults_in(record).size() == 1);
    fs::rename(folder / "aside", final_folder / name);
  }
  // Found from the run's folder and from the folder above just as well.
  CHECK(verify(folder / "results/r1").size() == 2);
  CHECK(verify(folder / "results").size() == 2);
  CHECK(verify(folder / "results/").size() == 2);
  fs::remove_all(final_folder);
  REQUIRE(faults_in(record).size() == 1);
  CHECK(faults_in(record)[0].state == Soundness::kMissing);
  fs::remove(record);
  REQUIRE(faults_in(folder / "results").size() == 1);
  CHECK(faults_in(folder / "results")[0].state == Soundness::kMissing);
}

TEST_CASE("a checkpoint that is whole, but of other weights than the record says, is a fault") {
  const Folder folder;
  const fs::path record = write_run(folder / "results", "r1");
  save_model(folder / "results/r1/sft/final", 2, false);
  REQUIRE(faults_in(record).size() == 1);
  CHECK_THAT(faults_in(record)[0].reason, ContainsSubstring("others than the record says"));
}

TEST_CASE("a stopped run is unfinished, not damaged; its resumable checkpoint is checked to the last file") {
  const Folder folder;
  const fs::path record = write_run(folder / "results", "r1", "cancelled");
  const fs::path step = resumable_name(folder / "results/r1/sft", 7);
  save_model(step, 1, true);
  const auto found = verify(record);
  REQUIRE(found.size() == 3);
  CHECK(found[0].state == Soundness::kUnfinished);
  CHECK_THAT(found[0].reason, ContainsSubstring("cancelled"));
  check_damage(step / "state.safetensors", record, "checkpoint");
}

TEST_CASE("a sweep: its plan, its events, and each run that has ended") {
  const Folder folder;
  const fs::path sweep = folder / "s";
  save_plan(small_plan(), sweep);
  write_run(sweep, "a=1-s7");
  write_bytes(sweep / "events.jsonl", "{\"task\": \"a=1-s7\", \"event\": \"done\"}\n");
  CHECK(faults_in(sweep).empty());
  const auto found = verify(sweep);
  CHECK(std::count_if(found.begin(), found.end(), [](const Finding& one) { return one.state == Soundness::kUnfinished; }) ==
        1);
  check_damage(sweep / "sweep.json", sweep, "sweep plan");
  SweepPlan halved = small_plan();
  halved.halving = Halving{"loss", false, 2, {{"sft", 5}}};
  fs::remove(sweep / "sweep.json");
  save_plan(halved, sweep);
  save_verdicts({{{"sft", 5}, {{{0}, {0.5}, 0.5, true}, {{1}, {0.75}, 0.75, false}}}}, halved, sweep);
  CHECK(faults_in(sweep).empty());
  check_damage(sweep / "halving.json", sweep, "sweep halving");
  std::ofstream(sweep / "events.jsonl", std::ios::app) << "{\"task\": \"a=2-s7\", \"ev";
  REQUIRE(faults_in(sweep).size() == 1);
  CHECK_THAT(faults_in(sweep)[0].reason, ContainsSubstring("line 2 is no event"));
  write_bytes(sweep / "events.jsonl",
              "{\"task\": \"a=1-s7\", \"event\": \"done\"}\n{\"task\": \"a=2-s7\", \"event\": \"failed\"}\n");
  REQUIRE(faults_in(sweep).size() == 1);
  CHECK(faults_in(sweep)[0].state == Soundness::kMissing);
  // The record of another run in its place.
  fs::copy_file(sweep / "a=1-s7.h5", sweep / "a=2-s7.h5");
  REQUIRE(faults_in(sweep).size() == 1);
  CHECK_THAT(faults_in(sweep)[0].reason, ContainsSubstring("it is the record of run a=1-s7"));
}

TEST_CASE("entries of the cache: stages by their hashes, evaluations by their seal, those in work left alone") {
  const Folder folder;
  const fs::path record = write_run(folder / "results/small", "r1");
  const StageCache cache(folder / "results/cache");
  const fs::path entry = cache.stage_folder("0123456789abcdef");
  fs::create_directories(entry / "final");
  fs::create_directories(folder / "results/cache/evals");
  const auto open = RunRecord::open(record);
  open->export_stage("sft", entry / "stage.h5");
  open->export_eval("sft", "quiz", cache.eval_file("fedcba9876543210"));
  save_model(entry / "final", 1, false);
  CHECK(verify(entry).size() == 1);
  CHECK(verify(entry)[0].state == Soundness::kUnfinished);
  cache.complete_stage({"0123456789abcdef", "stage", "sft", "sft", "complete", "small", "r1", "", 0, 1.0, true, false});
  CHECK(verify(entry)[0].state == Soundness::kIntact);
  check_damage(entry / "stage.h5", entry, "cache entry");
  check_damage(entry / "final/model.safetensors", folder / "results/cache", "cache entry");
  check_damage(cache.eval_file("fedcba9876543210"), folder / "results/cache", "cached evaluation");
  CHECK(verify(folder / "results").size() == 4);
  fs::remove(entry / "final/tokenizer.model");
  CHECK_THAT(faults_in(folder / "results")[0].reason, ContainsSubstring("is missing"));
  const EntryLock lock(
      entry, [](const std::string&) {}, [] { return false; });
  CHECK(verify(entry)[0].state == Soundness::kUnfinished);
}

TEST_CASE("what temper did not write is no finding but an error") {
  const Folder folder;
  fs::create_directories(folder / "empty");
  CHECK_THROWS_WITH(verify(folder / "none"), ContainsSubstring("does not exist"));
  CHECK_THROWS_WITH(verify(folder / "empty"), ContainsSubstring("nothing that can be verified"));
  write_bytes(folder / "a.txt", "text");
  CHECK_THROWS_WITH(verify(folder / "a.txt"), ContainsSubstring("nothing that can be verified"));
}

TEST_CASE("a clock that was set back confuses neither the owner's age nor who holds what") {
  const Folder folder;
  const fs::path entry = folder / "cache/stages/abc";
  const EntryLock lock(
      entry, [](const std::string&) {}, [] { return false; });
  // The owner's last sign lies in the future.
  fs::last_write_time(entry / "owner.json", fs::file_time_type::clock::now() + std::chrono::hours(5));
  CHECK(EntryLock::is_held(entry));
  std::string owner;
  const auto wait = [&] {
    EntryLock second(
        entry, [&](const std::string& who) { owner = who; }, [] { return true; });
  };
  CHECK_THROWS_AS(wait(), Cancelled);
  CHECK_THAT(owner, ContainsSubstring("last sign 0 s ago"));
}
