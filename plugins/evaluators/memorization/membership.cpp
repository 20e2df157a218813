// See membership.h.
#include "membership.h"

#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "temper/hash.h"
#include "temper/random.h"

namespace temper::memorization {
namespace {

using Ids = std::vector<std::int32_t>;

struct Beginning {
  std::string id;
  Ids ids;
};

/// First tokens of documents in an order drawn by `seed`, each text once, at most `wanted` of at least `shortest` tokens.
/// Those that stand in `index` are left out, if there is one.
std::vector<Beginning> beginnings(const std::vector<Document>& documents, const Tokenizer& tokenizer, std::size_t tokens,
                                  std::size_t wanted, const CorpusIndex* index, std::uint64_t seed) {
  const Permutation order(documents.size(), seed);
  std::set<Ids> seen;
  std::vector<Beginning> found;
  // Of a corpus of lines most may be too short; looking on for ever would tokenise all of it.
  const std::size_t most = std::min(documents.size(), wanted * 20);
  for (std::size_t i = 0; i < most && found.size() < wanted; ++i) {
    const Document& document = documents[order(i)];
    auto ids = first_tokens(tokenizer, document.text, tokens);
    if (ids.size() < tokens || !seen.insert(ids).second) continue;
    if (index != nullptr && index->count(whole_text(tokenizer, ids)) > 0) continue;
    found.push_back({document.id, std::move(ids)});
  }
  return found;
}

/// The length that half of the documents (each text once) reach, but no more than asked for and no less than two.
std::size_t common_length(const std::vector<Document>& documents, const Tokenizer& tokenizer, std::size_t most,
                          std::uint64_t seed) {
  constexpr std::size_t kLooked = 200;
  const Permutation order(documents.size(), seed);
  std::vector<std::size_t> lengths;
  std::set<std::string_view> seen;
  for (std::size_t i = 0; i < documents.size() && lengths.size() < kLooked; ++i) {
    const std::string_view text = documents[order(i)].text;
    if (seen.insert(text).second) lengths.push_back(first_tokens(tokenizer, text, most).size());
  }
  std::sort(lengths.begin(), lengths.end());
  return std::max<std::size_t>(2, lengths[(lengths.size() - 1) / 2]);
}

double compressed_bytes(const std::string& text) {
  uLongf size = compressBound(static_cast<uLong>(text.size()));
  std::vector<Bytef> buffer(size);
  if (compress2(buffer.data(), &size, reinterpret_cast<const Bytef*>(text.data()), static_cast<uLong>(text.size()), 6) !=
      Z_OK) {
    throw PluginError("zlib could not compress a text of " + std::to_string(text.size()) + " bytes");
  }
  return static_cast<double>(size);
}

/// Higher means "rather a member", for each attack.
struct Attacks {
  std::vector<double> loss, min_k, zlib;
};

}  // namespace

double area_under_roc(const std::vector<double>& members, const std::vector<double>& others) {
  std::vector<double> sorted = others;
  std::sort(sorted.begin(), sorted.end());
  double wins = 0;
  for (const double value : members) {
    const auto [low, high] = std::equal_range(sorted.begin(), sorted.end(), value);
    wins += static_cast<double>(low - sorted.begin()) + 0.5 * static_cast<double>(high - low);
  }
  return wins / static_cast<double>(members.size()) / static_cast<double>(others.size());
}

MetricValue area_metric(const MetricSpec& spec, const std::vector<double>& members, const std::vector<double>& others,
                        std::uint64_t seed, int resamples) {
  MetricValue metric{
      spec, area_under_roc(members, others), 0, 0, 0, static_cast<std::int64_t>(members.size() + others.size())};
  Rng rng(derive_seed(seed, {"bootstrap", spec.name}));
  const auto draw = [&](const std::vector<double>& values) {
    std::vector<double> drawn(values.size());
    for (auto& value : drawn) value = values[rng.below(values.size())];
    return drawn;
  };
  std::vector<double> areas;
  for (int r = 0; r < resamples; ++r) {
    const auto drawn_members = draw(members);
    areas.push_back(area_under_roc(drawn_members, draw(others)));
  }
  std::sort(areas.begin(), areas.end());
  const auto m = static_cast<double>(areas.size());
  double mean = 0, squares = 0;
  for (const double area : areas) mean += area / m;
  for (const double area : areas) squares += (area - mean) * (area - mean);
  metric.std_error = std::sqrt(squares / (m - 1));
  metric.ci_low = std::min(metric.value, areas[static_cast<std::size_t>(std::floor(0.025 * (m - 1)))]);
  metric.ci_high = std::max(metric.value, areas[static_cast<std::size_t>(std::ceil(0.975 * (m - 1)))]);
  return metric;
}

double mean_of_lowest(std::vector<float> values, double share) {
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(static_cast<double>(values.size()) * share));
  std::partial_sort(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(count), values.end());
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += values[i];
  return sum / static_cast<double>(count);
}

