// @name@: an evaluator to start from. Lets the model answer every item and counts how often the answer is the reference.
// Replace the score by your own.
#include "temper/plugin.h"

#include "temper/evaluator.h"
#include "temper/hash.h"
#include "temper/template.h"

namespace temper {
namespace {

struct @Name@Params {
  std::vector<std::string> data;
  std::int64_t limit = 200;
  std::int64_t max_new_tokens = 32;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose items are asked.", {.required = true});
  table.add("limit", &P::limit, "Ask at most this many items; 0 is all.", {.min = 0, .max = 1e9});
  table.add("max_new_tokens", &P::max_new_tokens, "Longest answer.", {.min = 1, .max = 100000, .unit = "tokens"});
  return table;
}

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string::npos ? "" : text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

class @Name@ final : public Evaluator {
 public:
  explicit @Name@(const @Name@Params& params) : params_(params) {}

  EvalResult evaluate(EvalContext& context) override {
    const auto items = context.items(params_.data, params_.limit);
    if (items.empty()) throw DataError("evaluator @name@ found no items; check `data` and `limit`");
    std::vector<GenerateRequest> requests;
    EvalResult result;
    for (const auto& item : items) {
      const auto prompt = render_prompt(context.prompt_template(), item.prompt, context.tokenizer());
      // Each item has a random stream of its own, so that leaving one out changes no other.
      requests.push_back({prompt.ids, derive_seed(context.seed(), {item.id})});
      result.examples.push_back({item.id, sha256_hex(prompt.text), prompt.text, "", item.reference, {}});
    }
    SamplingParams sampling;
    sampling.max_new_tokens = params_.max_new_tokens;
    const auto answers = context.generator().generate(requests, sampling);
    std::int64_t right = 0;
    for (std::size_t i = 0; i < answers.size(); ++i) {
      auto& row = result.examples[i];
      row.response = answers[i].text;
      const bool equal = trimmed(row.response) == trimmed(row.reference);
      row.scores = {equal ? 1.0 : 0.0};
      right += equal ? 1 : 0;
    }
    result.score_names = {"exact_match"};
    result.metrics = {proportion_metric({"exact_match", "", "Share of answers equal to the reference.", Better::kHigher}, right,
                                        static_cast<std::int64_t>(answers.size()))};
    return result;
  }

 private:
  @Name@Params params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "@name@", "Share of answers equal to the reference.", params_table(),
      [](const @Name@Params& params, const Evaluator::Args&) { return std::make_unique<@Name@>(params); });
}
