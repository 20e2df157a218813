// A folder of its own for each test, and a registry of plugins that are never made: planning only reads what they declare.
#pragma once

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "catch.h"
#include "folder.h"
#include "host/plugin/registry.h"
#include "host/sweep/plan.h"
#include "temper/error.h"

namespace sweep_test {

using temper::test::Folder;
using namespace temper;
namespace fs = std::filesystem;

inline ParamSpec spec(std::string name, ParamType type, ParamValue value) {
  ParamSpec made;
  made.name = std::move(name);
  made.type = type;
  made.default_value = std::move(value);
  made.doc = "Of a test.";
  return made;
}

inline const Registry& registry() {
  static const auto made = [] {
    auto all = std::make_unique<Registry>();
    auto info = std::make_shared<PluginInfo>();
    info->id = "fake";
    info->path = "/proc/self/exe";
    const auto add = [&](const std::string& kind, const std::string& id, std::vector<ParamSpec> specs) {
      all->add(Registration{kind, id, "Plugin of a test.", std::move(specs), nullptr}, info);
    };
    const auto data = spec("data", ParamType::kDatasets, std::vector<std::string>{});
    const auto rate = spec("learning_rate", ParamType::kFloat, 1e-3);
    const auto steps = spec("steps", ParamType::kInt, std::int64_t{100});
    add("architecture", "gpt",
        {spec("d_model", ParamType::kInt, std::int64_t{32}), spec("dropout", ParamType::kFloat, 0.0),
         spec("tie", ParamType::kBool, true), spec("label", ParamType::kText, std::string())});
    add("tokenizer", "bytes", {});
    add("dataset", "text", {spec("path", ParamType::kText, std::string())});
    add("stage", "pretrain", {data, steps, rate});
    add("stage", "sft", {spec("from", ParamType::kStage, std::string()), data, steps, rate});
    all->freeze();
    return all;
  }();
  return *made;
}

inline const std::string kExperiment =
    "experiment: small\n"
    "seed: 7\n"
    "model: {plugin: gpt}\n"
    "tokenizer: {plugin: bytes}\n"
    "datasets:\n"
    "  words: {plugin: text, path: words.txt}\n"
    "stages:\n"
    "  pretrain: {data: [words]}\n"
    "  sft: {from: pretrain, data: [words]}\n";

/// The plan of the experiment above for the axes given as on the command line.
inline SweepPlan plan_of(const std::vector<std::string>& vary, const std::string& seeds = "",
                         const std::string& section = "") {
  const Folder folder;
  SweepRequest request;
  request.experiment = folder.write("small.yaml", kExperiment + section);
  for (const auto& text : vary) request.spec.axes.push_back(parse_axis(text));
  if (!seeds.empty()) request.spec.seeds = parse_seeds(seeds, "--seeds");
  return plan_sweep(request, registry());
}

inline std::vector<std::string> ids_of(const SweepPlan& plan) {
  std::vector<std::string> ids;
  for (const auto& run : plan.runs) ids.push_back(run.run_id);
  return ids;
}

template <class Function>
std::string config_error(Function function) {
  try {
    function();
  } catch (const ConfigError& error) {
    return error.what();
  } catch (const std::exception& error) {
    return std::string("another type of error: ") + typeid(error).name() + " " + error.what();
  }
  return "no error";
}

}  // namespace sweep_test
