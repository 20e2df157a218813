// Stages in order, evaluators after each (see runner.h).
#include "host/run/runner.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "host/device/device.h"
#include "host/plugin/guard.h"
#include "host/record/run_record.h"
#include "host/run/evaluations.h"
#include "host/run/facts.h"
#include "host/run/followers.h"
#include "host/run/model_store.h"
#include "host/run/record_rows.h"
#include "host/run/run_paths.h"
#include "host/run/stage_cache.h"
#include "host/run/stage_context.h"
#include "host/run/stage_keys.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
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

int ranks_of(const Group* group) { return group == nullptr ? 1 : group->world_size(); }

int local_processes(const Group* group) { return group == nullptr ? 1 : group->ranks().local_size; }

c10::Device device_for(const Experiment& experiment, const Group* group) {
  return open_device(experiment.device, group == nullptr ? 0 : group->ranks().local_rank);
}

/// Everything one run works with; a new run and a resumed one differ only in how this is made.
class Runner {
 public:
  Runner(const Experiment& experiment, const Registry& registry, const RunOptions& options, c10::Device device,
         RunPaths paths, std::unique_ptr<RunRecord> record, TerminalProgress& progress)
      : device_(device),
        experiment_(experiment),
        registry_(registry),
        options_(options),
        paths_(std::move(paths)),
        record_(std::move(record)),
        progress_(progress),
        assets_(experiment, registry, paths_.cache, progress),
        cache_(paths_.cache),
        keys_(experiment, registry, at::get_num_threads(), ranks_of(options.group),
              [this](const std::string& dataset) { return assets_.fingerprint(dataset); }),
        run_id_(record_->attribute("run_id")),
        goes_on_with_other_ranks_(record_->attribute_or("host_ranks", "1") != std::to_string(ranks_of(options.group))) {}

  RunOutcome run() {
    RunOutcome outcome{false, paths_.record, paths_.folder, ""};
    record_->set_status("running");
    record_->flush();
    try {
      begin_together(
          options_.group,
          {experiment_.effective_text, experiment_.path, paths_, run_id_, at::get_num_threads(), options_.profile}, device_,
          experiment_, registry_, [this](const std::string& dataset) { return assets_.fingerprint(dataset); });
      for (const auto& slot : experiment_.stages) {
        if (!is_wanted(slot.name)) continue;
        const StageSummary summary = run_stage(slot);
        if (summary.status == "diverged") {
          record_->set_status("diverged");
          record_->flush();
          tell_end(options_.group);
          outcome.summary = "stage '" + slot.name + "' diverged; the record has its log, later stages were not run";
          return outcome;
        }
        finished_.push_back(slot.name);
        // An evaluator that needs a later stage (a reward model) sees the earlier ones once that is there.
        for (const auto& stage : finished_) {
          if (options_.only.empty() || stage == options_.only) {
            evaluate_stage({experiment_, registry_, paths_, *record_, assets_, cache_, keys_, progress_, device_,
                            options_.use_cache, options_.group},
                           stage, finished_);
          }
        }
      }
      record_->set_data(assets_.data_rows());
      if (const auto* cleaning = assets_.cleaning()) record_->set_ledger(ledger_rows(*cleaning));
      if (!options_.only.empty()) {
        record_->set_reached(options_.only + (options_.until > 0 ? "@" + std::to_string(options_.until) : ""));
      }
      record_->set_status(options_.only.empty() ? "complete" : "partial");
      record_->flush();
      tell_end(options_.group);
    } catch (const Cancelled&) {
      if (options_.until > 0 && !cancel_requested()) {
        // It has come to the step that was asked for, and saved.
        record_->set_reached(options_.only + "@" + std::to_string(options_.until));
        close_with("partial");
        outcome.complete = true;
        return outcome;
      }
      close_with("cancelled");
      // Ranks that wait for orders end too; those in a collective have been told there.
      tell_end(options_.group);
      throw;
    } catch (...) {
      close_with("failed");
      throw;
    }
    outcome.complete = true;
    return outcome;
  }

