// A context whose scorer and generator answer by rules that a test states, and a folder for data and task files.
#pragma once

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "byte_tokenizer.h"
#include "catch.h"
#include "in_context.h"
#include "silent_progress.h"

namespace temper::test {

class Files {
 public:
  Files() : folder_(std::filesystem::temp_directory_path() / ("temper_in_context_" + std::to_string(::getpid()))) {
    std::filesystem::create_directories(folder_);
  }
  ~Files() { std::filesystem::remove_all(folder_); }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
    return (folder_ / name).string();
  }
  const std::filesystem::path& folder() const { return folder_; }

 private:
  std::filesystem::path folder_;
};

/// Only what evaluators look at: a decoder.
class NoModel final : public Architecture {
 public:
  ArchitectureTraits traits() const override { return {false, 256, 8, 0}; }
  at::Tensor hidden(const ModelInput&) override { throw PluginError("not used"); }
  at::Tensor head() override { throw PluginError("not used"); }
  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 1; }
};

class RuleScorer final : public Scorer {
 public:
  /// From context and continuation, both as text, to the continuation's log-likelihood.
  std::function<double(const std::string&, const std::string&)> rule = [](const auto&, const auto&) { return -1.0; };
  std::vector<ScoreRequest> seen;
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Score> scores;
    for (const auto& request : requests) {
      seen.push_back(request);
      const double sum = rule(ByteTokenizer().decode(request.context_ids), ByteTokenizer().decode(request.continuation_ids));
      const auto n = static_cast<double>(request.continuation_ids.size());
      scores.push_back({std::vector<float>(request.continuation_ids.size(), static_cast<float>(sum / n)), sum, sum > -0.5});
    }
    return scores;
  }
};

class RuleGenerator final : public Generator {
 public:
  std::function<std::string(const std::string&)> rule = [](const auto&) { return ""; };
  SamplingParams sampling;
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    sampling = params;
    std::vector<Completion> out;
    for (const auto& request : requests) {
      Completion completion;
      completion.text = rule(ByteTokenizer().decode(request.prompt_ids));
      completion.finished = true;
      out.push_back(std::move(completion));
    }
    return out;
  }
};

class RuleContext final : public EvalContext {
 public:
  RuleScorer rule_scorer;
  RuleGenerator rule_generator;
  std::vector<EvalItem> rows;
  std::uint64_t chosen_seed = 7;
  std::string prompting = "instruction";

  std::uint64_t seed() const override { return chosen_seed; }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  Architecture& model() override { return model_; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const std::string& prompt_template() const override { return prompting; }
  Generator& generator() override { return rule_generator; }
  Scorer& scorer() override { return rule_scorer; }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<Document> training_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return {}; }
  Architecture& frozen_model(const std::string&) override { throw PluginError("not used"); }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("not used"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return false; }

 private:
  NoModel model_;
  ByteTokenizer tokenizer_{258, {257}, 256, 256};
  SilentProgress progress_;
};

inline const MetricValue& metric(const EvalResult& result, const std::string& name) {
  for (const auto& one : result.metrics) {
    if (one.spec.name == name) return one;
  }
  throw PluginError("no metric " + name);
}

inline std::vector<double> column(const EvalResult& result, const std::string& name) {
  std::vector<double> values;
  for (std::size_t i = 0; i < result.score_names.size(); ++i) {
    if (result.score_names[i] != name) continue;
    for (const auto& row : result.examples) values.push_back(row.scores.at(i));
  }
  return values;
}

inline in_context::Params of_task(const std::string& file) {
  in_context::Params params;
  params.tasks = {file};
  return params;
}

inline EvalResult evaluate(const in_context::Params& params, EvalContext& context) {
  return in_context::InContext(params, "", TEMPER_TASKS).evaluate(context);
}

/// The message of what `body` throws as `Error`.
template <class Error, class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace temper::test
