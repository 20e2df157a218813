// A folder of its own for each test, small records, and helpers to read error messages.
#pragma once

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <typeinfo>
#include <vector>

#include "catch.h"
#include "folder.h"
#include "host/record/record_reader.h"
#include "host/record/run_record.h"
#include "temper/error.h"

namespace record_test {

using temper::test::Folder;
using namespace temper;
namespace fs = std::filesystem;

inline RecordFacts facts() {
  RecordFacts made;
  made.experiment = "first_words";
  made.run_id = "r1";
  made.seed = 18446744073709551615ULL;
  made.config_source = "stages:\n  sft: {plugin: sft}  # größer\n";
  made.resolved = {{"stages.sft.steps", "100", "file", "x.yaml:2"}, {"seed", "7", "command line", "--seed"}};
  made.plugins = {{"model", "architecture", "gpt", "0.1.0", "abc", "TEMPER-ABI|x"}};
  made.host = {{"cpu", "some cpu"}, {"threads", "2"}};
  return made;
}

inline const MetricSpec kLoss{"loss", "nats/token", "Mean loss of a step.", Better::kLower};

inline EvalResult eval_of(const std::vector<std::string>& responses) {
  EvalResult result;
  MetricValue metric;
  metric.spec = {"accuracy", "", "Share of right answers.", Better::kHigher};
  metric.value = 0.5;
  metric.std_error = 0.25;
  metric.ci_low = 0.1;
  metric.ci_high = 0.9;
  metric.n = static_cast<std::int64_t>(responses.size());
  result.metrics = {metric};
  result.score_names = {"accuracy", "length"};
  for (std::size_t i = 0; i < responses.size(); ++i) {
    result.examples.push_back({"item" + std::to_string(i),
                               "sha" + std::to_string(i),
                               "Say it.",
                               responses[i],
                               "ref",
                               {double(i % 2), double(responses[i].size())}});
  }
  return result;
}

inline std::vector<std::int64_t> steps_of(const fs::path& path, const std::string& stage = "sft",
                                          const std::string& metric = "loss") {
  std::vector<std::int64_t> steps;
  for (const auto& point : RecordReader(path).log(stage, metric)) steps.push_back(point.step);
  return steps;
}

inline std::vector<std::int64_t> range(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (std::int64_t i = first; i <= last; ++i) all.push_back(i);
  return all;
}

inline std::string read_bytes(const fs::path& path) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  return bytes.str();
}

inline void write_bytes(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

template <class Wanted, class Function>
std::string error_from(Function function) {
  try {
    function();
  } catch (const Wanted& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another type of error: ") + typeid(error).name() + " " + error.what();
  }
  return "no error";
}

}  // namespace record_test