 private:
  /// With `only`, the stage and all that it builds on.
  bool is_wanted(const std::string& stage) const {
    if (options_.only.empty() || stage == options_.only) return true;
    std::vector<std::string> wanted{options_.only};
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      for (const auto& slot : experiment_.stages) {
        if (slot.name != wanted[i]) continue;
        for (const auto& link : slot.parents) {
          if (link.stage == stage) return true;
          wanted.push_back(link.stage);
        }
      }
    }
    return false;
  }

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
      return finish_stage(slot, manifest, known ? known->cache_key : "");
    }
    if (known && known->status == "diverged") return *known;
    if (known && options_.use_cache) take_over_begun(slot, known->cache_key);
    // A stage that was begun in the run's own folder goes on there.
    const bool is_own = !resumable_checkpoints(paths_.stage_folder(slot.name)).empty();
    return options_.use_cache && !is_own ? cached_stage(slot) : train(slot, paths_.stage_folder(slot.name), {}, "");
  }

  /// A stage that was begun with another number of processes goes on in the run's own folder: its result is of neither
  /// number, so it is not for others.
  void take_over_begun(const StageConfig& slot, const std::string& begun_key) {
    if (!goes_on_with_other_ranks_ || begun_key.empty() || begun_key == keys_.stage(slot.name)) return;
    const auto begun = resumable_checkpoints(cache_.stage_folder(begun_key));
    if (begun.empty()) return;
    const fs::path target = paths_.stage_folder(slot.name) / begun.front().filename();
    if (!fs::exists(target)) share_folder(begun.front(), target);
  }

  /// Takes the stage from the cache, or computes it there under the entry's lock.
  StageSummary cached_stage(const StageConfig& slot) {
    const std::string key = keys_.stage(slot.name);
    const fs::path entry = cache_.stage_folder(key);
    const auto say = [&](const std::string& text) { progress_.say("stage " + slot.name + ": " + text); };
    const EntryLock lock(
        entry, [&](const std::string& owner) { say("waiting for " + owner + ", which computes the same"); },
        cancel_requested);
    if (cache_.has_stage(key)) {
      const std::string fault = cache_.verify_stage(key);
      if (fault.empty()) return take(slot, key);
      say("the cached result is damaged (" + fault + ") and is computed again");
      cache_.remove_stage(key);
    }
    if (fs::exists(entry / "partial.h5")) go_on_with(slot, entry);
    const auto keep_log = [&] { record_->export_stage(slot.name, entry / "partial.h5"); };
    StageSummary summary;
    if (fs::exists(entry / "final")) {
      // Its owner was killed before the entry was complete.
      summary = finish_stage(slot, read_manifest(entry / "final"), key);
    } else {
      summary = train(slot, entry, keep_log, key);
    }
    record_->export_stage(slot.name, entry / "stage.h5");
    CacheEntry facts{key,     "stage", slot.name, slot.plugin,     summary.status, experiment_.name,
                     run_id_, "",      0,         summary.seconds, true,           false};
    facts.steps = summary.steps;
    cache_.complete_stage(facts);
    share_checkpoints(slot, entry);
    return summary;
  }

  /// The finished checkpoint; of a stage that diverged the last good one.
  void share_checkpoints(const StageConfig& slot, const fs::path& entry) const {
    if (fs::exists(entry / "final")) {
      share_folder(entry / "final", paths_.final_checkpoint(slot.name));
      return;
    }
    for (const auto& folder : resumable_checkpoints(entry)) {
      const fs::path target = paths_.stage_folder(slot.name) / folder.filename();
      if (!fs::exists(target)) share_folder(folder, target);
    }
  }

  StageSummary take(const StageConfig& slot, const std::string& key) {
    const fs::path entry = cache_.stage_folder(key);
    record_->import_stage(entry / "stage.h5", slot.name);
    StageSummary summary = *record_->stage(slot.name);
    summary.parents = parents_of(slot);
    summary.checkpoint = fs::exists(entry / "final") ? shown_checkpoint(slot) : "";
    record_->end_stage(slot.name, summary);
    // The record first: a checkpoint must never be ahead of its log.
    record_->flush();
    share_checkpoints(slot, entry);
    progress_.say("stage " + slot.name + ": taken from the cache (" + key.substr(0, 12) + ")");
    return summary;
  }

  /// Another run began this stage and is gone; its log belongs to the checkpoints that are there.
  void go_on_with(const StageConfig& slot, const fs::path& entry) {
    try {
      record_->import_stage(entry / "partial.h5", slot.name);
    } catch (const DataError& error) {
      progress_.say("stage " + slot.name + ": begins anew, the log of the run before is damaged (" + error.what() + ")");
      for (const auto& folder : resumable_checkpoints(entry)) fs::remove_all(folder);
      fs::remove_all(entry / "final");
      fs::remove(entry / "partial.h5");
    }
  }

  static std::vector<std::string> parents_of(const StageConfig& slot) {
    std::vector<std::string> parents;
    for (const auto& link : slot.parents) parents.push_back(link.stage);
    return parents;
  }

  /// As the record says it: relative to the record's folder.
  std::string shown_checkpoint(const SlotConfig& slot) const {
    return fs::relative(paths_.folder, paths_.record.parent_path()).string() + "/" + slot.name + "/final";
  }

  StageSummary train(const StageConfig& slot, const fs::path& folder, std::function<void()> before_checkpoint,
                     const std::string& key) {
    record_->begin_stage(slot.name, {slot.plugin, parents_of(slot), key});
    record_->flush();
    const StageEnvironment environment{experiment_,      slot,
                                       registry_,        paths_,
                                       folder,           std::move(before_checkpoint),
                                       run_id_,          *record_,
                                       assets_,          progress_,
                                       device_,          options_.group,
                                       options_.profile, slot.name == options_.only ? options_.until : 0};
    tell_stage(options_.group, slot.name, folder);
    RunStageContext context(environment);
    const auto stage = registry_.make<Stage>(slot.plugin, slot.values, {});
    const FitStatus status = guarded(slot.plugin, "run", [&] { return stage->run(context); });
    check_equal_weights(options_.group, context.model(), slot.name);
    if (status == FitStatus::kDiverged) {
      StageSummary summary;
      summary.plugin = slot.plugin;
      summary.parents = parents_of(slot);
      summary.status = "diverged";
      summary.cache_key = key;
      fill_totals(summary, context.report().totals);
      record_->end_stage(slot.name, summary);
      record_->flush();
      return summary;
    }
    context.save_final(to_word(status));
    for (const auto& resumable : resumable_checkpoints(folder)) fs::remove_all(resumable);
    return finish_stage(slot, read_manifest(folder / "final"), key);
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

  StageSummary finish_stage(const StageConfig& slot, const CheckpointManifest& manifest, const std::string& key) {
    StageSummary summary;
    summary.plugin = slot.plugin;
    summary.parents = parents_of(slot);
    summary.status = manifest.status;
    summary.checkpoint = shown_checkpoint(slot);
    summary.checkpoint_sha256 = manifest.weights_sha256;
    summary.prompt_template = manifest.prompt_template;
    summary.cache_key = key;
    fill_totals(summary, {manifest.step, manifest.tokens, 0, manifest.seconds, manifest.flops});
    record_->end_stage(slot.name, summary);
    record_->flush();
    return summary;
  }

  c10::Device device_;
  const Experiment& experiment_;
  const Registry& registry_;
  RunOptions options_;
  RunPaths paths_;
  std::unique_ptr<RunRecord> record_;
  TerminalProgress& progress_;
  RunAssets assets_;
  StageCache cache_;
  StageKeys keys_;
  std::string run_id_;
  bool goes_on_with_other_ranks_;
  std::vector<std::string> finished_;  ///< stages, in order
};

}  // namespace

