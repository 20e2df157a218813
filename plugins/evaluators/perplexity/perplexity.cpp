// Scoring documents and summing up (see perplexity.h).
#include "perplexity.h"

#include <algorithm>
#include <cmath>

#include "temper/hash.h"

namespace temper::perplexity {
namespace {

constexpr double kLn2 = 0.693147180559945309417;

/// The text's first bytes, without a cut inside a character.
std::string beginning(const std::string& text) {
  std::size_t size = std::min<std::size_t>(text.size(), 200);
  while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

ParamTable<PerplexityParams> perplexity_params() {
  using P = PerplexityParams;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose held-out documents are scored.", {.required = true});
  table.add("documents", &P::documents, "Score at most this many documents; 0 is all.", {.min = 0, .max = 1e9});
  table.add("max_tokens", &P::max_tokens, "Score at most this many tokens of a document, from its start; 0 is all.",
            {.min = 0, .max = 1e9, .unit = "tokens"});
  return table;
}

EvalResult Perplexity::evaluate(EvalContext& context) {
  const auto documents = context.validation_documents(params_.data, params_.documents);
  if (documents.empty()) {
    throw DataError("evaluator perplexity found no held-out documents; raise validation_fraction or give more data");
  }
  const Tokenizer& tokenizer = context.tokenizer();
  std::vector<ScoreRequest> requests;
  std::vector<double> bytes;
  std::vector<const Document*> scored;
  for (const auto& document : documents) {
    ScoreRequest request;
    if (tokenizer.bos_id() >= 0) request.context_ids = {tokenizer.bos_id()};
    request.continuation_ids = tokenizer.encode(document.text);
    bool whole = true;
    if (params_.max_tokens > 0 && static_cast<std::int64_t>(request.continuation_ids.size()) > params_.max_tokens) {
      request.continuation_ids.resize(static_cast<std::size_t>(params_.max_tokens));
      whole = false;
    }
    if (tokenizer.bos_id() < 0 && request.continuation_ids.size() > 1) {
      request.context_ids = {request.continuation_ids.front()};
      request.continuation_ids.erase(request.continuation_ids.begin());
    }
    if (request.continuation_ids.empty()) continue;
    // A cut may end inside a character, whose bytes decode() replaces; only a whole document has its own byte count.
    bytes.push_back(static_cast<double>(whole ? document.text.size() : tokenizer.decode(request.continuation_ids).size()));
    requests.push_back(std::move(request));
    scored.push_back(&document);
  }
  if (requests.empty()) throw DataError("evaluator perplexity: every held-out document is empty");
  context.progress().begin("perplexity", static_cast<std::int64_t>(requests.size()));
  const auto scores = context.scorer().score(requests);
  context.progress().update(static_cast<std::int64_t>(requests.size()), "documents");
  context.progress().end();

  EvalResult result;
  result.score_names = {"nll_per_token.num", "nll_per_token.den", "bits_per_byte.num", "bits_per_byte.den"};
  std::vector<double> nll, tokens;
  for (std::size_t i = 0; i < scores.size(); ++i) {
    nll.push_back(-scores[i].sum);
    tokens.push_back(static_cast<double>(scores[i].log_probs.size()));
    ExampleRow row;
    row.item_id = scored[i]->id;
    row.prompt_sha = sha256_hex(scored[i]->text);
    row.prompt = beginning(scored[i]->text);
    row.scores = {nll.back(), tokens.back(), nll.back() / kLn2, bytes[i]};
    result.examples.push_back(std::move(row));
  }
  const auto log_ppl =
      ratio_metric({"nll_per_token", "nats/token", "Mean negative log-likelihood of a token.", Better::kLower}, nll, tokens,
                   context.seed());
  MetricValue ppl = log_ppl;
  ppl.spec = {"perplexity", "", "Exponential of the mean negative log-likelihood of a token.", Better::kLower};
  ppl.value = std::exp(log_ppl.value);
  ppl.std_error = ppl.value * log_ppl.std_error;  // delta method
  ppl.ci_low = std::exp(log_ppl.ci_low);
  ppl.ci_high = std::exp(log_ppl.ci_high);
  std::vector<double> bits(nll);
  for (auto& value : bits) value /= kLn2;
  const auto bpb =
      ratio_metric({"bits_per_byte", "bits/byte", "Code length of the text; comparable between tokenizers.", Better::kLower},
                   bits, bytes, context.seed());
  result.metrics = {bpb, ppl, log_ppl};
  return result;
}

}  // namespace temper::perplexity
