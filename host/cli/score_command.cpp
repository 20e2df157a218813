// `temper score`: judges answers written by any system, one JSON line in, one JSON line out, in order.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <sstream>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/config/resolve.h"
#include "host/plugin/guard.h"
#include "host/run/model_lender.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/evaluator.h"

namespace temper {
namespace po = boost::program_options;

int score_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("responses", po::value<std::string>(), "JSONL file with the answers")(
      "out", po::value<std::string>(), "JSONL file for the verdicts; standard output by default")(
      "set", po::value<std::vector<std::string>>()->composing(),
      "PARAMETER=VALUE of the evaluator, e.g. judge=results/judge.h5:judge; may be repeated");
  add_device_option(own);
  const auto options =
      parse_options(args,
                    {"temper score EVALUATOR --responses FILE.jsonl [--out FILE.jsonl] [--set PARAMETER=VALUE]...",
                     "Judges answers that any system wrote. One output row for every input row, in the same order."},
                    own, 1, 1);
  if (options.help_shown) return 0;
  if (!options.has("responses")) throw ConfigError("--responses is missing; give a JSONL file with the answers");
  const PluginHost host = load_host(options);
  const std::string id = options.positional[0];
  const auto evaluator =
      host.registry.make<Evaluator>(id, values_of_sets(host.registry, "evaluator", id, options.list("set")), {});
  auto* judge = dynamic_cast<TextJudge*>(evaluator.get());
  if (judge == nullptr) throw ConfigError("evaluator '" + id + "' cannot judge text alone; it needs a model (temper run)");
  const std::string path = options.get<std::string>("responses");
  std::ifstream input(path);
  if (!input) throw DataError("cannot read file '" + path + "'; check that it exists and may be read");
  CheckpointLender lender(host.registry, "", device_of(options));
  guarded(id, "begin_judging", [&] { judge->begin_judging(lender); });
  std::string verdicts;
  std::size_t number = 0;
  for (std::string line; std::getline(input, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      verdicts += guarded(id, "judge", [&] { return judge->judge(line); }) + "\n";
    } catch (const DataError& error) {
      throw DataError(path + ":" + std::to_string(number) + ": " + error.what());
    }
  }
  if (verdicts.empty()) throw DataError("file '" + path + "' holds no answers");
  if (options.has("out")) {
    write_file_atomically(options.get<std::string>("out"), verdicts);
  } else {
    std::cout << verdicts;
  }
  return 0;
}

}  // namespace temper
