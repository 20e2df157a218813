// Evaluators one by one (see evaluations.h).
#include "host/run/evaluations.h"

#include <algorithm>
#include <memory>

#include "host/plugin/guard.h"
#include "host/run/eval_context.h"
#include "host/run/facts.h"
#include "host/run/followers.h"
#include "host/run/model_store.h"
#include "host/util/files.h"
#include "temper/evaluator.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

bool is_in(const std::vector<std::string>& stages, const std::string& stage) {
  return std::find(stages.begin(), stages.end(), stage) != stages.end();
}

bool take_from_cache(const EvaluatedRun& run, const std::string& stage, const EvaluatorConfig& slot,
                     const std::string& key) {
  const fs::path file = run.cache.eval_file(key);
  if (!fs::exists(file)) return false;
  try {
    run.record.import_eval(file, stage, slot.name);
  } catch (const DataError& error) {
    run.progress.say("evaluator " + slot.name + ": the cached result is damaged (" + error.what() +
                     ") and is computed again");
    fs::remove(file);
    return false;
  }
  run.record.flush();
  run.progress.say(stage + ": " + slot.name + " taken from the cache (" + key.substr(0, 12) + ")");
  return true;
}

/// Everything but the prompt and its decoding that an answer depends on.
std::string answers_identity(const EvaluatedRun& run, const EvaluatorConfig& slot, const CheckpointManifest& manifest) {
  std::string identity = program_version();
  for (const auto& part :
       {manifest.weights_sha256, run.assets.tokenizer_sha256(), run.registry.origin("evaluator", slot.plugin).sha256(),
        run.registry.origin("architecture", manifest.architecture).sha256(),
        run.registry.origin("tokenizer", manifest.tokenizer).sha256()}) {
    identity += "\n" + part;
  }
  // Other devices round in other ways, and greedy choices may turn on that.
  if (!run.device.is_cpu()) identity += "\ndevice " + run.experiment.device;
  return identity;
}

}  // namespace

void evaluate_stage(const EvaluatedRun& run, const std::string& stage, const std::vector<std::string>& finished) {
  std::unique_ptr<Architecture> model;
  CheckpointManifest manifest;
  for (const auto& slot : run.experiment.evaluators) {
    if (!slot.after.empty() && !is_in(slot.after, stage)) continue;
    const bool ready = std::all_of(slot.parents.begin(), slot.parents.end(),
                                   [&](const StageLink& link) { return is_in(finished, link.stage); });
    if (!ready || run.record.has_eval(stage, slot.name)) continue;
    const auto key = run.use_cache ? run.keys.evaluation(stage, slot) : std::nullopt;
    if (key && take_from_cache(run, stage, slot, *key)) continue;
    const std::string base_dir = run.experiment.base_dir.string();
    if (!model) {
      const fs::path folder = run.paths.final_checkpoint(stage);
      manifest = read_manifest(folder);
      model = load_architecture(run.registry, folder, manifest, run.device);
      tell_model(run.group, stage);
    }
    const auto evaluator = run.registry.make<Evaluator>(slot.plugin, slot.values, {base_dir});
    RunEvalContext context(
        slot.name, stage, run.experiment.seed, *model, manifest.prompt_template, run.assets, run.progress,
        {run.registry, run.paths, base_dir, answers_identity(run, slot, manifest), run.device, run.group});
    const EvalResult result = guarded(slot.plugin, "evaluate", [&] { return evaluator->evaluate(context); });
    run.progress.end();
    run.record.write_eval(stage, slot.name, result);
    run.record.flush();
    if (!key) continue;
    create_folders(run.cache.eval_file(*key).parent_path());
    run.record.export_eval(stage, slot.name, run.cache.eval_file(*key));
  }
}

}  // namespace temper
