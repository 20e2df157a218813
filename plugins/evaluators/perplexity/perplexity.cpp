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

/// A causal model's request: the whole text behind BOS, or behind its own first token where there is no BOS.
std::vector<ScoreRequest> one_request(std::vector<std::int32_t> ids, std::int32_t bos) {
  ScoreRequest request;
  if (bos >= 0) request.context_ids = {bos};
  if (bos < 0 && ids.size() > 1) {
    request.context_ids = {ids.front()};
    ids.erase(ids.begin());
  }
  if (ids.empty()) return {};
  request.continuation_ids = std::move(ids);
  return {std::move(request)};
}

/// An encoder-decoder's requests: the text cut into windows, each with the window before it as source. The first has nothing
/// before it, so every token is written once, and the sum is a code length of the whole text.
std::vector<ScoreRequest> windows(const std::vector<std::int32_t>& ids, std::int64_t window) {
  std::vector<ScoreRequest> requests;
  const auto width = static_cast<std::size_t>(window);
  for (std::size_t first = 0; first < ids.size(); first += width) {
    const auto at = [&](std::size_t index) {
      return ids.begin() + static_cast<std::ptrdiff_t>(std::min(index, ids.size()));
    };
    ScoreRequest request;
    request.context_ids.assign(at(first - std::min(first, width)), at(first));
    request.continuation_ids.assign(at(first), at(first + width));
    requests.push_back(std::move(request));
  }
  return requests;
}

/// One document, its requests [first, last) and the bytes that they are scored over.
struct Scored {
  const Document* document;
  std::size_t first, last;
  double bytes;
};

}  // namespace

ParamTable<PerplexityParams> perplexity_params() {
  using P = PerplexityParams;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose held-out documents are scored.", {.required = true});
  table.add("documents", &P::documents, "Score at most this many documents; 0 is all.", {.min = 0, .max = 1e9});
  table.add("max_tokens", &P::max_tokens, "Score at most this many tokens of a document, from its start; 0 is all.",
            {.min = 0, .max = 1e9, .unit = "tokens"});
  table.add("window", &P::window,
            "Encoder-decoders only: tokens that the decoder writes at a time, with as many before them as source.",
            {.min = 1, .max = 1 << 20, .unit = "tokens"});
  return table;
}

EvalResult Perplexity::evaluate(EvalContext& context) {
  const auto documents = context.validation_documents(params_.data, params_.documents);
  if (documents.empty()) {
    throw DataError("evaluator perplexity found no held-out documents; raise validation_fraction or give more data");
  }
  const Tokenizer& tokenizer = context.tokenizer();
  const bool encoder_decoder = context.model().traits().encoder_decoder;
  std::vector<ScoreRequest> requests;
  std::vector<Scored> scored;
  for (const auto& document : documents) {
    auto ids = tokenizer.encode(document.text);
    bool whole = true;
    if (params_.max_tokens > 0 && static_cast<std::int64_t>(ids.size()) > params_.max_tokens) {
      ids.resize(static_cast<std::size_t>(params_.max_tokens));
      whole = false;
    }
    Scored item{&document, requests.size(), 0, 0};
    for (auto& request : encoder_decoder ? windows(ids, params_.window) : one_request(ids, tokenizer.bos_id())) {
      // A cut may end inside a character, whose bytes decode() replaces; only a whole document has its own byte count.
      if (!whole) item.bytes += static_cast<double>(tokenizer.decode(request.continuation_ids).size());
      requests.push_back(std::move(request));
    }
    item.last = requests.size();
    if (item.first == item.last) continue;
    if (whole) item.bytes = static_cast<double>(document.text.size());
    scored.push_back(item);
  }
  if (requests.empty()) throw DataError("evaluator perplexity: every held-out document is empty");
  context.progress().begin("perplexity", static_cast<std::int64_t>(scored.size()));
  const auto scores = context.scorer().score(requests);
  context.progress().update(static_cast<std::int64_t>(scored.size()), "documents");
  context.progress().end();

  EvalResult result;
  result.score_names = {"nll_per_token.num", "nll_per_token.den", "bits_per_byte.num", "bits_per_byte.den"};
  std::vector<double> nll, tokens, bytes;
  for (const auto& item : scored) {
    double log_likelihood = 0, count = 0;
    for (std::size_t i = item.first; i < item.last; ++i) {
      log_likelihood += scores[i].sum;
      count += static_cast<double>(scores[i].log_probs.size());
    }
    nll.push_back(-log_likelihood);
    tokens.push_back(count);
    bytes.push_back(item.bytes);
    ExampleRow row;
    row.item_id = item.document->id;
    row.prompt_sha = sha256_hex(item.document->text);
    row.prompt = beginning(item.document->text);
    row.scores = {nll.back(), tokens.back(), nll.back() / kLn2, item.bytes};
    result.examples.push_back(std::move(row));
  }
  const std::string how = encoder_decoder ? " Encoder-decoder: each window is written with the window before it as source, "
                                            "which is not the measure of a causal model."
                                          : "";
  const auto log_ppl =
      ratio_metric({"nll_per_token", "nats/token", "Mean negative log-likelihood of a token." + how, Better::kLower}, nll,
                   tokens, context.seed());
  MetricValue ppl = log_ppl;
  ppl.spec = {"perplexity", "", "Exponential of the mean negative log-likelihood of a token." + how, Better::kLower};
  ppl.value = std::exp(log_ppl.value);
  ppl.std_error = ppl.value * log_ppl.std_error;  // delta method
  ppl.ci_low = std::exp(log_ppl.ci_low);
  ppl.ci_high = std::exp(log_ppl.ci_high);
  std::vector<double> bits(nll);
  for (auto& value : bits) value /= kLn2;
  const auto bpb = ratio_metric(
      {"bits_per_byte", "bits/byte", "Code length of the text; comparable between tokenizers." + how, Better::kLower}, bits,
      bytes, context.seed());
  result.metrics = {bpb, ppl, log_ppl};
  return result;
}

}  // namespace temper::perplexity
