// Stages in order, evaluators after each (see runner.h).
#include "host/run/runner.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "host/plugin/guard.h"
#include "host/record/run_record.h"
#include "host/run/eval_context.h"
#include "host/run/facts.h"
#include "host/run/model_store.h"
#include "host/run/run_paths.h"
#include "host/run/stage_context.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/evaluator.h"
#include "temper/stage.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

std::string to_word(FitStatus status) {
  switch (status) {
    case FitStatus::kComplete:
      return "complete";
    case FitStatus::kEarlyStop:
      return "early_stop";
    case FitStatus::kDiverged:
      return "diverged";
  }
  return "failed";
}

std::int64_t threads_of(const Experiment& experiment) {
  if (experiment.threads > 0) return experiment.threads;
  return std::max(1U, std::thread::hardware_concurrency());
}

void check_device(const Experiment& experiment) {
  if (experiment.device == "cpu") return;
  throw ConfigError("device = " + experiment.device + ": this version trains on the CPU only; set device: cpu");
}

std::vector<PluginRow> plugin_rows(const Experiment& experiment, const Registry& registry) {
  std::vector<PluginRow> rows;
  const auto add = [&](const std::string& slot, const std::string& kind, const std::string& id) {
    const PluginInfo& info = registry.origin(kind, id);
    rows.push_back({slot, kind, id, info.version, info.sha256(), info.abi_tag});
  };
  if (experiment.models.empty()) add("model", "architecture", experiment.model.plugin);
  for (const auto& slot : experiment.models) add("models." + slot.name, "architecture", slot.plugin);
  add("tokenizer", "tokenizer", experiment.tokenizer.plugin);
  for (const auto& slot : experiment.datasets) add("datasets." + slot.name, "dataset", slot.plugin);
  for (const auto& slot : experiment.stages) {
    if (!slot.checkpoint.empty()) continue;
    add("stages." + slot.name, "stage", slot.plugin);
    for (const auto& spec : registry.find("stage", slot.plugin).specs) {
      if (spec.type == ParamType::kPlugin) {
        add("stages." + slot.name + "." + spec.name, spec.refers_to, slot.values.as<std::string>(spec.name));
      }
    }
  }
  for (const auto& slot : experiment.evaluators) add("evaluators." + slot.name, "evaluator", slot.plugin);
  return rows;
}

/// Everything one run works with; a new run and a resumed one differ only in how this is made.
class Runner {
 public:
  Runner(const Experiment& experiment, const Registry& registry, RunPaths paths, std::unique_ptr<RunRecord> record,
         TerminalProgress& progress)
      : experiment_(experiment),
        registry_(registry),
        paths_(std::move(paths)),
        record_(std::move(record)),
        progress_(progress),
        assets_(experiment, registry, paths_.cache, progress),
        run_id_(record_->attribute("run_id")) {}

  RunOutcome run() {
    RunOutcome outcome{false, paths_.record, paths_.folder, ""};
    record_->set_status("running");
    record_->flush();
    try {
      for (const auto& slot : experiment_.stages) {
        const StageSummary summary = run_stage(slot);
        if (summary.status == "diverged") {
          record_->set_status("diverged");
          record_->flush();
          outcome.summary = "stage '" + slot.name + "' diverged; the record has its log, later stages were not run";
          return outcome;
        }
        finished_.push_back(slot.name);
        // An evaluator that needs a later stage (a reward model) sees the earlier ones once that is there.
        for (const auto& stage : finished_) evaluate(stage);
      }
      record_->set_data(assets_.data_rows());
      record_->set_status("complete");
      record_->flush();
    } catch (const Cancelled&) {
      close_with("cancelled");
      throw;
    } catch (...) {
      close_with("failed");
      throw;
    }
    outcome.complete = true;
    return outcome;
  }

 private:
  void close_with(const std::string& status) noexcept {
    try {
      record_->set_status(status);
      record_->flush();
    } catch (const std::exception& error) {
      progress_.say(std::string("the record could not be updated: ") + error.what());
    }
  }