namespace {

RunOutcome new_run(const Experiment& experiment, const Registry& registry, const RunPaths& paths, const std::string& run_id,
                   const RunOptions& options, c10::Device device, TerminalProgress& progress) {
  RecordFacts facts;
  facts.run_id = run_id;
  facts.experiment = experiment.name;
  facts.seed = experiment.seed;
  facts.config_source = experiment.source_text;
  for (const auto& entry : experiment.resolved)
    facts.resolved.push_back({entry.key, entry.value, entry.source, entry.where});
  facts.plugins = plugin_rows(experiment, registry);
  facts.host = host_facts();
  facts.host["threads"] = std::to_string(threads_of(experiment, local_processes(options.group)));
  facts.host["ranks"] = std::to_string(ranks_of(options.group));
  facts.host["identity"] = resolved_hash(experiment);
  if (!options.cache.empty()) facts.host["cache"] = fs::absolute(options.cache).lexically_normal().string();
  // What resume needs: the text with the command line merged in, and where relative paths start.
  write_file_atomically(paths.folder / "experiment.yaml", experiment.effective_text);
  facts.host["experiment_file"] = fs::absolute(experiment.path).lexically_normal().string();
  auto record = RunRecord::create(paths.record, facts);
  progress.say("run " + facts.run_id + " of experiment " + experiment.name);
  return Runner(experiment, registry, options, device, paths, std::move(record), progress).run();
}

/// The one that was asked for, now or (`before`) when the run began.
void use_cache_of(RunPaths& paths, const RunOptions& options, const std::string& before = "") {
  if (!options.cache.empty()) {
    paths.cache = options.cache;
  } else if (!before.empty()) {
    paths.cache = before;
  }
}

}  // namespace

