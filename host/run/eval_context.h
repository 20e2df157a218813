// What an evaluator sees: the model of one stage, ready to generate and score. Used after every stage of a run.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "host/dist/group.h"
#include "host/dist/single_process.h"
#include "host/infer/answer_cache.h"
#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "host/infer/shared_inference.h"
#include "host/plugin/registry.h"
#include "host/run/assets.h"
#include "host/run/model_lender.h"
#include "host/run/run_paths.h"
#include "host/util/progress.h"
#include "temper/context.h"

namespace temper {

/// Puts the stage's name in front of what an evaluator says it is doing.
class StageProgress final : public Progress {
 public:
  StageProgress(std::string stage, Progress& inner) : stage_(std::move(stage)), inner_(inner) {}
  void begin(const std::string& what, std::int64_t total) override { inner_.begin(stage_ + ": " + what, total); }
  void update(std::int64_t done, const std::string& note) override { inner_.update(done, note); }
  void end() override { inner_.end(); }

 private:
  std::string stage_;
  Progress& inner_;
};

class RunEvalContext final : public EvalContext {
 public:
  /// Where an evaluator finds models of earlier stages.
  struct Models {
    const Registry& registry;
    const RunPaths& paths;
    std::string base_dir;          ///< where relative references to models outside the run start
    std::string answers_identity;  ///< of model, tokenizer and plugins: what answers are kept under (answer_cache.h)
    c10::Device device = c10::kCPU;
    Group* group = nullptr;  ///< of a run in many processes: the other ranks have the model and wait for orders
  };
  /// References have to outlive this. `name` is the evaluator's, for its seed; `stage` is the one evaluated.
  RunEvalContext(const std::string& name, const std::string& stage, std::uint64_t run_seed, Architecture& model,
                 const std::string& prompt_template, RunAssets& assets, TerminalProgress& progress, Models models);

  std::uint64_t seed() const override { return seed_; }
  c10::Device device() const override { return models_.device; }
  Architecture& model() override { return model_; }
  const Tokenizer& tokenizer() const override { return assets_.tokenizer(); }
  const std::string& prompt_template() const override { return prompt_template_; }
  Generator& generator() override { return generator_; }
  Scorer& scorer() override { return scorer_; }
  std::vector<Document> validation_documents(const std::vector<std::string>& datasets, std::int64_t limit) override;
  std::vector<Document> training_documents(const std::vector<std::string>& datasets, std::int64_t limit) override;
  std::vector<EvalItem> items(const std::vector<std::string>& datasets, std::int64_t limit) override;
  std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, std::int64_t limit) override;
  Architecture& frozen_model(const std::string& stage) override;
  StateDict kept(const std::string& stage) override;
  ModelLender& models() override { return lender_; }
  Progress& progress() override { return progress_; }
  bool cancelled() const override;
  Communicator* call_others(const std::string& order) override;

 private:
  Communicator& communicator() {
    if (models_.group != nullptr) return *models_.group;
    return alone_;
  }
  std::optional<LentTogether> lent_together();
  std::filesystem::path checkpoint_of(const std::string& stage) const;

  Models models_;
  std::string name_, stage_;
  std::map<std::string, std::unique_ptr<Architecture>> frozen_;
  std::uint64_t seed_;
  Architecture& model_;
  std::string prompt_template_;
  RunAssets& assets_;
  StageProgress progress_;
  SingleProcess alone_;
  BatchGenerator local_generator_;
  BatchScorer local_scorer_;
  SharedGenerator shared_generator_;
  SharedScorer shared_scorer_;
  AnswerCache answers_;
  CachedGenerator generator_{shared_generator_, answers_};
  CachedScorer scorer_{shared_scorer_, answers_};
  CheckpointLender lender_;
};

}  // namespace temper
