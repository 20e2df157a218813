// A stage context over a tiny real model: pairs from memory, the host's own training loop, a reference that is the model
// itself until it has changed and a copy of its beginning from then on.
#pragma once

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "byte_tokenizer.h"
#include "host/dist/single_process.h"
#include "host/train/loop.h"
#include "host/train/optimizer.h"
#include "silent_progress.h"
#include "support.h"
#include "temper/stage.h"

namespace temper::test {

class TestContext final : public StageContext, private MetricSink {
 public:
  explicit TestContext(double dropout = 0) : own(tiny_gpt(dropout)), beginning(tiny_gpt()) {
    for (auto& parameter : beginning.parameters()) parameter.tensor.set_requires_grad(false);
  }

  gpt::Gpt own, beginning;
  ByteTokenizer bytes{259, {257}, 256, 258};
  std::vector<PreferencePair> train_pairs = letter_pairs(24, 1), held_out = letter_pairs(8, 2);
  std::vector<InstructionRow> rows;
  std::map<std::string, StateDict> extras;
  std::map<std::string, Sentinel> sentinels;
  std::map<std::string, std::map<std::int64_t, double>> logs;
  std::map<std::string, MetricSpec> specs;
  std::vector<std::string> notes;
  std::vector<SampleRow> shown;
  Generator* answers = nullptr;
  std::optional<StateDict> saved;  ///< the last checkpoint's state
  std::vector<at::Tensor> saved_weights;
  std::int64_t stop_after = -1;  ///< cancelled once this many steps have been seen
  std::int64_t seen = 0;
  int reference_reads = 0;
  bool changed = false;
  std::string template_;

  /// Goes on from `other`'s last checkpoint, as after a stop.
  void resume_from(const TestContext& other) {
    const at::NoGradGuard guard;
    auto parameters = own.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].tensor.copy_(other.saved_weights[i]);
    resume_ = other.saved;
    changed = true;
  }

  const std::string& stage_name() const override { return name_; }
  std::uint64_t seed() const override { return 11; }
  c10::Device device() const override { return c10::Device(c10::kCPU); }
  Architecture& model() override { return own; }
  const Tokenizer& tokenizer() const override { return bytes; }
  Architecture& frozen_model(const std::string&) override { return beginning; }
  std::unique_ptr<Architecture> trainable_copy(const std::string&) override { throw PluginError("not used"); }
  void with_reference(const std::function<void(Architecture&)>& use) override {
    ++reference_reads;
    if (changed) return use(beginning);
    use(own);
  }
  const Objective& objective(const std::string&) override { throw PluginError("not used"); }
  std::unique_ptr<BatchSource> document_batches(const std::vector<std::string>&, const Objective&, const TrainParams&,
                                                bool) override {
    throw PluginError("not used");
  }
  std::unique_ptr<BatchSource> example_batches(std::vector<Example>, const TrainParams&, const std::string&) override {
    throw PluginError("not used");
  }
  std::vector<InstructionRow> instructions(const std::vector<std::string>&, bool) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, bool validation) override {
    return validation ? held_out : train_pairs;
  }
  Optimizer& optimizer(const TrainParams& params, const std::vector<NamedParameter>& extra) override {
    optimizer_ = std::make_unique<ModelOptimizer>(own, params, extra, seed());
    changed = true;
    return *optimizer_;
  }
  const StateDict* resume_state() const override { return resume_ ? &*resume_ : nullptr; }
  void checkpoint(const StateDict& state, const FitTotals& totals) override {
    saved.emplace();
    for (const auto& [name, tensor] : state.tensors) saved->tensors[name] = tensor.detach().clone();
    saved->texts = state.texts;
    saved_weights = weights_of(own);
    seen = totals.steps;
  }
  void set_totals(const FitTotals& totals) override { totals_ = totals; }
  const FitTotals& totals() const override { return totals_; }
  FitStatus fit(const FitPlan& plan) override {
    changed = true;
    FitHooks hooks;
    hooks.stage = name_;
    hooks.seed = seed();
    hooks.resume = std::move(resume_);
    hooks.log = [&](const std::string& metric, std::int64_t step, double value) {
      seen = std::max(seen, step);
      // The loop's own metrics are the host's to declare.
      logs[metric][step] = value;
    };
    hooks.cancelled = [&] { return cancelled(); };
    hooks.save = [&](const StateDict& state, const FitTotals& totals) { checkpoint(state, totals); };
    hooks.progress = &silent_;
    const FitReport report = run_fit(own, plan, std::move(hooks));
    for (const auto& [name, values] : logs) CHECK((specs.contains(name) || loop_metric(name)));
    totals_ = report.totals;
    return report.status;
  }
  Generator& generator() override {
    if (answers == nullptr) throw PluginError("not used");
    return *answers;
  }
  Scorer& scorer() override { throw PluginError("not used"); }
  MetricSink& metrics() override { return *this; }
  Progress& progress() override { return silent_; }
  Communicator& communicator() override { return alone_; }
  bool cancelled() const override { return stop_after >= 0 && seen >= stop_after; }
  const std::string& prompt_template() const override { return template_; }
  void set_prompt_template(const std::string& name) override { template_ = name; }
  void note(const std::string& text) override { notes.push_back(text); }
  void keep(const StateDict& state) override { extras[""] = state; }
  StateDict kept(const std::string& stage) override { return extras[stage]; }
  void samples(std::int64_t, const std::vector<std::string>&, const std::vector<SampleRow>& some) override {
    shown.insert(shown.end(), some.begin(), some.end());
  }
  void sentinel(const Sentinel& sentinel) override {
    sentinels[sentinel.name] = sentinel;
    if (!sentinel.passed) throw PluginError(sentinel.name + ": " + sentinel.evidence);
  }

  void declare(const MetricSpec& spec) override { specs[spec.name] = spec; }
  void log(const std::string& name, std::int64_t step, double value) override {
    CHECK(specs.contains(name));
    logs[name][step] = value;
  }

 private:
  static bool loop_metric(const std::string& name) {
    for (const auto& spec : fit_metrics("")) {
      if (spec.name == name) return true;
    }
    return false;
  }

  std::string name_ = "tested";
  FitTotals totals_;
  SilentProgress silent_;
  std::optional<StateDict> resume_;
  std::unique_ptr<ModelOptimizer> optimizer_;
  SingleProcess alone_;
};

inline double last_of(const TestContext& context, const std::string& metric) {
  return context.logs.at(metric).rbegin()->second;
}

}  // namespace temper::test
