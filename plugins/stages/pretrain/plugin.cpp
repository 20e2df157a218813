// Pretraining: an objective over documents, from fresh weights or from an earlier stage. The host's training loop does the
// work; this file says what is trained on what.
#include "temper/plugin.h"

#include "temper/stage.h"

namespace temper {
namespace {

struct PretrainParams {
  std::string from;
  std::vector<std::string> data;
  std::string objective = "causal_lm";
  TrainParams train;
};

ParamTable<PretrainParams> pretrain_params() {
  using P = PretrainParams;
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose weights training starts from; empty is fresh weights.");
  table.datasets("data", &P::data, "Datasets whose documents are trained on.", {.required = true});
  table.plugin("objective", &P::objective, "objective", "What is learnt from a document.");
  table.include(&P::train, train_params());
  table.require([](const P& p) { return p.train.epochs == 0; },
                "pretrain counts steps or flops, not epochs: leave epochs at 0 and set steps or flops");
  return table;
}

class Pretrain final : public Stage {
 public:
  explicit Pretrain(const PretrainParams& params) : params_(params) {}

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
    plan.loss = [&](Architecture& model, const Batch& batch) { return objective.loss(model, batch); };
    return context.fit(plan);
  }

 private:
  PretrainParams params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("pretrain", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("pretrain", "Trains on documents with a pretraining objective.", pretrain_params(),
                       [](const PretrainParams& params, const Stage::Args&) { return std::make_unique<Pretrain>(params); });
}
