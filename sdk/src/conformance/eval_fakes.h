// A context for evaluators: the lookup model and byte tokenizer of fakes.h, a generator whose answers depend on the
// request's seed alone, a scorer that really scores, and a handful of made-up documents and items.
#pragma once

#include "fakes.h"
#include "temper/context.h"

namespace temper::conformance {

class FakeGenerator final : public Generator {
 public:
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override;
};

class FakeScorer final : public Scorer {
 public:
  explicit FakeScorer(LookupModel& model) : model_(model) {}
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override;

 private:
  LookupModel& model_;
};

class SilentProgress final : public Progress {
 public:
  void begin(const std::string&, std::int64_t) override {}
  void update(std::int64_t, const std::string&) override {}
  void end() override {}
};

class FakeEvalContext final : public EvalContext {
 public:
  explicit FakeEvalContext(std::uint64_t seed, bool empty = false) : lookup(false, 5), seed_(seed), empty_(empty) {}
  std::uint64_t seed() const override { return seed_; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }
  Architecture& model() override { return lookup; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { return generator_; }
  Scorer& scorer() override { return scorer_; }
  std::vector<Document> validation_documents(const std::vector<std::string>& datasets, std::int64_t limit) override;
  /// The same documents: a plugin must not need to know which part it reads.
  std::vector<Document> training_documents(const std::vector<std::string>& datasets, std::int64_t limit) override {
    return validation_documents(datasets, limit);
  }
  std::vector<EvalItem> items(const std::vector<std::string>& datasets, std::int64_t limit) override;
  std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, std::int64_t limit) override;
  Architecture& frozen_model(const std::string&) override { return lookup; }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return false; }

  LookupModel lookup;

 private:
  std::uint64_t seed_;
  bool empty_;
  std::string template_ = "instruction";
  ByteTokenizer tokenizer_;
  FakeGenerator generator_;
  FakeScorer scorer_{lookup};
  SilentProgress progress_;
};

}  // namespace temper::conformance
