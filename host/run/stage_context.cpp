// Stage context (see stage_context.h).
#include "host/run/stage_context.h"

#include <algorithm>

#include "host/data/document_batches.h"
#include "host/data/example_batches.h"
#include "host/data/prefetch.h"
#include "host/run/model_store.h"
#include "host/train/trace.h"
#include "host/util/cancel.h"
#include "temper/random.h"

namespace temper {
namespace fs = std::filesystem;

namespace {

std::unique_ptr<Architecture> fresh_model(const StageEnvironment& env) {
  // One model draws the weights it always drew; of several, each has a seed of its own, whatever the others are.
  const std::uint64_t root = derive_seed(env.experiment.seed, {"weights"});
  const std::uint64_t seed = env.slot.model.empty() ? root : derive_seed(root, {env.slot.model});
  const SlotConfig& model = model_of(env.experiment, env.slot);
  if (!model.checkpoint.empty()) {
    return load_architecture(env.registry, model.checkpoint, read_manifest(model.checkpoint), env.device);
  }
  // Drawn in main memory, so that every device begins with the same bits.
  auto made = env.registry.make<Architecture>(model.plugin, model.values, {env.assets.tokenizer().vocab_size(), seed});
  made->to(env.device);
  return made;
}

}  // namespace

RunStageContext::RunStageContext(const StageEnvironment& environment)
    : env_(environment),
      seed_(derive_seed(environment.experiment.seed, {"stage", environment.slot.name})),
      model_(fresh_model(environment)),
      local_generator_(*model_, environment.assets.tokenizer(), {64, cancel_requested, {}}),
      local_scorer_(*model_, environment.assets.tokenizer(), cancel_requested) {
  make_model();
  // Before anybody goes on and writes a newer checkpoint, everybody has read this one.
  communicator().barrier();
}

fs::path RunStageContext::starting_checkpoint() const {
  if (!env_.slot.parents.empty()) return env_.paths.final_checkpoint(env_.slot.parents.front().stage);
  return model_of(env_.experiment, env_.slot).checkpoint;
}

void RunStageContext::make_model() {
  // The stage trains from its first parent; further parents are frozen models it asks for by name.
  if (const fs::path start = starting_checkpoint(); !start.empty()) {
    const CheckpointManifest manifest = read_manifest(start);
    prompt_template_ = manifest.prompt_template;
    if (!env_.slot.parents.empty()) load_weights(start, manifest, *model_);
  }
  for (const auto& folder : resumable_checkpoints(env_.folder)) {
    try {
      const CheckpointManifest manifest = read_manifest(folder);
      load_weights(folder, manifest, *model_);
      resume_ = read_state(folder, manifest);
      resumed_step_ = logged_step_ = manifest.step;
      weights_changed_ = true;
      env_.progress.say("stage " + env_.slot.name + ": going on from step " + std::to_string(resumed_step_));
      break;
    } catch (const DataError& error) {
      // An older checkpoint may still be whole; the damaged one is named, not hidden.
      note(std::string("skipped a damaged checkpoint: ") + error.what());
    }
  }
  // Rows after the checkpoint come again, bit for bit.
  env_.record.truncate_log(env_.slot.name, resumed_step_);
}

Architecture& RunStageContext::frozen_model(const std::string& stage) {
  return frozen_at(env_.paths.final_checkpoint(stage));
}

Architecture& RunStageContext::frozen_at(const fs::path& folder) {
  auto& model = frozen_[folder.string()];
  if (!model) {
    model = load_architecture(env_.registry, folder, read_manifest(folder), env_.device);
    for (auto& parameter : model->parameters()) parameter.tensor.set_requires_grad(false);
  }
  return *model;
}

std::unique_ptr<Architecture> RunStageContext::trainable_copy(const std::string& stage) {
  const fs::path folder = env_.paths.final_checkpoint(stage);
  return load_architecture(env_.registry, folder, read_manifest(folder), env_.device);
}

void RunStageContext::with_reference(const std::function<void(Architecture&)>& use) {
  if (!weights_changed_) return use(*model_);
  if (optimizer_ && optimizer_->lora() != nullptr) {
    return optimizer_->lora()->with_adapters_off([&] { use(*model_); });
  }
  const fs::path start = starting_checkpoint();
  if (start.empty()) {
    throw ConfigError("stage '" + env_.slot.name +
                      "' compares with the model that it starts from, but starts from fresh weights; set 'from'");
  }
  use(frozen_at(start));
}

const Objective& RunStageContext::objective(const std::string& slot) {
  auto& objective = objectives_[slot];
  if (!objective) {
    const ArchitectureTraits traits = model_->traits();
    objective = env_.registry.make<Objective>(env_.slot.values.as<std::string>(slot), env_.slot.values.sub(slot),
                                              {&env_.assets.tokenizer(), traits.encoder_decoder, traits.prefix_attention});
  }
  return *objective;
}

std::unique_ptr<BatchSource> RunStageContext::document_batches(const std::vector<std::string>& datasets,
                                                               const Objective& objective, const TrainParams& params,
                                                               bool validation) {
  std::vector<std::shared_ptr<const TokenCorpus>> corpora;
  for (const auto& name : datasets) corpora.push_back(env_.assets.corpus(name, validation));
  DocumentBatchOptions options;
  options.batch_size = params.batch_size;
  options.context = params.context;
  options.seed = derive_seed(seed_, {"data"});
  options.pad_id = tokenizer().pad_id();
  options.token_bytes = env_.assets.tokenizer_token_bytes();
  // Validation is shuffled too, by a fixed seed: its first batches should stand for all of the held-out documents.
  options.shuffle = true;
  if (validation) options.seed = derive_seed(0, {"validation"});
  auto batches = std::make_unique<DocumentBatches>(std::move(corpora), objective, options);
  if (validation) return batches;
  return std::make_unique<PrefetchedBatches>(std::move(batches));
}

std::unique_ptr<BatchSource> RunStageContext::example_batches(std::vector<Example> examples, const TrainParams& params,
                                                              const std::string& name) {
  ExampleBatchOptions options;
  options.batch_size = params.batch_size;
  options.context = params.context;
  options.seed = derive_seed(seed_, {"data", name});
  options.pad_id = tokenizer().pad_id();
  options.token_bytes = env_.assets.tokenizer_token_bytes();
  return std::make_unique<ExampleBatches>(std::move(examples), options);
}

std::vector<InstructionRow> RunStageContext::instructions(const std::vector<std::string>& datasets, bool validation) {
  return env_.assets.instructions(datasets, validation);
}

std::vector<PreferencePair> RunStageContext::preferences(const std::vector<std::string>& datasets, bool validation) {
  return env_.assets.preferences(datasets, validation);
}

Optimizer& RunStageContext::optimizer(const TrainParams& params, const std::vector<NamedParameter>& extra) {
  if (params.activation_checkpointing && !model_->checkpoint_activations(true)) {
    throw ConfigError("stage '" + env_.slot.name + "' has activation_checkpointing: true, but architecture " +
                      model_of(env_.experiment, env_.slot).plugin + " keeps all activations; set it to false");
  }
  optimizer_ = std::make_unique<ModelOptimizer>(*model_, params, extra, derive_seed(seed_, {"dropout"}), env_.ranks);
  weights_changed_ = true;
  env_.record.set_data(env_.assets.data_rows());
  return *optimizer_;
}

void RunStageContext::checkpoint(const StateDict& state, const FitTotals& totals) {
  if (!leads()) return;
  // The record first: a checkpoint must never be ahead of the log that led to it.
  env_.record.flush();
  if (env_.before_checkpoint) env_.before_checkpoint();
  const fs::path& folder = env_.folder;
  save_checkpoint(resumable_name(folder, totals.steps), manifest("running", totals), *model_, env_.assets.tokenizer_bytes(),
                  &state);
  const auto all = resumable_checkpoints(folder);
  for (std::size_t i = 1; i < all.size(); ++i) fs::remove_all(all[i]);
}

FitStatus RunStageContext::fit(const FitPlan& plan) {
  for (const auto& spec : fit_metrics(plan.loss_unit)) declare(spec);
  optimizer(plan.params, plan.extra_parameters);
  FitHooks hooks;
  hooks.stage = env_.slot.name;
  hooks.seed = derive_seed(seed_, {"dropout"});
  hooks.pause_at = env_.until;
  hooks.resume = std::move(resume_);
  resume_.reset();
  hooks.log = [this](const std::string& metric, std::int64_t step, double value) { log(metric, step, value); };
  hooks.cancelled = cancel_requested;
  hooks.progress = &env_.progress;
  hooks.save = [this](const StateDict& state, const FitTotals& totals) { checkpoint(state, totals); };
  hooks.optimizer = optimizer_.get();
  hooks.ranks = env_.ranks;
  std::unique_ptr<StepTrace> trace;
  if (!env_.profile.empty()) {
    const std::string rank = env_.ranks == nullptr ? "" : ".rank" + std::to_string(env_.ranks->rank());
    trace = std::make_unique<StepTrace>(env_.profile / (env_.slot.name + rank + ".trace.json"));
    hooks.step_begins = [&trace] { trace->step_begins(); };
  }
  report_ = run_fit(*model_, plan, std::move(hooks));
  if (!report_.reason.empty()) note(report_.reason);
  return report_.status;
}

CheckpointManifest RunStageContext::manifest(const std::string& status, const FitTotals& totals) const {
  CheckpointManifest manifest;
  const SlotConfig& model = model_of(env_.experiment, env_.slot);
  manifest.architecture = model.plugin;
  manifest.architecture_values = model.values;
  manifest.tokenizer = env_.experiment.tokenizer.plugin;
  manifest.tokenizer_values = env_.experiment.tokenizer.values;
  manifest.tokenizer_file = env_.assets.tokenizer().model_file_name();
  manifest.prompt_template = prompt_template_;
  manifest.experiment = env_.experiment.name;
  manifest.run_id = env_.run_id;
  manifest.stage = env_.slot.name;
  manifest.status = status;
  manifest.vocab_size = model_->traits().vocab_size;
  manifest.step = totals.steps;
  manifest.tokens = totals.target_tokens;
  manifest.seconds = totals.seconds;
  manifest.flops = totals.flops;
  return manifest;
}

std::string RunStageContext::save_final(const std::string& status) {
  env_.record.flush();
  if (env_.before_checkpoint) env_.before_checkpoint();
  if (optimizer_ && optimizer_->lora() != nullptr) keep(optimizer_->lora()->adapters());
  return save_checkpoint(env_.folder / "final", manifest(status, report_.totals), *model_, env_.assets.tokenizer_bytes(),
                         nullptr, &extras_);
}

void RunStageContext::keep(const StateDict& extras) {
  for (const auto& [name, tensor] : extras.tensors) extras_.tensors[name] = tensor;
  for (const auto& [name, text] : extras.texts) extras_.texts[name] = text;
}

StateDict RunStageContext::kept(const std::string& stage) {
  const fs::path folder = env_.paths.final_checkpoint(stage);
  return read_extras(folder, read_manifest(folder));
}

void RunStageContext::samples(std::int64_t step, const std::vector<std::string>& score_names,
                              const std::vector<SampleRow>& rows) {
  env_.record.add_samples(env_.slot.name, step, score_names, rows);
  env_.record.flush_if_due();
}

void RunStageContext::sentinel(const Sentinel& sentinel) {
  env_.record.add_sentinel(env_.slot.name, sentinel);
  if (sentinel.passed) return;
  env_.record.flush();
  throw PluginError("stage '" + env_.slot.name + "' did not start: its check '" + sentinel.name +
                    "' failed: " + sentinel.evidence);
}

void RunStageContext::declare(const MetricSpec& spec) { env_.record.declare_metric(env_.slot.name, spec); }

void RunStageContext::log(const std::string& name, std::int64_t step, double value) {
  env_.record.append(env_.slot.name, name, step, value);
  logged_step_ = std::max(logged_step_, step);
  env_.record.flush_if_due();
}

/// A stage with a loop of its own asks between steps, and saves before it stops.
bool RunStageContext::cancelled() const { return cancel_requested() || (env_.until > 0 && logged_step_ >= env_.until); }

void RunStageContext::note(const std::string& text) {
  env_.progress.say("stage " + env_.slot.name + ": " + text);
  env_.record.add_note(env_.slot.name, text);
}

}  // namespace temper
