// Supervised fine-tuning on prompt + demonstration: the loss is on answers and their EOS, prompts are context, unless
// loss_on says otherwise. Source: Ouyang et al., "Training language models to follow instructions with human feedback"
// (2022), section 3.5.
#include "temper/plugin.h"

#include <algorithm>

#include "loss_mask.h"
#include "temper/stage.h"
#include "temper/template.h"

namespace temper {
namespace {

struct SftParams {
  std::string from;
  std::vector<std::string> data;
  std::string prompt_template = "instruction";
  std::string loss_on = "answers";
  TrainParams train;
};

ParamTable<SftParams> sft_params() {
  using P = SftParams;
  ParamTable<P> table;
  table.stage("from", &P::from, "Stage whose weights are tuned; empty is fresh weights.");
  table.datasets("data", &P::data, "Datasets whose instruction rows are trained on.", {.required = true});
  table.add("template", &P::prompt_template, "How a conversation is written for the model.", {.choices = template_names()});
  table.add("loss_on", &P::loss_on,
            "What is learnt of a conversation: its answers with the end after each, the last of them, or prompts as well.",
            {.choices = {"answers", "last_answer", "everything"}});
  table.include(&P::train, train_params());
  return table;
}

/// Whether anything is left to learn once an example is cut to the context.
bool cut_to(Example& example, std::size_t context, bool& was_cut) {
  was_cut = was_cut || example.ids.size() > context || example.source.size() > context;
  // A source keeps its end, where the question and EOS are.
  if (example.source.size() > context) {
    example.source.erase(example.source.begin(), example.source.end() - static_cast<std::ptrdiff_t>(context));
  }
  if (example.ids.size() > context) {
    example.ids.resize(context);
    example.labels.resize(context);
  }
  return std::any_of(example.labels.begin(), example.labels.end(), [](auto label) { return label != kIgnoreLabel; });
}

/// Rows that do not fit the context whole keep their prompt's beginning; a row whose answer would be cut away entirely
/// teaches nothing and is an error that says how many there are.
std::vector<Example> examples_of(const std::vector<InstructionRow>& rows, const SftParams& params, StageContext& context) {
  std::vector<Example> examples;
  const auto traits = context.model().traits();
  std::int64_t cut = 0;
  for (const auto& row : rows) {
    bool was_cut = false;
    auto of_row = training_examples(params.prompt_template, row.messages, context.tokenizer(), traits);
    sft::apply_loss_on(params.loss_on, of_row, traits);
    for (auto& example : of_row) {
      if (!cut_to(example, static_cast<std::size_t>(params.train.context), was_cut)) {
        throw DataError("instruction row '" + row.id + "' (" + row.source + "): its prompt fills all " +
                        std::to_string(params.train.context) +
                        " tokens of the context, so no answer is left to learn; raise context or remove the row");
      }
      examples.push_back(std::move(example));
    }
    cut += was_cut;
  }
  if (cut > 0) {
    context.note(std::to_string(cut) + " of " + std::to_string(rows.size()) + " instruction rows were cut to " +
                 std::to_string(params.train.context) + " tokens");
  }
  return examples;
}

class Sft final : public Stage {
 public:
  explicit Sft(const SftParams& params) : params_(params) {}

  FitStatus run(StageContext& context) override {
    context.set_prompt_template(params_.prompt_template);
    const auto load = [&](bool validation) {
      return examples_of(context.instructions(params_.data, validation), params_, context);
    };
    auto examples = load(false);
    FitPlan plan;
    plan.params = params_.train;
    plan.examples_per_epoch = static_cast<std::int64_t>(examples.size());
    const auto train = context.example_batches(std::move(examples), params_.train, "train");
    std::unique_ptr<BatchSource> validation;
    if (params_.train.validation_batches > 0) {
      validation = context.example_batches(load(true), params_.train, "validation");
    }
    plan.train = train.get();
    plan.validation = validation.get();
    plan.loss = [](Architecture& model, const Batch& batch) {
      return linear_cross_entropy(model.hidden(batch.input).flatten(0, 1), model.head(), batch.labels_BT.flatten());
    };
    return context.fit(plan);
  }

 private:
  SftParams params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("sft", "0.1.0") {
  using namespace temper;
  registrar.add<Stage>("sft", "Supervised fine-tuning on instructions with demonstrations.", sft_params(),
                       [](const SftParams& params, const Stage::Args&) { return std::make_unique<Sft>(params); });
}