RunOutcome start_run(const Experiment& experiment, const Registry& registry, const fs::path& out, const RunOptions& options,
                     TerminalProgress& progress) {
  const c10::Device device = device_for(experiment, options.group);  // before anything is written
  at::set_num_threads(threads_of(experiment, local_processes(options.group)));
  std::string run_id;
  RunPaths paths = claim_run(out, experiment.name, experiment.seed, resolved_hash(experiment), run_id);
  use_cache_of(paths, options);
  return new_run(experiment, registry, paths, run_id, options, device, progress);
}

RunOutcome run_at(const Experiment& experiment, const Registry& registry, const fs::path& record_path,
                  const RunOptions& options, TerminalProgress& progress) {
  const c10::Device device = device_for(experiment, options.group);  // before anything is written
  if (fs::exists(record_path)) {
    const std::string identity = RunRecord::open(record_path)->attribute("host_identity");
    if (identity != resolved_hash(experiment)) {
      throw ConfigError("record '" + record_path.string() +
                        "' is of another experiment or other values; choose another one");
    }
    return resume_run(record_path, registry, options, progress);
  }
  at::set_num_threads(threads_of(experiment, local_processes(options.group)));
  RunPaths paths = paths_of_record(record_path);
  use_cache_of(paths, options);
  create_folders(paths.folder);
  return new_run(experiment, registry, paths, record_path.stem().string(), options, device, progress);
}

RunOutcome resume_run(const fs::path& record_path, const Registry& registry, const RunOptions& options,
                      TerminalProgress& progress) {
  auto record = RunRecord::open(record_path);
  RunPaths paths = paths_of_record(record_path);
  use_cache_of(paths, options, record->attribute_or("host_cache", ""));
  if (record->attribute("status") == "complete") {
    progress.say("run " + record->attribute("run_id") + " is complete; nothing to do");
    tell_end(options.group);
    return {true, paths.record, paths.folder, ""};
  }
  const fs::path text_file = paths.folder / "experiment.yaml";
  Experiment experiment =
      parse_experiment(read_text_file(text_file), record->attribute("host_experiment_file"), {}, registry);
  const c10::Device device = device_for(experiment, options.group);
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
  const std::string ranks_before = record->attribute_or("host_ranks", "1");
  if (ranks_before != std::to_string(ranks_of(options.group))) {
    progress.say("the run was begun with " + ranks_before + " processes and goes on with " +
                 std::to_string(ranks_of(options.group)) +
                 ": the same data in the same order, sums may differ in their last bits");
  }
  progress.say("resuming run " + record->attribute("run_id"));
  return Runner(experiment, registry, options, device, paths, std::move(record), progress).run();
}

}  // namespace temper
