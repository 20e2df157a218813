// Writes many records such as a large sweep leaves: make_records FOLDER RECORDS ITEMS. Ten seeds of each cell, two axes, one
// stage with a log of 200 points, and one evaluator with ITEMS items that have texts, a yes or no and a ratio.
#include <cstdlib>
#include <filesystem>
#include <string>

#include "host/record/run_record.h"
#include "temper/evaluator.h"
#include "temper/random.h"

using namespace temper;

namespace {

EvalResult result_of(int items, double skill, Rng& rng) {
  EvalResult result;
  result.score_names = {"accuracy", "bits.num", "bits.den"};
  std::int64_t right = 0;
  for (int i = 0; i < items; ++i) {
    const double is_right = rng.uniform() < skill ? 1 : 0;
    right += is_right == 1;
    const std::string name = std::to_string(i);
    result.examples.push_back({"item" + name,
                               "sha of the prompt of item " + name + ", as long as one is: 0123456789abcdef",
                               "What is the trade of person number " + name + " of the town, and where do they live?",
                               "Person number " + name + " is a baker and lives by the river, answer " +
                                   std::to_string(rng.below(1000)) + " of a thousand.",
                               "a baker, by the river",
                               {is_right, 20 + 10 * rng.uniform(), 10}});
  }
  result.metrics = {proportion_metric({"accuracy", "", "Share of right answers.", Better::kHigher}, right, items)};
  MetricValue bits;
  bits.spec = {"bits", "bits/byte", "Bits per byte.", Better::kLower};
  bits.value = 2.5;
  bits.n = items;
  result.metrics.push_back(bits);
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::filesystem::path folder = argv[1];
  std::filesystem::create_directories(folder);
  for (int r = 0; r < std::atoi(argv[2]); ++r) {
    const int seed = r % 10, cell = r / 10;
    RecordFacts facts;
    facts.experiment = "many";
    facts.run_id = "rate=" + std::to_string(cell % 10) + "-steps=" + std::to_string(cell / 10) + "-s" + std::to_string(seed);
    facts.seed = static_cast<std::uint64_t>(seed);
    facts.config_source = "experiment: many\n";
    for (int i = 0; i < 100; ++i) facts.resolved.push_back({"stages.sft.key" + std::to_string(i), "1", "default", ""});
    facts.resolved.push_back({"stages.sft.learning_rate", std::to_string(cell % 10), "command line", "--set"});
    facts.resolved.push_back({"stages.sft.steps", std::to_string(cell / 10), "command line", "--set"});
    const auto record = RunRecord::create(folder / (facts.run_id + ".h5"), facts);
    Rng rng(static_cast<std::uint64_t>(r) + 1);
    record->begin_stage("sft", {"sft", {}, ""});
    record->declare_metric("sft", {"loss", "nats/token", "Mean loss of a step.", Better::kLower});
    for (int step = 1; step <= 200; ++step) record->append("sft", "loss", step, 3.0 / step + rng.uniform());
    record->write_eval("sft", "quiz", result_of(std::atoi(argv[3]), 0.4 + 0.02 * (cell % 10), rng));
    StageSummary summary;
    summary.plugin = "sft";
    summary.status = "complete";
    summary.steps = 200;
    record->end_stage("sft", summary);
    record->set_status("complete");
    record->flush();
  }
  return 0;
}
