// @name@: a stage to start from. Trains the model on documents with the objective it is given; the host's loop does the
// steps, validation, checkpoints and exact resume. Replace the loss by your own idea.
#include "temper/plugin.h"

#include "temper/stage.h"

namespace temper {
namespace {

struct @Name@Params {
  std::string from;
  std::vector<std::string> data;
  std::string objective = "causal_lm";
  TrainParams train;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose weights are trained on; empty is fresh weights.");
  table.datasets("data", &P::data, "Datasets whose documents are learnt.", {.required = true});
  table.plugin("objective", &P::objective, "objective", "What is predicted.");
  table.include(&P::train, train_params());
  return table;
}

class @Name@ final : public Stage {
 public:
  explicit @Name@(const @Name@Params& params) : params_(params) {}

  FitStatus run(StageContext& context) override {
    const Objective& objective = context.objective("objective");
    const auto train = context.document_batches(params_.data, objective, params_.train, false);
    std::unique_ptr<BatchSource> validation;
    if (params_.train.validation_batches > 0) {
      validation = context.document_batches(params_.data, objective, params_.train, true);
    }
    FitPlan plan;
    plan.params = params_.train;
    plan.train = train.get();
    plan.validation = validation.get();
    plan.loss = [&objective](Architecture& model, const Batch& batch) { return objective.loss(model, batch); };
    return context.fit(plan);
  }

 private:
  @Name@Params params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("@name@", "Training on documents with any objective.", params_table(),
                       [](const @Name@Params& params, const Stage::Args&) { return std::make_unique<@Name@>(params); });
}