void measure_membership(EvalContext& context, const Params& params, const std::vector<Document>& training,
                        const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet) {
  if (params.membership_documents == 0 || training.empty() || held_out.empty()) return;
  const Tokenizer& tokenizer = context.tokenizer();
  const bool encoder_decoder = context.model().traits().encoder_decoder;
  const auto wanted = static_cast<std::size_t>(params.membership_documents);
  const std::size_t length = common_length(held_out, tokenizer, static_cast<std::size_t>(params.membership_tokens),
                                           derive_seed(context.seed(), {"membership length"}));
  const std::vector<std::vector<Beginning>> sides = {
      beginnings(training, tokenizer, length, wanted, nullptr, derive_seed(context.seed(), {"members"})),
      beginnings(held_out, tokenizer, length, wanted, &index, derive_seed(context.seed(), {"non-members"}))};
  if (sides[0].size() < 2 || sides[1].size() < 2) return;

  const std::string over = " Over the first " + std::to_string(length) + " tokens of each.";
  sheet.mean({"loss_training", "nats/token", "Mean loss of training documents." + over, Better::kNeither});
  sheet.mean({"loss_held_out", "nats/token", "Mean loss of held-out documents." + over, Better::kNeither});
  context.progress().begin("memorization: membership", 2);
  std::vector<Attacks> attacks(2);
  for (std::size_t side = 0; side < 2; ++side) {
    if (context.cancelled()) throw Cancelled("evaluator memorization was stopped");
    // An encoder-decoder writes the second half, reading the first; a causal model without BOS needs the first token.
    const std::size_t given = encoder_decoder ? length / 2 : tokenizer.bos_id() < 0 ? 1 : 0;
    std::vector<ScoreRequest> requests;
    for (const auto& one : sides[side]) {
      const auto at = one.ids.begin() + static_cast<std::ptrdiff_t>(given);
      ScoreRequest request{Ids(one.ids.begin(), at), Ids(at, one.ids.end())};
      if (given == 0) request.context_ids = {tokenizer.bos_id()};
      requests.push_back(std::move(request));
    }
    const auto scores = context.scorer().score(requests);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const Beginning& one = sides[side][i];
      const std::string text = whole_text(tokenizer, one.ids);
      const double loss = -scores[i].sum / static_cast<double>(scores[i].log_probs.size());
      attacks[side].loss.push_back(-loss);
      attacks[side].min_k.push_back(mean_of_lowest(scores[i].log_probs, params.min_k));
      attacks[side].zlib.push_back(-loss / compressed_bytes(text));
      ExampleRow row;
      row.item_id = std::string(side == 0 ? "member:" : "non_member:") + one.id;
      row.prompt_sha = sha256_hex(text);
      row.prompt = text;
      const std::size_t at = sheet.add_row(std::move(row));
      sheet.put(side == 0 ? "loss_training" : "loss_held_out", at, loss);
    }
    context.progress().update(static_cast<std::int64_t>(side + 1), "");
  }
  context.progress().end();
  const std::string between = "Area under the ROC curve of telling training from held-out documents by ";
  const auto add = [&](const char* name, const std::string& how, std::vector<double> Attacks::*values) {
    sheet.number(area_metric({name, "", between + how + "; 0.5 is chance." + over, Better::kLower}, attacks[0].*values,
                             attacks[1].*values, sheet.seed()));
  };
  add("membership_auc_loss", "the mean loss", &Attacks::loss);
  add("membership_auc_min_k", "the mean log-probability of the least likely tokens", &Attacks::min_k);
  add("membership_auc_zlib", "the loss over the size that zlib makes of the text", &Attacks::zlib);
}

}  // namespace temper::memorization
