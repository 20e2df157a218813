// A catalog of small plugins that cover every parameter type, and helpers to resolve text and read error messages.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <typeinfo>
#include <utility>
#include <vector>

#include "catch.h"
#include "folder.h"
#include "host/config/experiment.h"
#include "temper/error.h"

namespace config_test {

using temper::test::Folder;
using namespace temper;

class FakeCatalog final : public PluginCatalog {
 public:
  FakeCatalog();
  const Registration* lookup(std::string_view kind, std::string_view id) const override {
    const auto found = plugins_.find({std::string(kind), std::string(id)});
    return found == plugins_.end() ? nullptr : &found->second;
  }
  std::vector<std::string> ids(std::string_view kind) const override {
    std::vector<std::string> names;
    for (const auto& [key, plugin] : plugins_) {
      if (key.first == kind) names.push_back(key.second);
    }
    return names;
  }

 private:
  void add(const std::string& kind, const std::string& id, std::vector<ParamSpec> specs) {
    plugins_[{kind, id}] = Registration{kind, id, "Plugin " + id + " of a test.", std::move(specs), nullptr};
  }
  std::map<std::pair<std::string, std::string>, Registration> plugins_;
};

inline ParamSpec spec(std::string name, ParamType type, ParamValue value, std::string doc) {
  ParamSpec made;
  made.name = std::move(name);
  made.type = type;
  made.default_value = std::move(value);
  made.doc = std::move(doc);
  return made;
}

inline ParamSpec ranged(ParamSpec made, std::optional<double> min, std::optional<double> max) {
  made.min = min;
  made.max = max;
  return made;
}

inline ParamSpec required(ParamSpec made) {
  made.required = true;
  return made;
}

inline ParamSpec slot(std::string name, std::string kind, std::string fallback) {
  ParamSpec made = spec(std::move(name), ParamType::kPlugin, std::move(fallback), "A nested plugin.");
  made.refers_to = std::move(kind);
  return made;
}

inline FakeCatalog::FakeCatalog() {
  const std::vector<std::string> none;
  const auto whole = [](std::int64_t value) { return ParamValue(value); };
  const auto text = [](const char* value) { return ParamValue(std::string(value)); };
  auto width = ranged(spec("d_model", ParamType::kInt, whole(256), "Width of the residual stream."), 8, 16384);
  width.unit = "channels";
  auto norm = spec("norm", ParamType::kText, text("rmsnorm"), "Normalisation layer.");
  norm.choices = {"rmsnorm", "layernorm"};
  add("architecture", "gpt",
      {width, ranged(spec("dropout", ParamType::kFloat, 0.0, "Probability of dropping an activation."), 0, 1), norm,
       spec("tie", ParamType::kBool, true, "Whether head and embedding share weights."),
       spec("scale", ParamType::kFloat, 1e-3, "Any finite number."), spec("label", ParamType::kText, text(""), "Any text."),
       spec("big", ParamType::kInt, whole(0), "Any whole number.")});
  plugins_[{"architecture", "gpt"}].check_rules = [](const ParamValues& values) {
    if (values.as<std::int64_t>("d_model") % 8 != 0) throw ConfigError("d_model must be a multiple of 8");
  };
  add("architecture", "llama", {width, spec("kv_heads", ParamType::kInt, whole(2), "Key and value heads.")});
  add("tokenizer", "sentencepiece",
      {ranged(spec("vocab_size", ParamType::kInt, whole(2048), "Number of tokens."), 256, std::nullopt),
       spec("data", ParamType::kDatasets, none, "Datasets to train on.")});
  add("tokenizer", "bytes", {});
  add("dataset", "text",
      {required(spec("path", ParamType::kText, text(""), "Where the text lies.")),
       spec("suffixes", ParamType::kTextList, std::vector<std::string>{".txt"}, "File endings to read.")});
  add("dataset", "townsfolk", {});
  add("dataset", "mix", {required(spec("parts", ParamType::kDatasets, none, "Datasets to mix."))});
  add("objective", "causal_lm", {});
  add("objective", "span_corruption",
      {ranged(spec("noise", ParamType::kFloat, 0.15, "Share of tokens that are masked."), 0, 1)});
  add("objective", "wrapped", {slot("inner", "objective", "span_corruption")});
  const auto data = required(spec("data", ParamType::kDatasets, none, "Datasets to train on."));
  const auto steps = ranged(spec("steps", ParamType::kInt, whole(1000), "Number of updates."), 0, std::nullopt);
  const auto rate = ranged(spec("learning_rate", ParamType::kFloat, 3e-4, "Peak of the schedule."), 0, 10);
  const auto from = spec("from", ParamType::kStage, text(""), "The stage to start from.");
  add("stage", "pretrain", {data, slot("objective", "objective", "causal_lm"), slot("extra", "objective", ""), steps, rate});
  add("stage", "sft", {from, data, steps, rate});
  add("stage", "ppo",
      {required(from), required(spec("reward", ParamType::kStage, text(""), "The reward model's stage.")),
       spec("kl_coef", ParamType::kFloat, 0.1, "Weight of the KL term.")});
  add("evaluator", "perplexity",
      {data, ranged(spec("limit", ParamType::kInt, whole(0), "Number of documents; 0 for all."), 0, std::nullopt)});
  add("evaluator", "instruction_following", {data});
}

inline const FakeCatalog& catalog() {
  static const FakeCatalog made;
  return made;
}

/// A small valid experiment, line by line (the tests refer to its line numbers).
inline const std::string kBase =
    "model: {plugin: gpt, d_model: 128}\n"                 // 1
    "tokenizer: {plugin: sentencepiece, data: [plays]}\n"  // 2
    "datasets:\n"                                          // 3
    "  plays: {plugin: text, path: plays.txt}\n"           // 4
    "  townsfolk:\n"                                       // 5
    "stages:\n"                                            // 6
    "  pretrain: {data: [plays], steps: 300}\n"            // 7
    "  sft: {from: pretrain, data: townsfolk}\n"           // 8
    "evaluators:\n"                                        // 9
    "  perplexity: {data: [plays]}\n";                     // 10

inline Experiment parse(const std::string& text, std::vector<std::string> sets = {}, const std::string& file = "x.yaml") {
  Overrides overrides;
  overrides.sets = std::move(sets);
  return parse_experiment(text, file, overrides, catalog());
}

/// `kBase` with one piece of its text replaced.
inline std::string edited(const std::string& from, const std::string& to) {
  std::string text = kBase;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

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

inline std::string config_error(const std::string& text, const std::vector<std::string>& sets = {}) {
  return error_from<ConfigError>([&] { parse(text, sets); });
}

inline const ResolvedEntry& entry(const Experiment& experiment, const std::string& key) {
  for (const auto& candidate : experiment.resolved) {
    if (candidate.key == key) return candidate;
  }
  FAIL("no resolved value " + key);
  throw 0;
}

}  // namespace config_test
