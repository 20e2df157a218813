// An evaluation context whose model answers by script, and short ways to ask a result.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "byte_tokenizer.h"
#include "catch.h"
#include "silent_progress.h"
#include "temper/evaluator.h"

namespace temper::test {

/// Answers a prompt that contains a key with the key's answer, and all others with nothing, unfinished.
class ScriptedGenerator final : public Generator {
 public:
  std::map<std::string, std::string> answers;
  std::vector<std::uint64_t> seeds;
  SamplingParams sampling;
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    sampling = params;
    std::vector<Completion> out;
    for (const auto& request : requests) {
      seeds.push_back(request.seed);
      const std::string prompt = ByteTokenizer().decode(request.prompt_ids);
      Completion completion;
      for (const auto& [key, answer] : answers) {
        if (prompt.find(key) == std::string::npos) continue;
        completion.text = answer;
        completion.finished = true;
      }
      completion.ids = ByteTokenizer().encode(completion.text);
      out.push_back(std::move(completion));
    }
    return out;
  }
};

class ScriptedContext final : public EvalContext {
 public:
  std::vector<EvalItem> rows;
  ScriptedGenerator scripted;
  bool stop = false;

  /// An item whose prompt is its id, in words that no answer of these tests contains.
  void ask(const std::string& id, const std::string& task, const nlohmann::json& attributes = nullptr,
           const std::string& reference = "", const std::string& answer = "") {
    EvalItem item;
    item.id = id;
    item.task = task;
    item.prompt = {{"user", "<" + id + ">"}};
    item.reference = reference;
    item.attributes_json = attributes.is_null() ? "" : attributes.dump();
    item.source = "items.jsonl:" + std::to_string(rows.size() + 1);
    rows.push_back(std::move(item));
    if (!answer.empty()) scripted.answers["<" + id + ">"] = answer;
  }

  std::uint64_t seed() const override { return 7; }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  Architecture& model() override { throw PluginError("not used"); }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { return scripted; }
  Scorer& scorer() override { throw PluginError("not used"); }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<Document> training_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return {}; }
  Architecture& frozen_model(const std::string&) override { throw PluginError("not used"); }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return stop; }

 private:
  ByteTokenizer tokenizer_{258, {257}, 256, 256};
  std::string template_ = "instruction";
  SilentProgress progress_;
};

inline const MetricValue* find_metric(const EvalResult& result, const std::string& name) {
  for (const auto& metric : result.metrics) {
    if (metric.spec.name == name) return &metric;
  }
  return nullptr;
}

inline const MetricValue& metric(const EvalResult& result, const std::string& name) {
  const MetricValue* found = find_metric(result, name);
  if (found == nullptr) throw PluginError("no metric " + name);
  return *found;
}

/// The column of a score, one value an item.
inline std::vector<double> scores(const EvalResult& result, const std::string& name) {
  std::vector<double> column;
  for (std::size_t i = 0; i < result.score_names.size(); ++i) {
    if (result.score_names[i] != name) continue;
    for (const auto& row : result.examples) column.push_back(row.scores.at(i));
  }
  return column;
}

}  // namespace temper::test
