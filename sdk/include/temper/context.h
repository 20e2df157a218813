// What the host lends to a stage or an evaluator for the time of one call: model, data, training loop, generator, scorer,
// metrics, progress, cancellation, communicator. Plugins see only these interfaces; the host implements them.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "temper/architecture.h"
#include "temper/batch.h"
#include "temper/dataset.h"
#include "temper/generate.h"
#include "temper/metrics.h"
#include "temper/objective.h"
#include "temper/params.h"
#include "temper/tokenizer.h"

namespace temper {

/// Many processes working on one run. One process for now: rank 0 of 1. Collectives in the same order on all ranks. [run]
class TEMPER_API Communicator {
 public:
  virtual ~Communicator();
  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  virtual void all_reduce_sum(at::Tensor& tensor) = 0;
  virtual void broadcast(at::Tensor& tensor, int root) = 0;
  virtual void barrier() = 0;
};

/// One live line on a terminal, plain lines elsewhere. [any]
class TEMPER_API Progress {
 public:
  virtual ~Progress();
  virtual void begin(const std::string& what, std::int64_t total) = 0;
  virtual void update(std::int64_t done, const std::string& note) = 0;
  virtual void end() = 0;
};

/// What a checkpoint keeps beside the weights: tensors by name and one JSON text a name.
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
  virtual double epochs_done() const = 0;
  /// Text that restore() takes back; the batches that follow are then the same ones.
  virtual std::string position() const = 0;
  virtual void restore(const std::string& position) = 0;
};

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
  std::int64_t log_every = 10;
  std::int64_t validate_every = 0;
  std::int64_t validation_batches = 16;
  std::int64_t patience = 0;
  std::int64_t checkpoint_every = 200;
};
TEMPER_API ParamTable<TrainParams> train_params();

/// How a training run ended.
enum class FitStatus { kComplete, kEarlyStop, kDiverged };

struct FitPlan {
  TrainParams params;
  BatchSource* train = nullptr;
  BatchSource* validation = nullptr;  ///< may be null; read from its start at every validation
  std::function<SummedLoss(Architecture&, const Batch&)> loss;
  std::int64_t examples_per_epoch = 0;  ///< needed when params.epochs > 0
};

/// [run] Valid during Stage::run.
class TEMPER_API StageContext {
 public:
  virtual ~StageContext();
  virtual const std::string& stage_name() const = 0;
  virtual std::uint64_t seed() const = 0;  ///< derived from the run's seed and the stage's name
  virtual c10::Device device() const = 0;
  /// The model to train: the parent's weights (parameter of type kStage), or fresh ones if there is none.
  virtual Architecture& model() = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  /// A frozen model of an earlier stage (reference, reward). Lives as long as the context.
  virtual Architecture& frozen_model(const std::string& stage) = 0;
  /// The objective in a kPlugin parameter of this stage.
  virtual const Objective& objective(const std::string& slot) = 0;

  /// Batches of documents from the named datasets: tokenised (cached by content), shuffled anew each epoch, packed.
  virtual std::unique_ptr<BatchSource> document_batches(const std::vector<std::string>& datasets, const Objective& objective,
                                                        const TrainParams& params, bool validation) = 0;
  /// Batches from examples in memory, shuffled anew each epoch, packed into rows of `params.context`.
  /// `groups` lists all examples; a batch holds `params.batch_size` rows.
  virtual std::unique_ptr<BatchSource> example_batches(std::vector<Example> examples, const TrainParams& params,
                                                       const std::string& name) = 0;
  virtual std::vector<InstructionRow> instructions(const std::vector<std::string>& datasets, bool validation) = 0;
  virtual std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, bool validation) = 0;

  /// Trains model(): optimiser, schedule, clipping, validation, checkpoints, exact resume, divergence. Logs loss,
  /// learning_rate, grad_norm, tokens_per_second, validation_loss.
  virtual FitStatus fit(const FitPlan& plan) = 0;

  virtual Generator& generator() = 0;  ///< samples from model()
  virtual Scorer& scorer() = 0;        ///< scores with model()
  virtual MetricSink& metrics() = 0;
  virtual Progress& progress() = 0;
  virtual Communicator& communicator() = 0;
  virtual bool cancelled() const = 0;
  /// Says how the model wants to be prompted; kept with the checkpoint and used by evaluators and `temper generate`.
  virtual void set_prompt_template(const std::string& name) = 0;
  virtual void note(const std::string& text) = 0;  ///< a line for the person at the terminal and in the record
};

/// [run] Valid during Evaluator::evaluate. The model is in evaluation mode and must be left as found.
class TEMPER_API EvalContext {
 public:
  virtual ~EvalContext();
  virtual std::uint64_t seed() const = 0;  ///< derived from the run's seed and the evaluator's name, not from the stage
  virtual c10::Device device() const = 0;
  virtual Architecture& model() = 0;
  virtual const Tokenizer& tokenizer() const = 0;
  /// The template the model was tuned with, or `instruction` for a model that was never tuned.
  virtual const std::string& prompt_template() const = 0;
  virtual Generator& generator() = 0;
  virtual Scorer& scorer() = 0;
  /// All documents of the named datasets' validation part (hash split), at most `limit` (0: all).
  virtual std::vector<Document> validation_documents(const std::vector<std::string>& datasets, std::int64_t limit) = 0;
  virtual std::vector<EvalItem> items(const std::vector<std::string>& datasets, std::int64_t limit) = 0;
  virtual Progress& progress() = 0;
  virtual bool cancelled() const = 0;
};

}  // namespace temper
