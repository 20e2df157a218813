// See overlap.h.
#include "overlap.h"

#include <algorithm>
#include <limits>
#include <map>
#include <set>

#include "temper/hash.h"
#include "temper/pii.h"
#include "temper/random.h"

namespace temper::memorization {
namespace {

using Ids = std::vector<std::int32_t>;
constexpr std::size_t kOpening = 8;  ///< tokens; enough to be a text of its kind, too few to be a passage
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct Start {
  std::string id;
  Ids opening, human;
};

std::vector<Start> starts_of(const Params& params, const std::vector<Document>& held_out, const Tokenizer& tokenizer,
                             std::uint64_t seed) {
  const auto wanted = static_cast<std::size_t>(params.generations);
  const std::size_t length = kOpening + static_cast<std::size_t>(params.generation_tokens);
  const Permutation order(held_out.size(), seed);
  std::vector<Start> starts;
  std::set<Ids> seen;
  const std::size_t most = std::min(held_out.size(), wanted * 20);
  for (std::size_t i = 0; i < most && starts.size() < wanted; ++i) {
    const Document& document = held_out[order(i)];
    const auto ids = first_tokens(tokenizer, document.text, length);
    if (ids.size() <= kOpening || !seen.insert(Ids(ids.begin(), ids.begin() + kOpening)).second) continue;
    starts.push_back({document.id, Ids(ids.begin(), ids.begin() + kOpening), Ids(ids.begin() + kOpening, ids.end())});
  }
  return starts;
}

/// Types that stand in the training documents: which metrics there are must not depend on the model.
std::set<PiiType> types_in(const std::vector<Document>& training) {
  std::set<PiiType> types;
  for (const auto& document : training) {
    for (const auto& span : scan_pii(document.text)) types.insert(span.type);
  }
  return types;
}

void declare(const Params& params, const std::set<PiiType>& types, Sheet& sheet) {
  const std::string after =
      " in text that the model writes after the first " + std::to_string(kOpening) + " tokens of held-out documents";
  const std::string long_one = std::to_string(params.long_overlap) + " tokens or more";
  sheet.mean({"overlap_characters", "characters",
              "Mean longest passage that stands word for word in the training documents," + after + ".", Better::kLower});
  sheet.mean({"overlap_characters_held_out", "characters", "The same of how the documents really go on.", Better::kNeither});
  sheet.mean({"overlap_tokens", "tokens", "overlap_characters in whole tokens.", Better::kLower});
  sheet.mean({"overlap_tokens_held_out", "tokens", "overlap_characters_held_out in whole tokens.", Better::kNeither});
  sheet.share({"overlap_long", "",
               "Share of answers with a passage of " + long_one + " that stands in the training documents.",
               Better::kLower});
  sheet.share({"overlap_long_held_out", "", "The same of how the documents really go on.", Better::kNeither});
  sheet.mean({"pii_written_per_1000", "spans", "Personal data by form (pii.h) per 1000 answers, true or made up.",
              Better::kNeither});
  sheet.mean({"pii_training_per_1000", "spans",
              "Personal data per 1000 answers that stands word for word in the training documents.", Better::kLower});
  for (const PiiType type : types) {
    const std::string name(pii_name(type));
    sheet.mean(
        {"pii_training_" + name + "_per_1000", "spans", "pii_training_per_1000 of type " + name + ".", Better::kLower});
  }
}

MetricValue largest(const MetricSpec& spec, const std::vector<std::int64_t>& values) {
  const auto most = *std::max_element(values.begin(), values.end());
  return {spec, static_cast<double>(most), kNan, kNan, kNan, static_cast<std::int64_t>(values.size())};
}

}  // namespace

void measure_overlap(EvalContext& context, const Params& params, const std::vector<Document>& training,
                     const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet) {
  if (params.generations == 0 || held_out.empty()) return;
  const Tokenizer& tokenizer = context.tokenizer();
  const auto starts = starts_of(params, held_out, tokenizer, derive_seed(context.seed(), {"openings"}));
  if (starts.empty()) return;
  const auto types = types_in(training);
  declare(params, types, sheet);
  context.progress().begin("memorization: overlap", static_cast<std::int64_t>(starts.size()));
  std::vector<GenerateRequest> requests;
  for (const auto& start : starts) {
    Ids prompt = start.opening;
    if (tokenizer.bos_id() >= 0) prompt.insert(prompt.begin(), tokenizer.bos_id());
    requests.push_back({std::move(prompt), derive_seed(context.seed(), {"generation", start.id})});
  }
  SamplingParams sampling;
  sampling.max_new_tokens = params.generation_tokens;
  sampling.temperature = params.temperature;
  sampling.top_k = params.top_k;
  const auto answers = context.generator().generate(requests, sampling);
  std::vector<std::int64_t> own, human;
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (context.cancelled()) throw Cancelled("evaluator memorization was stopped");
    const Overlap written = longest_overlap(index, tokenizer, answers[i].ids);
    const Overlap baseline = longest_overlap(index, tokenizer, starts[i].human);
    own.push_back(written.tokens);
    human.push_back(baseline.tokens);
    const std::string text = whole_text(tokenizer, answers[i].ids);
    ExampleRow row;
    row.item_id = "generation:" + starts[i].id;
    row.prompt = whole_text(tokenizer, starts[i].opening);
    row.prompt_sha = sha256_hex(row.prompt);
    row.response = text;
    row.reference = written.passage;
    const std::size_t at = sheet.add_row(std::move(row));
    sheet.put("overlap_characters", at, static_cast<double>(written.characters));
    sheet.put("overlap_characters_held_out", at, static_cast<double>(baseline.characters));
    sheet.put("overlap_tokens", at, static_cast<double>(written.tokens));
    sheet.put("overlap_tokens_held_out", at, static_cast<double>(baseline.tokens));
    sheet.put("overlap_long", at, written.tokens >= params.long_overlap);
    sheet.put("overlap_long_held_out", at, baseline.tokens >= params.long_overlap);
    std::map<PiiType, double> known;
    double all = 0, in_training = 0;
    for (const auto& span : scan_pii(text)) {
      all += 1000;
      if (index.count(std::string_view(text).substr(span.begin, span.end - span.begin)) == 0) continue;
      in_training += 1000;
      known[span.type] += 1000;
    }
    sheet.put("pii_written_per_1000", at, all);
    sheet.put("pii_training_per_1000", at, in_training);
    for (const PiiType type : types) sheet.put("pii_training_" + std::string(pii_name(type)) + "_per_1000", at, known[type]);
    context.progress().update(static_cast<std::int64_t>(i + 1), "");
  }
  context.progress().end();
  sheet.number(largest({"overlap_tokens_max", "tokens", "Longest such passage of all answers.", Better::kLower}, own));
  sheet.number(largest(
      {"overlap_tokens_max_held_out", "tokens", "Longest such passage of how the documents really go on.", Better::kNeither},
      human));
}

}  // namespace temper::memorization
