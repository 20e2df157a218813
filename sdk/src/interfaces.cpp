// Destructors and small default methods of the interfaces: out of line, so that each interface has one vtable and one
// type_info in the whole process and dynamic_cast works across libraries.
#include <ATen/ATen.h>

#include "temper/architecture.h"
#include "temper/context.h"
#include "temper/dataset.h"
#include "temper/evaluator.h"
#include "temper/generate.h"
#include "temper/metrics.h"
#include "temper/objective.h"
#include "temper/registrar.h"
#include "temper/stage.h"
#include "temper/tokenizer.h"

namespace temper {

FactoryBase::~FactoryBase() = default;
Registrar::~Registrar() = default;
Architecture::~Architecture() = default;
DecodeState::~DecodeState() = default;
IncrementalDecoder::~IncrementalDecoder() = default;
Tokenizer::~Tokenizer() = default;
Dataset::~Dataset() = default;
DocumentSource::~DocumentSource() = default;
InstructionSource::~InstructionSource() = default;
PreferenceSource::~PreferenceSource() = default;
ItemSource::~ItemSource() = default;
Objective::~Objective() = default;
MetricSink::~MetricSink() = default;
Generator::~Generator() = default;
Scorer::~Scorer() = default;
Communicator::~Communicator() = default;
Progress::~Progress() = default;
BatchSource::~BatchSource() = default;
StageContext::~StageContext() = default;
EvalContext::~EvalContext() = default;
Stage::~Stage() = default;
Evaluator::~Evaluator() = default;
TextJudge::~TextJudge() = default;

at::Tensor Architecture::logits(const ModelInput& input) { return at::linear(hidden(input), head()).to(at::kFloat); }

SummedLoss Objective::loss(Architecture& model, const Batch& batch) const {
  const at::Tensor hidden_BTD = model.hidden(batch.input);
  return linear_cross_entropy(hidden_BTD.flatten(0, 1), model.head(), batch.labels_BT.flatten());
}

}  // namespace temper
