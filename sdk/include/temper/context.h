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
#include "temper/train.h"

namespace temper {

/// Many processes working on one run; alone, rank 0 of 1, where every collective is the identity. Collectives are called in
/// the same order by all ranks. They throw PluginError with the backend's words when another rank is gone. [run]
class TEMPER_API Communicator {
 public:
  virtual ~Communicator();
  virtual int rank() const = 0;
  virtual int world_size() const = 0;
  /// In place; every rank gets the same bits. Contiguous tensors.
  virtual void all_reduce_sum(at::Tensor& tensor) = 0;
  virtual void broadcast(at::Tensor& tensor, int root) = 0;
  /// Everyone's bytes, by rank.
  virtual std::vector<std::string> all_gather(const std::string& bytes) = 0;
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

/// One answer that a stage wants people to see in the record.
struct SampleRow {
  std::string prompt, response;
  std::vector<double> scores;  ///< one a name given with it
};

/// A check that a stage makes before it trains ("the first ratio is 1"), kept in the record with what was seen.
struct Sentinel {
  std::string name;  ///< [a-z][a-z0-9_]*
  double value = 0, limit = 0;
  bool passed = false;
  std::string evidence;  ///< a sentence with the numbers
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
  /// A second model to train, with the weights of an earlier stage (a critic). Its state is the stage's to save.
  virtual std::unique_ptr<Architecture> trainable_copy(const std::string& stage) = 0;
  /// Calls `use` with the frozen weights that model() began this stage with: with adapters it is model() itself, adapters
  /// off, put back afterwards; without, a frozen model of its own.
  virtual void with_reference(const std::function<void(Architecture&)>& use) = 0;
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

  /// For a loop of the stage's own: what optimises model() and `extra`, whose values are part of its state. Lives as long as
  /// the context; called once. Adapters, if there are any, are kept with the finished checkpoint.
  virtual Optimizer& optimizer(const TrainParams& params, const std::vector<NamedParameter>& extra) = 0;
  /// What the last checkpoint() of this stage saved, model() then having its weights; null at the stage's start.
  virtual const StateDict* resume_state() const = 0;
  /// A resumable checkpoint of model() and `state`, in place of the one before. Metrics and samples logged for later steps
  /// are dropped when a killed run goes on from here.
  virtual void checkpoint(const StateDict& state, const FitTotals& totals) = 0;
  /// What record and final checkpoint say of a stage with a loop of its own.
  virtual void set_totals(const FitTotals& totals) = 0;
  virtual const FitTotals& totals() const = 0;  ///< as fit() or set_totals() left them
  /// Trains model(): optimiser, schedule, clipping, validation, checkpoints, exact resume, divergence. Logs loss,
  /// learning_rate, grad_norm, tokens_per_second, validation_loss.
  virtual FitStatus fit(const FitPlan& plan) = 0;

  virtual Generator& generator() = 0;  ///< samples from model()
  virtual Scorer& scorer() = 0;        ///< scores with model()
  virtual MetricSink& metrics() = 0;
  virtual Progress& progress() = 0;
  virtual Communicator& communicator() = 0;
  virtual bool cancelled() const = 0;
  /// How the model that the stage began with wants to be prompted; "" if it was never tuned.
  virtual const std::string& prompt_template() const = 0;
  /// Says how the model wants to be prompted; kept with the checkpoint and used by evaluators and `temper generate`.
  virtual void set_prompt_template(const std::string& name) = 0;
  virtual void note(const std::string& text) = 0;  ///< a line for the person at the terminal and in the record
  /// Kept with the finished checkpoint (heads, adapters, what was normalised); `kept` gives an earlier stage's.
  virtual void keep(const StateDict& extras) = 0;
  virtual StateDict kept(const std::string& stage) = 0;
  virtual void samples(std::int64_t step, const std::vector<std::string>& score_names,
                       const std::vector<SampleRow>& rows) = 0;
  /// Stores it; throws PluginError with the evidence if it has not passed.
  virtual void sentinel(const Sentinel& sentinel) = 0;
};

/// A finished model from outside the run, with all that it needs. The references live as long as their lender. In a run of
/// many processes all of them compute what rank 0's generator and scorer are asked; inside Evaluator::help they are that
/// process's own.
struct LentModel {
  Architecture& model;
  const Tokenizer& tokenizer;
  Generator& generator;
  Scorer& scorer;
  StateDict kept;               ///< as StageContext::keep left it
  std::string prompt_template;  ///< as EvalContext::prompt_template
  std::string sha256;           ///< of the weights
};

/// Loads models that are no stage of the run: a judge, a reward model, another system to compare with. [run]
class TEMPER_API ModelLender {
 public:
  virtual ~ModelLender();
  /// `reference`: a checkpoint folder, or a record's stage ("run.h5:sft"). Loaded once; gradients are off. Throws DataError.
  virtual LentModel& model(const std::string& reference) = 0;
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
  /// The other part, which stages may have been trained on, in the data's order.
  virtual std::vector<Document> training_documents(const std::vector<std::string>& datasets, std::int64_t limit) = 0;
  virtual std::vector<EvalItem> items(const std::vector<std::string>& datasets, std::int64_t limit) = 0;
  /// The named datasets' test pairs; of a dataset without any, the validation part of its training pairs.
  virtual std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, std::int64_t limit) = 0;
  /// Of the stage that is evaluated ("") or of an earlier one that a kStage parameter names.
  virtual Architecture& frozen_model(const std::string& stage) = 0;
  virtual StateDict kept(const std::string& stage) = 0;
  virtual ModelLender& models() = 0;
  virtual Progress& progress() = 0;
  virtual bool cancelled() const = 0;
  /// Of a run in many processes rank 0 evaluates and the others wait. There this makes them call Evaluator::help with
  /// `order`, and gives the communicator in which collectives here and there meet; inside help() it only gives that. Null
  /// in one process.
  virtual Communicator* call_others(const std::string& order);
};

}  // namespace temper