  StageSummary run_stage(const StageConfig& slot) {
    const auto known = record_->stage(slot.name);
    const fs::path final_folder = paths_.final_checkpoint(slot.name);
    if (!slot.checkpoint.empty()) link_checkpoint(slot, final_folder);
    if (fs::exists(final_folder)) {
      const CheckpointManifest manifest = read_manifest(final_folder);
      if (known && known->status == manifest.status) return *known;
      // Killed between the checkpoint and the record's last flush: the manifest knows the rest.
      return finish_stage(slot, manifest);
    }
    if (known && known->status == "diverged") return *known;
    std::vector<std::string> parents;
    for (const auto& link : slot.parents) parents.push_back(link.stage);
    record_->begin_stage(slot.name, {slot.plugin, parents});
    record_->flush();
    const StageEnvironment environment{experiment_, slot, registry_, paths_, run_id_, *record_, assets_, progress_};
    RunStageContext context(environment);
    const auto stage = registry_.make<Stage>(slot.plugin, slot.values, {});
    const FitStatus status = guarded(slot.plugin, "run", [&] { return stage->run(context); });
    if (status == FitStatus::kDiverged) {
      StageSummary summary;
      summary.plugin = slot.plugin;
      summary.parents = parents;
      summary.status = "diverged";
      fill_totals(summary, context.report().totals);
      record_->end_stage(slot.name, summary);
      return summary;
    }
    context.save_final(to_word(status));
    for (const auto& folder : resumable_checkpoints(paths_.stage_folder(slot.name))) fs::remove_all(folder);
    return finish_stage(slot, read_manifest(final_folder));
  }

  /// A stage that is there already is not copied: its finished checkpoint is a link.
  static void link_checkpoint(const StageConfig& slot, const fs::path& final_folder) {
    if (!fs::exists(fs::symlink_status(final_folder))) {
      create_folders(final_folder.parent_path());
      std::error_code error;
      fs::create_directory_symlink(fs::absolute(slot.checkpoint), final_folder, error);
      if (error) throw DataError("cannot link '" + final_folder.string() + "': " + error.message());
    }
    const std::string sha = read_manifest(final_folder).weights_sha256;
    if (sha == slot.checkpoint_sha256) return;
    throw DataError("the checkpoint of stage '" + slot.name + "', '" + slot.checkpoint +
                    "', has other weights than when the run began; start a new run");
  }

  static void fill_totals(StageSummary& summary, const FitTotals& totals) {
    summary.seconds = totals.seconds;
    summary.flops = totals.flops;
    summary.tokens = totals.target_tokens;
    summary.steps = totals.steps;
  }

  StageSummary finish_stage(const SlotConfig& slot, const CheckpointManifest& manifest) {
    StageSummary summary;
    summary.plugin = slot.plugin;
    for (const auto& link : slot.parents) summary.parents.push_back(link.stage);
    summary.status = manifest.status;
    summary.checkpoint = fs::relative(paths_.final_checkpoint(slot.name), paths_.record.parent_path()).string();
    summary.checkpoint_sha256 = manifest.weights_sha256;
    summary.prompt_template = manifest.prompt_template;
    fill_totals(summary, {manifest.step, manifest.tokens, 0, manifest.seconds, manifest.flops});
    record_->end_stage(slot.name, summary);
    record_->flush();
    return summary;
  }

  /// Whether the stages that an evaluator's parameters name are done.
  bool has_stages_of(const EvaluatorConfig& slot) const {
    return std::all_of(slot.parents.begin(), slot.parents.end(), [&](const StageLink& link) {
      return std::find(finished_.begin(), finished_.end(), link.stage) != finished_.end();
    });
  }

