// What a stage sees while it runs: its model, data, training loop, generator, scorer and metrics, backed by the run's
// record and checkpoint folder. One instance a stage; destroyed before the next stage starts.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/dist/single_process.h"
#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/infer/shared_inference.h"
#include "host/plugin/registry.h"
#include "host/record/run_record.h"
#include "host/run/assets.h"
#include "host/run/run_paths.h"
#include "host/train/checkpoint.h"
#include "host/train/loop.h"
#include "temper/context.h"

namespace temper {

/// What a stage is run with; references outlive the context.
struct StageEnvironment {
  const Experiment& experiment;
  const StageConfig& slot;
  const Registry& registry;
  const RunPaths& paths;
  /// Where the stage keeps its own checkpoints: in the run's folder, or in an entry of the stage cache.
  std::filesystem::path folder;
  /// Called when the record is on disk, before a checkpoint is: what keeps the log beside the checkpoints.
  std::function<void()> before_checkpoint;
  const std::string& run_id;
  RunRecord& record;
  RunAssets& assets;
  TerminalProgress& progress;
  c10::Device device = c10::kCPU;
  ParallelEngine* ranks = nullptr;  ///< of a run in many processes; null for one alone
  std::filesystem::path profile;    ///< folder for traces of training steps; "": none
  std::int64_t until = 0;           ///< the stage is paused after this step; 0: never
};

class RunStageContext final : public StageContext, private MetricSink {
 public:
  /// Makes or loads the model: the newest resumable checkpoint, else the parent's final one, else fresh weights.
  explicit RunStageContext(const StageEnvironment& environment);

  const std::string& stage_name() const override { return env_.slot.name; }
  std::uint64_t seed() const override { return seed_; }
  c10::Device device() const override { return env_.device; }
  Architecture& model() override { return *model_; }
  const Tokenizer& tokenizer() const override { return env_.assets.tokenizer(); }
  Architecture& frozen_model(const std::string& stage) override;
  std::unique_ptr<Architecture> trainable_copy(const std::string& stage) override;
  void with_reference(const std::function<void(Architecture&)>& use) override;
  const Objective& objective(const std::string& slot) override;
  std::unique_ptr<BatchSource> document_batches(const std::vector<std::string>& datasets, const Objective& objective,
                                                const TrainParams& params, bool validation) override;
  std::unique_ptr<BatchSource> example_batches(std::vector<Example> examples, const TrainParams& params,
                                               const std::string& name) override;
  std::vector<InstructionRow> instructions(const std::vector<std::string>& datasets, bool validation) override;
  std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, bool validation) override;
  Optimizer& optimizer(const TrainParams& params, const std::vector<NamedParameter>& extra) override;
  const StateDict* resume_state() const override { return resume_ ? &*resume_ : nullptr; }
  void checkpoint(const StateDict& state, const FitTotals& totals) override;
  void set_totals(const FitTotals& totals) override { report_.totals = totals; }
  const FitTotals& totals() const override { return report_.totals; }
  FitStatus fit(const FitPlan& plan) override;
  Generator& generator() override { return generator_; }
  Scorer& scorer() override { return scorer_; }
  MetricSink& metrics() override { return *this; }
  Progress& progress() override { return env_.progress; }
  Communicator& communicator() override {
    if (env_.ranks != nullptr) return *env_.ranks;
    return alone_;
  }
  bool cancelled() const override;
  const std::string& prompt_template() const override { return prompt_template_; }
  void set_prompt_template(const std::string& name) override { prompt_template_ = name; }
  void note(const std::string& text) override;
  void keep(const StateDict& extras) override;
  StateDict kept(const std::string& stage) override;
  void samples(std::int64_t step, const std::vector<std::string>& score_names, const std::vector<SampleRow>& rows) override;
  void sentinel(const Sentinel& sentinel) override;

  /// Of the last fit(); what the runner writes into the record.
  const FitReport& report() const { return report_; }
  /// Saves the finished stage and returns the weights' sha256.
  std::string save_final(const std::string& status);

 private:
  void declare(const MetricSpec& spec) override;
  void log(const std::string& name, std::int64_t step, double value) override;
  CheckpointManifest manifest(const std::string& status, const FitTotals& totals) const;
  void make_model();
  bool leads() { return communicator().rank() == 0; }
  std::filesystem::path starting_checkpoint() const;  ///< "" if the stage starts from fresh weights
  Architecture& frozen_at(const std::filesystem::path& folder);

  StageEnvironment env_;
  std::uint64_t seed_;
  std::unique_ptr<Architecture> model_;
  std::optional<StateDict> resume_;
  std::int64_t resumed_step_ = 0;
  std::int64_t logged_step_ = 0;  ///< the last one
  std::string prompt_template_;
  std::map<std::string, std::unique_ptr<Architecture>> frozen_;  ///< by folder
  std::map<std::string, std::unique_ptr<Objective>> objectives_;
  FitReport report_;
  StateDict extras_;
  std::unique_ptr<ModelOptimizer> optimizer_;
  bool weights_changed_ = false;  ///< model() may no longer be what the stage began with
  SingleProcess alone_;
  BatchGenerator local_generator_;
  BatchScorer local_scorer_;
  // All ranks run the stage's code, so they all come to each call.
  SharedGenerator generator_{local_generator_, communicator()};
  SharedScorer scorer_{local_scorer_, communicator()};
};

}  // namespace temper
