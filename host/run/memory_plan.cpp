// Memory of stages beforehand (see memory_plan.h).
// Shapes: B rows, T positions.
#include "host/run/memory_plan.h"

#include <ATen/ATen.h>
#include <c10/core/Allocator.h>
#include <c10/util/ThreadLocalDebugInfo.h>

#include <algorithm>
#include <cstdio>
#include <memory>

#include "host/run/model_store.h"
#include "host/train/autocast.h"
#include "host/train/lora.h"
#include "host/train/shards.h"
#include "temper/loss.h"

namespace temper {
namespace {

/// Follows what tensors of this thread take and give back.
class AllocationMeter final : public c10::MemoryReportingInfoBase {
 public:
  void reportMemoryUsage(void*, std::int64_t size, std::size_t, std::size_t, c10::Device) override {
    now_ += size;
    peak_ = std::max(peak_, now_);
  }
  bool memoryProfilingEnabled() const override { return true; }
  void begin() { now_ = peak_ = 0; }
  std::int64_t peak() const { return peak_; }

 private:
  std::int64_t now_ = 0, peak_ = 0;
};

struct Settings {
  std::int64_t rows = 0, context = 0;
  bool checkpointing = false, shard = false, bf16 = false;
  LoraParams lora;
};

/// What decides a stage's memory; its rows are those of one process.
Settings settings_of(const ParamValues& values, int ranks) {
  const auto has = [&](const char* name) { return values.all().count(name) > 0; };
  Settings settings;
  settings.context = values.as<std::int64_t>("context");
  if (has("micro_batch_tokens")) {
    settings.rows = std::max<std::int64_t>(1, values.as<std::int64_t>("micro_batch_tokens") / settings.context);
  } else {
    settings.rows = (values.as<std::int64_t>("batch_size") + ranks - 1) / ranks;
  }
  settings.checkpointing = values.as<bool>("activation_checkpointing");
  settings.shard = values.as<bool>("shard_optimizer") && ranks > 1;
  settings.bf16 = has("precision") && values.as<std::string>("precision") == "bfloat16";
  settings.lora.rank = values.as<std::int64_t>("lora_rank");
  settings.lora.targets = values.as<std::vector<std::string>>("lora_targets");
  return settings;
}

std::int64_t vocabulary_of(const Experiment& experiment, const Registry& registry) {
  const SlotConfig& slot = experiment.tokenizer;
  if (!slot.checkpoint.empty()) return read_manifest(slot.checkpoint).vocab_size;
  const auto made = registry.make<Tokenizer>(slot.plugin, slot.values, {experiment.base_dir.string()});
  if (!made->needs_training()) return made->vocab_size();
  if (slot.values.all().count("vocab_size") > 0) return slot.values.as<std::int64_t>("vocab_size");
  throw ConfigError("its vocabulary is known only when tokenizer '" + slot.plugin + "' is trained");
}

/// Peak of forward and backward over so many rows; gradients are there already.
std::int64_t peak_of(Architecture& model, AllocationMeter& meter, std::int64_t rows, const Settings& settings) {
  ModelInput input;
  const auto vocabulary = model.traits().vocab_size;
  input.ids_BT = at::arange(rows * settings.context).remainder(vocabulary).view({rows, settings.context});
  if (model.traits().encoder_decoder) input.source_ids_BS = input.ids_BT;
  const at::Tensor labels_N = input.ids_BT.flatten();
  meter.begin();
  SummedLoss loss;
  {
    const Autocast autocast(settings.bf16, c10::kCPU);
    loss = linear_cross_entropy(model.hidden(input).flatten(0, 1), model.head(), labels_N);
  }
  loss.sum.backward();
  return meter.peak();
}

std::int64_t bytes_of(const std::vector<at::Tensor>& tensors) {
  std::int64_t bytes = 0;
  for (const auto& tensor : tensors) bytes += static_cast<std::int64_t>(tensor.nbytes());
  return bytes;
}

StageMemory memory_of(const StageConfig& stage, Architecture& model, int ranks) {
  const Settings settings = settings_of(stage.values, ranks);
  StageMemory memory;
  memory.stage = stage.name;
  memory.rows = settings.rows;
  memory.context = settings.context;
  std::vector<at::Tensor> weights, moving;
  for (const auto& parameter : model.parameters()) weights.push_back(parameter.tensor);
  memory.weights = bytes_of(weights);
  std::unique_ptr<Lora> lora;
  if (settings.lora.rank > 0) {
    lora = std::make_unique<Lora>(model, settings.lora, 0);
    for (const auto& parameter : lora->parameters()) moving.push_back(parameter.tensor);
    // Adapters, and the weights that they started from.
    memory.weights += bytes_of(moving);
    for (const auto& weight : weights)
      memory.weights += weight.requires_grad() ? static_cast<std::int64_t>(weight.nbytes()) : 0;
  } else {
    moving = weights;
  }
  for (const auto& weight : weights) {
    if (weight.requires_grad()) memory.gradients += static_cast<std::int64_t>(weight.nbytes());
  }
  if (lora != nullptr) memory.gradients += bytes_of(moving);
  memory.optimizer = 2 * bytes_of(moving);
  if (settings.shard) {
    memory.optimizer = 0;
    const Buckets buckets = gradient_buckets(moving);
    for (const auto& pieces : shard_of(moving, buckets, 0, ranks)) {
      for (const auto& piece : pieces) {
        memory.optimizer +=
            2 * (piece.end - piece.begin) * static_cast<std::int64_t>(moving[piece.parameter].element_size());
      }
    }
  }
  if (settings.checkpointing && !model.checkpoint_activations(true)) {
    throw ConfigError("its architecture has no activation checkpointing");
  }
  model.train(true);
  const auto meter = std::make_shared<AllocationMeter>();
  const c10::DebugInfoGuard guard(c10::DebugInfoKind::PROFILER_STATE, meter);
  peak_of(model, *meter, 1, settings);  // makes the gradients
  const std::int64_t one = peak_of(model, *meter, 1, settings);
  // Activations grow with the rows; what does not (a slice of logits, a weight's gradient) is in both.
  memory.activations = one;
  if (settings.rows > 1) memory.activations += (peak_of(model, *meter, 2, settings) - one) * (settings.rows - 1);
  return memory;
}

double mebibytes(std::int64_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

}  // namespace

std::vector<StageMemory> plan_memory(const Experiment& experiment, const Registry& registry, int ranks) {
  std::vector<StageMemory> all;
  for (const auto& stage : experiment.stages) {
    if (stage.values.all().count("activation_checkpointing") == 0) continue;
    try {
      const SlotConfig& slot = model_of(experiment, stage);
      const auto model =
          slot.checkpoint.empty()
              ? registry.make<Architecture>(slot.plugin, slot.values, {vocabulary_of(experiment, registry), 0})
              : load_architecture(registry, slot.checkpoint, read_manifest(slot.checkpoint));
      all.push_back(memory_of(stage, *model, ranks));
    } catch (const Error& error) {
      all.push_back({stage.name, 0, 0, 0, 0, 0, 0, error.what()});
    }
  }
  return all;
}

std::string describe_memory(const std::vector<StageMemory>& stages, int ranks) {
  if (stages.empty()) return "";
  std::string text = "\nmemory in MiB" +
                     (ranks > 1 ? " of each of " + std::to_string(ranks) + " processes" : std::string()) +
                     " (program, data, frozen models and a critic come on top)\n";
  char line[256];
  std::snprintf(line, sizeof line, "  %-20s %10s %10s %10s %12s %10s  %s\n", "stage", "weights", "gradients", "moments",
                "activations", "together", "micro-batch");
  text += line;
  for (const auto& stage : stages) {
    if (!stage.why_not.empty()) {
      text += "  " + stage.stage + ": not known, " + stage.why_not + "\n";
      continue;
    }
    std::snprintf(line, sizeof line, "  %-20s %10.1f %10.1f %10.1f %12.1f %10.1f  %lld x %lld\n", stage.stage.c_str(),
                  mebibytes(stage.weights), mebibytes(stage.gradients), mebibytes(stage.optimizer),
                  mebibytes(stage.activations), mebibytes(stage.total()), static_cast<long long>(stage.rows),
                  static_cast<long long>(stage.context));
    text += line;
  }
  return text;
}

}  // namespace temper
