// An evaluation context over a tiny real model, with pairs and items from memory and a generator by script.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "byte_tokenizer.h"
#include "silent_progress.h"
#include "support.h"
#include "temper/evaluator.h"

namespace temper::test {

/// One of some answers, by the request's seed; "" is one that never ended.
class DrawnAnswers final : public Generator {
 public:
  std::vector<std::string> choices = {"a", "bb", "ccc", "dd", ""};
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    temperature = params.temperature;
    std::vector<Completion> out;
    for (const auto& request : requests) {
      Completion completion;
      completion.text = choices[Rng(request.seed).below(choices.size())];
      completion.finished = !completion.text.empty();
      completion.stopped_by = completion.finished ? "eos" : "length";
      if (!completion.finished) completion.text = "xxxxxxxx";
      for (const char c : completion.text) completion.ids.push_back(static_cast<unsigned char>(c));
      out.push_back(std::move(completion));
    }
    return out;
  }
  double temperature = -1;
};

class TestEvalContext final : public EvalContext {
 public:
  gpt::Gpt own = tiny_gpt();
  std::map<std::string, gpt::Gpt*> others;
  std::map<std::string, StateDict> extras;
  std::vector<PreferencePair> pairs;
  std::vector<EvalItem> rows;
  DrawnAnswers answers;
  Scorer* scores = nullptr;
  std::string template_ = "plain";

  std::uint64_t seed() const override { return 5; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }
  Architecture& model() override { return own; }
  const Tokenizer& tokenizer() const override { return bytes_; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { return answers; }
  Scorer& scorer() override {
    if (scores == nullptr) throw PluginError("not used");
    return *scores;
  }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<Document> training_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return pairs; }
  Architecture& frozen_model(const std::string& stage) override {
    if (stage.empty()) return own;
    return *others.at(stage);
  }
  StateDict kept(const std::string& stage) override { return extras[stage]; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return silent_; }
  bool cancelled() const override { return false; }

 private:
  ByteTokenizer bytes_{259, {257}, 256, 258};
  SilentProgress silent_;
};

inline const MetricValue& metric(const EvalResult& result, const std::string& name) {
  for (const auto& value : result.metrics) {
    if (value.spec.name == name) return value;
  }
  throw PluginError("no metric " + name);
}

inline std::vector<double> column(const EvalResult& result, const std::string& name) {
  std::vector<double> values;
  for (std::size_t i = 0; i < result.score_names.size(); ++i) {
    if (result.score_names[i] != name) continue;
    for (const auto& row : result.examples) values.push_back(row.scores.at(i));
  }
  if (values.empty()) throw PluginError("no column " + name);
  return values;
}

}  // namespace temper::test
