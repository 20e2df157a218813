// Destructors and small default methods of the interfaces: out of line, so that each interface has one vtable and one
// type_info in the whole process and dynamic_cast works across libraries.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include "temper/architecture.h"
#include "temper/context.h"
#include "temper/dataset.h"
#include "temper/evaluator.h"
#include "temper/filter.h"
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
Filter::~Filter() = default;
std::string Filter::fingerprint() { return ""; }
DocumentFilter::~DocumentFilter() = default;
CorpusTexts::~CorpusTexts() = default;
CorpusFilter::~CorpusFilter() = default;
std::string CorpusFilter::needs() const { return ""; }
bool CorpusFilter::edits() const { return true; }
std::vector<std::pair<std::string, double>> CorpusFilter::figures() const { return {}; }
Objective::~Objective() = default;
MetricSink::~MetricSink() = default;
Generator::~Generator() = default;
Scorer::~Scorer() = default;
Communicator::~Communicator() = default;
Progress::~Progress() = default;
BatchSource::~BatchSource() = default;
Batch BatchSource::next_part(std::int64_t part, std::int64_t parts) {
  Batch batch = next();
  if (!batch.extra.empty()) return part == 0 ? batch : Batch{};
  const auto [begin, end] = part_of(batch.input.ids_BT.size(0), part, parts);
  return rows_of(batch, begin, end);
}
Optimizer::~Optimizer() = default;
StageContext::~StageContext() = default;
EvalContext::~EvalContext() = default;
Communicator* EvalContext::call_others(const std::string&) { return nullptr; }
Stage::~Stage() = default;
Evaluator::~Evaluator() = default;
void Evaluator::help(EvalContext&, const std::string&) {
  throw PluginError("an evaluator that calls other processes has to define help(), and this one has not");
}
TextJudge::~TextJudge() = default;
void TextJudge::begin_judging(ModelLender&) {}
ModelLender::~ModelLender() = default;

bool Architecture::checkpoint_activations(bool on) { return !on; }
at::Tensor Architecture::logits(const ModelInput& input) { return at::linear(hidden(input), head()).to(at::kFloat); }

c10::Device Architecture::device() { return head().device(); }

void Architecture::to(c10::Device device) {
  const at::NoGradGuard guard;
  for (auto& parameter : parameters()) {
    if (parameter.tensor.device() != device) parameter.tensor.set_data(parameter.tensor.to(device));
  }
}

double Architecture::train_flops(std::int64_t tokens, std::int64_t source_tokens, std::int64_t context) const {
  return train_flops_per_token(context) * static_cast<double>(tokens + source_tokens);
}

std::string Architecture::hugging_face_config() const { return ""; }

std::vector<std::int32_t> Tokenizer::sentinel_ids() const { return {}; }

std::int32_t Tokenizer::find_piece(std::string_view wanted) const {
  const auto size = static_cast<std::int32_t>(vocab_size());
  for (std::int32_t id = 0; id < size; ++id) {
    if (piece(id) == wanted) return id;
  }
  return -1;
}

std::vector<std::int32_t> Tokenizer::encode_special(std::string_view text) const { return encode(text); }

std::int64_t Tokenizer::byte_length(std::int32_t id) const { return static_cast<std::int64_t>(decode({id}).size()); }

std::string Tokenizer::prompt_template() const { return ""; }

std::string Tokenizer::default_system_prompt() const { return ""; }

std::vector<std::pair<std::string, std::string>> Tokenizer::hugging_face_files() const {
  return {{model_file_name(), model_bytes()}};
}

SummedLoss Objective::loss(Architecture& model, const Batch& batch) const {
  const at::Tensor hidden_BTD = model.hidden(batch.input);
  return linear_cross_entropy(hidden_BTD.flatten(0, 1), model.head(), batch.labels_BT.flatten());
}

}  // namespace temper
