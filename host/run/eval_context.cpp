// Evaluator context (see eval_context.h).
#include "host/run/eval_context.h"

#include "host/run/followers.h"
#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "temper/random.h"

namespace temper {

RunEvalContext::RunEvalContext(const std::string& name, const std::string& stage, std::uint64_t run_seed,
                               Architecture& model, const std::string& prompt_template, RunAssets& assets,
                               TerminalProgress& progress, Models models)
    : models_(std::move(models)),
      name_(name),
      stage_(stage),
      seed_(derive_seed(run_seed, {"evaluator", name})),
      model_(model),
      prompt_template_(template_or_default(prompt_template)),
      assets_(assets),
      progress_(stage, progress),
      local_generator_(model, assets.tokenizer(), {64, cancel_requested, {}}),
      local_scorer_(model, assets.tokenizer(), cancel_requested),
      shared_generator_(local_generator_, communicator(),
                        [this](const auto& requests, const SamplingParams& params) {
                          tell_generate(models_.group, to_order(requests, params));
                        }),
      shared_scorer_(local_scorer_, communicator(),
                     [this](const auto& requests) { tell_score(models_.group, to_order(requests)); }),
      answers_(models_.paths.cache / "answers", models_.answers_identity),
      lender_(models_.registry, models_.base_dir, models_.device, lent_together()) {}

/// In Evaluator::help, which only another rank runs, a lent model is this process's own.
std::optional<LentTogether> RunEvalContext::lent_together() {
  if (models_.group == nullptr || models_.group->rank() != 0) return {};
  return LentTogether{*models_.group,
                      [this](const std::string& reference, const std::string& what, const std::string& order) {
                        tell_lent(models_.group, reference, what, order);
                      }};
}

std::vector<Document> RunEvalContext::validation_documents(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.documents(datasets, true, limit);
}

std::vector<Document> RunEvalContext::training_documents(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.documents(datasets, false, limit);
}

std::vector<EvalItem> RunEvalContext::items(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.items(datasets, limit);
}

std::vector<PreferencePair> RunEvalContext::preferences(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.test_preferences(datasets, limit);
}

std::filesystem::path RunEvalContext::checkpoint_of(const std::string& stage) const {
  const std::string& name = stage.empty() ? stage_ : stage;
  const auto folder = models_.paths.final_checkpoint(name);
  if (std::filesystem::exists(folder)) return folder;
  throw ConfigError("an evaluator after stage '" + stage_ + "' needs stage '" + name +
                    "', which has not run yet; list the stages to evaluate under 'after'");
}

Architecture& RunEvalContext::frozen_model(const std::string& stage) {
  if (stage.empty() || stage == stage_) return model_;
  auto& model = frozen_[stage];
  if (!model) {
    const auto folder = checkpoint_of(stage);
    model = load_architecture(models_.registry, folder, read_manifest(folder), models_.device);
    for (auto& parameter : model->parameters()) parameter.tensor.set_requires_grad(false);
  }
  return *model;
}

StateDict RunEvalContext::kept(const std::string& stage) {
  const auto folder = checkpoint_of(stage);
  return read_extras(folder, read_manifest(folder));
}

bool RunEvalContext::cancelled() const { return cancel_requested(); }

Communicator* RunEvalContext::call_others(const std::string& order) {
  if (models_.group != nullptr && models_.group->rank() == 0) tell_help(models_.group, name_, order);
  return models_.group;
}

}  // namespace temper