  void evaluate(const std::string& stage) {
    std::unique_ptr<Architecture> model;
    CheckpointManifest manifest;
    for (const auto& slot : experiment_.evaluators) {
      if (!slot.after.empty() && std::find(slot.after.begin(), slot.after.end(), stage) == slot.after.end()) continue;
      if (record_->has_eval(stage, slot.name) || !has_stages_of(slot)) continue;
      if (!model) {
        const fs::path folder = paths_.final_checkpoint(stage);
        manifest = read_manifest(folder);
        model = load_architecture(registry_, folder, manifest);
      }
      const auto evaluator = registry_.make<Evaluator>(slot.plugin, slot.values, {experiment_.base_dir.string()});
      RunEvalContext context(slot.name, stage, experiment_.seed, *model, manifest.prompt_template, assets_, progress_,
                             {registry_, paths_, experiment_.base_dir.string(), answers_identity(slot, manifest)});
      const EvalResult result = guarded(slot.plugin, "evaluate", [&] { return evaluator->evaluate(context); });
      progress_.end();
      record_->write_eval(stage, slot.name, result);
      record_->flush();
    }
  }

  /// Everything but the prompt and its decoding that an answer depends on.
  std::string answers_identity(const EvaluatorConfig& slot, const CheckpointManifest& manifest) {
    std::string identity = program_version();
    for (const auto& part :
         {manifest.weights_sha256, assets_.tokenizer_sha256(), registry_.origin("evaluator", slot.plugin).sha256(),
          registry_.origin("architecture", manifest.architecture).sha256(),
          registry_.origin("tokenizer", manifest.tokenizer).sha256()}) {
      identity += "\n" + part;
    }
    return identity;
  }

  const Experiment& experiment_;
  const Registry& registry_;
  RunPaths paths_;
  std::unique_ptr<RunRecord> record_;
  TerminalProgress& progress_;
  RunAssets assets_;
  std::string run_id_;
  std::vector<std::string> finished_;  ///< stages, in order
};

}  // namespace

RunOutcome start_run(const Experiment& experiment, const Registry& registry, const fs::path& out,
                     TerminalProgress& progress) {
  check_device(experiment);
  at::set_num_threads(static_cast<int>(threads_of(experiment)));
  RecordFacts facts;
  const RunPaths paths = claim_run(out, experiment.name, experiment.seed, resolved_hash(experiment), facts.run_id);
  facts.experiment = experiment.name;
  facts.seed = experiment.seed;
  facts.config_source = experiment.source_text;
  for (const auto& entry : experiment.resolved)
    facts.resolved.push_back({entry.key, entry.value, entry.source, entry.where});
  facts.plugins = plugin_rows(experiment, registry);
  facts.host = host_facts();
  facts.host["threads"] = std::to_string(threads_of(experiment));
  // What resume needs: the text with the command line merged in, and where relative paths start.
  write_file_atomically(paths.folder / "experiment.yaml", experiment.effective_text);
  facts.host["experiment_file"] = fs::absolute(experiment.path).lexically_normal().string();
  auto record = RunRecord::create(paths.record, facts);
  progress.say("run " + facts.run_id + " of experiment " + experiment.name);
  return Runner(experiment, registry, paths, std::move(record), progress).run();
}

RunOutcome resume_run(const fs::path& record_path, const Registry& registry, TerminalProgress& progress) {
  auto record = RunRecord::open(record_path);
  const RunPaths paths = paths_of_record(record_path);
  if (record->attribute("status") == "complete") {
    progress.say("run " + record->attribute("run_id") + " is complete; nothing to do");
    return {true, paths.record, paths.folder, ""};
  }
  const fs::path text_file = paths.folder / "experiment.yaml";
  Experiment experiment =
      parse_experiment(read_text_file(text_file), record->attribute("host_experiment_file"), {}, registry);
  check_device(experiment);
  // Sums of floating-point numbers depend on the number of threads, so the run keeps the one it began with.
  at::set_num_threads(std::max(1, std::atoi(record->attribute("host_threads").c_str())));
  for (const auto& row : plugin_rows(experiment, registry)) {
    for (const auto& before : record->plugins()) {
      if (before.slot == row.slot && before.sha256 != row.sha256) {
        progress.say("plugin '" + row.id + "' of " + row.slot +
                     " was rebuilt since the run began: the rest may differ in its bits");
      }
    }
  }
  progress.say("resuming run " + record->attribute("run_id"));
  return Runner(experiment, registry, paths, std::move(record), progress).run();
}

}  // namespace temper
