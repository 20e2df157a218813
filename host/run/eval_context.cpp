// Evaluator context (see eval_context.h).
#include "host/run/eval_context.h"

#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "temper/random.h"

namespace temper {

RunEvalContext::RunEvalContext(const std::string& name, const std::string& stage, std::uint64_t run_seed,
                               Architecture& model, const std::string& prompt_template, RunAssets& assets,
                               TerminalProgress& progress)
    : seed_(derive_seed(run_seed, {"evaluator", name})),
      model_(model),
      prompt_template_(template_or_default(prompt_template)),
      assets_(assets),
      progress_(stage, progress),
      generator_(model, assets.tokenizer(), {64, cancel_requested, {}}),
      scorer_(model, assets.tokenizer(), cancel_requested) {}

std::vector<Document> RunEvalContext::validation_documents(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.validation_documents(datasets, limit);
}

std::vector<EvalItem> RunEvalContext::items(const std::vector<std::string>& datasets, std::int64_t limit) {
  return assets_.items(datasets, limit);
}

bool RunEvalContext::cancelled() const { return cancel_requested(); }

}  // namespace temper
