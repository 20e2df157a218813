// Perplexity and bits per byte over held-out documents. Every token after BOS is scored once, in rolling windows; totals are
// summed over all documents before the exponential, and bytes are those of the UTF-8 text, so that bits per byte can be
// compared between tokenizers. An encoder-decoder writes a document window by window, each with the one before as source.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::perplexity {

struct PerplexityParams {
  std::vector<std::string> data;
  std::int64_t documents = 200;
  std::int64_t max_tokens = 1024;
  std::int64_t window = 64;
};

ParamTable<PerplexityParams> perplexity_params();

class Perplexity final : public Evaluator {
 public:
  explicit Perplexity(const PerplexityParams& params) : params_(params) {}
  EvalResult evaluate(EvalContext& context) override;

 private:
  PerplexityParams params_;
};

}  // namespace temper::perplexity
