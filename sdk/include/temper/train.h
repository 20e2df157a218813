// What training has in common in every stage: parameters, learning rate, optimiser, and the training loop's plan. The host
// implements the optimiser and the loop (StageContext::optimizer, StageContext::fit).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/batch.h"
#include "temper/loss.h"
#include "temper/params.h"

namespace temper {

/// What a checkpoint keeps beside the weights: tensors by name and one text (JSON mostly) a name.
struct StateDict {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> texts;
};

/// Endless source of training batches whose position can be saved and restored exactly.
class TEMPER_API BatchSource {
 public:
  virtual ~BatchSource();
  /// The next batch of this process. Every batch has at least one target, or DataError says which examples had none.
  virtual Batch next() = 0;
  /// What process `part` of `parts` computes of the next batch, which counts as read whole: together the parts are next().
  /// May have no rows. By default the rows are shared out in order; a batch with `extra`, whose rows may belong together, is
  /// part 0's alone.
  virtual Batch next_part(std::int64_t part, std::int64_t parts);
  virtual double epochs_done() const = 0;
  /// Text that restore() takes back; the batches that follow are then the same ones.
  virtual std::string position() const = 0;
  virtual void restore(const std::string& position) = 0;
};

/// Low-rank adapters, W = W0 + (alpha / rank) B A, on every matrix whose name holds one of the targets; all other weights
/// rest. The model always carries the merged W, so that decoding, scoring and saving need not know; gradients of A and B
/// follow from that of W. A is drawn uniformly as PyTorch draws linear layers, B is 0. Source: Hu et al., "LoRA" (2021).
struct LoraParams {
  std::int64_t rank = 0;  ///< 0: off, all weights train
  double alpha = 16;
  std::vector<std::string> targets;  ///< empty: every matrix but embeddings and heads
};
TEMPER_API ParamTable<LoraParams> lora_params();

/// The training loop's own parameters; stages include them in their table with train_params().
struct TrainParams {
  std::int64_t steps = 1000;
  double epochs = 0;  ///< > 0: overrides steps
  double flops = 0;   ///< > 0: overrides steps
  std::int64_t batch_size = 8;
  std::int64_t accumulation = 1;
  std::int64_t context = 256;
  double learning_rate = 3e-4;
  double min_learning_rate_ratio = 0.1;
  std::string schedule = "cosine";
  std::int64_t warmup_steps = 100;
  double weight_decay = 0.1;
  double beta1 = 0.9, beta2 = 0.95, epsilon = 1e-8;
  double clip_norm = 1.0;
  std::string precision = "float32";
  bool activation_checkpointing = false;
  bool shard_optimizer = false;
  std::int64_t log_every = 10;
  std::int64_t validate_every = 0;
  std::int64_t validation_batches = 16;
  std::int64_t patience = 0;
  std::int64_t checkpoint_every = 200;
  LoraParams lora;
};
TEMPER_API ParamTable<TrainParams> train_params();

/// Of step `step` (from 0) of `total_steps`: linear warm-up whose first step is already above 0, then the schedule down to
/// its floor, clamped there (P-LOSS-09).
TEMPER_API double learning_rate_at(const TrainParams& params, std::int64_t step, std::int64_t total_steps);

/// AdamW over the model's weights (or their adapters) and what a stage adds. Gradients are the tensors' own. Of a run in
/// many processes, all of them have equal weights; what is collective is called by all of them in the same order. [run]
class TEMPER_API Optimizer {
 public:
  virtual ~Optimizer();
  /// Collective: makes the gradients their sum over all processes. A loop of a stage's own, whose processes compute parts of
  /// a batch each, calls it before grad_norm(); one whose processes all compute the same does not.
  virtual void all_reduce_gradients() = 0;
  /// L2 norm over the gradients of all that it trains, as they are. Collective.
  virtual double grad_norm() = 0;
  /// One update with gradients divided by `divisor`; then gradients are dropped. Collective.
  virtual void step(double learning_rate, double divisor) = 0;
  virtual void drop_gradients() = 0;
  virtual void save(StateDict& state) = 0;        ///< whole, whatever part a process keeps. Collective.
  virtual void load(const StateDict& state) = 0;  ///< throws DataError if a tensor is missing or of another shape
};

/// How a training run ended.
enum class FitStatus { kComplete, kEarlyStop, kDiverged };

/// Counts over a whole stage, a resumed part included; they end up in record and checkpoint.
struct FitTotals {
  std::int64_t steps = 0, target_tokens = 0, input_tokens = 0;
  double seconds = 0, flops = 0;
  std::int64_t source_tokens = 0, target_bytes = 0;  ///< source_tokens are among input_tokens
};

struct FitPlan {
  TrainParams params;
  BatchSource* train = nullptr;
  BatchSource* validation = nullptr;  ///< may be null; read from its start at every validation
  /// Metrics of the SummedLoss are logged under their names, of a validation as "validation_NAME"; the stage declares them.
  std::function<SummedLoss(Architecture&, const Batch&)> loss;
  /// May be empty. Comes before the loss of every batch, in every process, also in one that has no rows of it; so it may be
  /// collective: what the loss needs to know of all processes' rows goes into the batch's `extra`.
  std::function<void(Architecture&, Batch&)> before_loss;
  std::int64_t examples_per_epoch = 0;           ///< needed when params.epochs > 0
  std::vector<NamedParameter> extra_parameters;  ///< trained with the model (heads); part of the resumable state
  std::string loss_unit = "nats/token";
};

}  // namespace temper
