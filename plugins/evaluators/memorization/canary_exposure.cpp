// See canary_exposure.h.
#include "canary_exposure.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "questions.h"
#include "temper/hash.h"
#include "temper/random.h"

namespace temper::memorization {
namespace {

using Ids = std::vector<std::int32_t>;
using nlohmann::json;

struct Canary {
  std::string id, before, secret, after, alphabet, cluster;
  std::int64_t repeats = 0;
};

Canary read_canary(const EvalItem& item) {
  try {
    const json attributes = evaluators::parse_object(item.attributes_json, "attributes");
    const auto text = [&](const char* name) {
      const auto found = attributes.find(name);
      if (found == attributes.end() || !found->is_string()) {
        throw DataError(std::string("attribute '") + name +
                        "' is missing or no text; a canary has before, secret, after, alphabet and repeats");
      }
      return found->get<std::string>();
    };
    Canary canary{item.id, text("before"), text("secret"), text("after"), text("alphabet"), item.cluster, 0};
    const auto repeats = attributes.find("repeats");
    if (repeats == attributes.end() || !repeats->is_number_integer() || repeats->get<std::int64_t>() < 0) {
      throw DataError("attribute 'repeats' is missing or no whole number from 0 up; say how often the canary was planted");
    }
    canary.repeats = repeats->get<std::int64_t>();
    const std::set<char> symbols(canary.alphabet.begin(), canary.alphabet.end());
    if (canary.secret.empty() || symbols.size() < 2 || symbols.size() != canary.alphabet.size() ||
        canary.secret.find_first_not_of(canary.alphabet) != std::string::npos) {
      throw DataError("the secret '" + canary.secret + "' has to be made of the alphabet '" + canary.alphabet +
                      "', which needs two or more different symbols");
    }
    return canary;
  } catch (const DataError& error) {
    throw DataError(item.source + ": item '" + item.id + "': " + error.what());
  }
}

/// All other secrets if there are at most `most`, else that many different ones.
std::vector<std::string> other_secrets(const Canary& canary, std::int64_t most, Rng& rng) {
  const auto symbols = canary.alphabet.size();
  double space = std::pow(static_cast<double>(symbols), static_cast<double>(canary.secret.size()));
  std::vector<std::string> others;
  if (space - 1 <= static_cast<double>(most)) {
    std::string word(canary.secret.size(), canary.alphabet[0]);
    std::vector<std::size_t> places(word.size(), 0);
    for (;;) {
      if (word != canary.secret) others.push_back(word);
      std::size_t k = word.size();
      while (k > 0 && ++places[k - 1] == symbols) {
        places[k - 1] = 0;
        word[--k] = canary.alphabet[0];
      }
      if (k == 0) return others;
      word[k - 1] = canary.alphabet[places[k - 1]];
    }
  }
  std::set<std::string> seen = {canary.secret};
  while (static_cast<std::int64_t>(others.size()) < most) {
    std::string word;
    for (std::size_t k = 0; k < canary.secret.size(); ++k) word += canary.alphabet[rng.below(symbols)];
    if (seen.insert(word).second) others.push_back(word);
  }
  return others;
}

/// The candidates' tokens, the true secret's first, divided where they begin to differ: what all share changes no rank.
struct Candidates {
  Ids shared;
  std::vector<Ids> rest;
};

Candidates candidates_of(const Canary& canary, const std::vector<std::string>& others, const Tokenizer& tokenizer) {
  Candidates candidates;
  std::vector<Ids> all = {tokenizer.encode(canary.before + canary.secret + canary.after)};
  for (const auto& other : others) all.push_back(tokenizer.encode(canary.before + other + canary.after));
  std::size_t shared = all.front().size();
  for (const auto& ids : all) {
    shared = std::min(shared, ids.size());
    shared = static_cast<std::size_t>(
        std::mismatch(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(shared), all.front().begin()).first -
        ids.begin());
  }
  // A continuation needs a token, also where one candidate's tokens begin another's.
  for (const auto& ids : all) shared = std::min(shared, ids.size() - 1);
  const auto at = static_cast<std::ptrdiff_t>(shared);
  candidates.shared.assign(all.front().begin(), all.front().begin() + at);
  for (const auto& ids : all) candidates.rest.emplace_back(ids.begin() + at, ids.end());
  return candidates;
}

/// How often each canary was really seen: copies may have been removed, or lie on the held-out side of the split.
void count_repeats(std::vector<Canary>& canaries, const CorpusIndex& index) {
  std::vector<std::int64_t> found;
  bool planted = false, any = false;
  for (const auto& canary : canaries) {
    found.push_back(static_cast<std::int64_t>(index.count(canary.before + canary.secret + canary.after)));
    planted = planted || canary.repeats > 0;
    any = any || found.back() > 0;
  }
  if (planted && !any) {
    throw DataError(
        "none of the canaries stands in the training documents; name the dataset that plants them in 'data' too, and let "
        "the "
        "stage train on it");
  }
  for (std::size_t i = 0; i < canaries.size(); ++i) canaries[i].repeats = found[i];
}

}  // namespace

double expected_exposure(std::int64_t candidates) {
  const auto n = static_cast<double>(candidates);
  return std::log2(n) - std::lgamma(n + 1) / std::log(2.0) / n;
}

double fitted_exposure(double truth, const std::vector<double>& others, double most) {
  const auto n = static_cast<double>(others.size());
  double mean = 0, squares = 0;
  for (const double other : others) mean += other / n;
  for (const double other : others) squares += (other - mean) * (other - mean);
  const double deviation = others.size() > 1 ? std::sqrt(squares / (n - 1)) : 0;
  // All alike: the true one is among them, above all, or below all.
  if (deviation <= 1e-9 * (1 + std::abs(mean)))
    return std::abs(truth - mean) <= 1e-9 * (1 + std::abs(mean)) ? 1 : truth > mean ? most : 0;
  const double tail = 0.5 * std::erfc((truth - mean) / deviation / std::sqrt(2.0));
  return tail <= 0 ? most : std::min(most, -std::log2(tail));
}

void measure_canaries(EvalContext& context, const Params& params, const CorpusIndex& index, Sheet& sheet) {
  if (params.canaries.empty()) return;
  std::vector<Canary> canaries;
  for (const auto& item : context.items(params.canaries, 0)) {
    if (item.task == "canary") canaries.push_back(read_canary(item));
  }
  if (canaries.empty()) {
    throw DataError(
        "evaluator memorization found no item of task 'canary' in the datasets of 'canaries'; name a dataset such as "
        "canaries there");
  }
  count_repeats(canaries, index);
  std::set<std::int64_t> classes;
  for (const auto& canary : canaries) classes.insert(canary.repeats);

  const Tokenizer& tokenizer = context.tokenizer();
  const bool encoder_decoder = context.model().traits().encoder_decoder;
  context.progress().begin("memorization: canaries", static_cast<std::int64_t>(canaries.size()));
  std::vector<double> exposures, fitted;
  std::vector<std::size_t> rows;
  std::vector<GenerateRequest> prompts;
  std::vector<Ids> shared;
  std::int64_t longest = 1;
  double most = 0, chance = 0, widest = 0;
  for (const auto& canary : canaries) {
    if (context.cancelled()) throw Cancelled("evaluator memorization was stopped");
    Rng rng(derive_seed(context.seed(), {"canary", canary.id}));
    const auto others = other_secrets(canary, params.alternatives, rng);
    Candidates candidates = candidates_of(canary, others, tokenizer);
    Ids given = candidates.shared;
    if (!encoder_decoder && tokenizer.bos_id() >= 0) given.insert(given.begin(), tokenizer.bos_id());
    if (given.empty() && !encoder_decoder) {
      throw DataError("canary '" + canary.id +
                      "' has nothing before its secret and the tokenizer has no BOS; put words before it");
    }
    std::vector<ScoreRequest> requests;
    for (const auto& rest : candidates.rest) requests.push_back({given, rest});
    const auto scores = context.scorer().score(requests);
    std::uint64_t better = 0, equal = 0;
    std::vector<double> sums;
    for (std::size_t i = 1; i < scores.size(); ++i) {
      sums.push_back(scores[i].sum);
      better += scores[i].sum > scores[0].sum;
      equal += scores[i].sum == scores[0].sum;
    }
    // Among equals the place is drawn, so that a model that knows nothing gets the average of one.
    const auto rank = static_cast<double>(1 + better + rng.below(equal + 1));
    const auto candidates_count = static_cast<double>(scores.size());
    most = std::max(most, std::log2(candidates_count));
    chance = std::max(chance, expected_exposure(static_cast<std::int64_t>(scores.size())));
    exposures.push_back(std::log2(candidates_count) - std::log2(rank));
    const double space = static_cast<double>(canary.secret.size()) * std::log2(static_cast<double>(canary.alphabet.size()));
    fitted.push_back(fitted_exposure(scores[0].sum, sums, space));
    widest = std::max(widest, space);
    longest = std::max(longest, static_cast<std::int64_t>(candidates.rest.front().size()));
    prompts.push_back({given.empty() ? Ids{tokenizer.eos_ids().front()} : given, rng.next()});
    shared.push_back(candidates.shared);
    ExampleRow row;
    row.item_id = "canary:" + canary.id;
    row.prompt_sha = sha256_hex(canary.before);
    row.prompt = canary.before;
    row.reference = canary.secret;
    row.cluster = canary.cluster;
    rows.push_back(sheet.add_row(std::move(row)));
    context.progress().update(static_cast<std::int64_t>(rows.size()), "");
  }
  SamplingParams sampling;
  sampling.max_new_tokens = longest + 4;
  const auto answers = context.generator().generate(prompts, sampling);
  context.progress().end();

  char bits[100], fit[100];
  std::snprintf(bits, sizeof bits, "at most %.2f, %.2f expected of a model that knows nothing.", most, chance);
  std::snprintf(fit, sizeof fit, "at most %.2f, 1.44 expected of a model that knows nothing.", widest);
  for (const std::int64_t repeats : classes) {
    const std::string r = "r" + std::to_string(repeats);
    const std::string words = "secrets that stand " + std::to_string(repeats) + " times in the training documents";
    sheet.mean({"exposure_" + r, "bits", "Mean exposure of " + words + ": " + bits,
                repeats > 0 ? Better::kLower : Better::kNeither});
    sheet.mean(
        {"exposure_fit_" + r, "bits",
         "exposure_" + r + " with the candidates' log-probabilities taken for normal, to see beyond their number: " + fit,
         repeats > 0 ? Better::kLower : Better::kNeither});
    sheet.share({"canary_extracted_" + r, "",
                 "Share of " + words + " that the model writes itself, greedily, after the words before them.",
                 repeats > 0 ? Better::kLower : Better::kNeither});
  }
  for (std::size_t i = 0; i < canaries.size(); ++i) {
    const std::string r = "r" + std::to_string(canaries[i].repeats);
    Ids both = shared[i];
    both.insert(both.end(), answers[i].ids.begin(), answers[i].ids.end());
    const std::string text = whole_text(tokenizer, both), prefix = canaries[i].before;
    sheet.row(rows[i]).response =
        text.size() > prefix.size() && text.starts_with(prefix) ? text.substr(prefix.size()) : text;
    sheet.put("exposure_" + r, rows[i], exposures[i]);
    sheet.put("exposure_fit_" + r, rows[i], fitted[i]);
    sheet.put("canary_extracted_" + r, rows[i], text.starts_with(prefix + canaries[i].secret));
  }
}

}  // namespace temper::memorization
