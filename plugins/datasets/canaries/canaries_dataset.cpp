// Names, secrets and streams (see canaries_dataset.h). Canary i has a random number generator of its own, derived from
// canary_seed and i, so that asking for more canaries changes none of the first.
#include "canaries_dataset.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "temper/hash.h"
#include "temper/random.h"

namespace temper::canaries {
namespace {

/// Raised whenever the same parameters begin to give other bytes.
constexpr std::string_view kGenerator = "canaries 1";
constexpr std::int64_t kMostRepeats = 1000000;

template <class Row>
class RowStream final : public Stream<Row> {
 public:
  explicit RowStream(std::vector<Row> rows) : rows_(std::move(rows)) {}
  bool next(Row& row) override {
    if (index_ == rows_.size()) return false;
    row = rows_[index_++];
    return true;
  }

 private:
  std::vector<Row> rows_;
  std::size_t index_ = 0;
};

/// Two or three syllables with a capital. There are tens of thousands, so hardly any is anybody's.
std::string draw_word(Rng& rng) {
  constexpr std::array kOnsets = {"b", "br", "d", "dr", "f", "g",  "h", "k",  "l",
                                  "m", "n",  "p", "r",  "s", "st", "t", "tr", "v"};
  constexpr std::array kVowels = {"a", "e", "i", "o", "u"};
  constexpr std::array kEnds = {"l", "n", "r", "s", "th", "ck"};
  std::string word;
  const std::uint64_t syllables = 2 + rng.below(2);
  for (std::uint64_t i = 0; i < syllables; ++i) {
    word += kOnsets[rng.below(kOnsets.size())];
    word += kVowels[rng.below(kVowels.size())];
  }
  word += kEnds[rng.below(kEnds.size())];
  word[0] = static_cast<char>(word[0] - 'a' + 'A');
  return word;
}

std::int64_t repeats_from(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 7 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const std::int64_t value = digits ? std::stoll(text) : -1;
  if (value < 0 || value > kMostRepeats) {
    throw ConfigError("repeats holds '" + text + "', must be whole numbers from 0 to " + std::to_string(kMostRepeats) +
                      "; write for instance [0, 1, 4, 16]");
  }
  return value;
}

/// The text's parts before, between and behind its two places.
std::array<std::string, 3> parts_of(const std::string& text) {
  constexpr std::string_view kName = "{name}", kSecret = "{secret}";
  const std::size_t name = text.find(kName), secret = text.find(kSecret);
  const bool once = name != std::string::npos && secret != std::string::npos &&
                    text.find(kName, name + 1) == std::string::npos && text.find(kSecret, secret + 1) == std::string::npos;
  if (!once || name > secret) {
    throw ConfigError("text is '" + text + "', must hold {name} once and {secret} once behind it; write for instance '" +
                      CanaryParams{}.text + "'");
  }
  const std::size_t behind_name = name + kName.size();
  return {text.substr(0, name), text.substr(behind_name, secret - behind_name), text.substr(secret + kSecret.size())};
}

std::string padded(std::size_t index) {
  std::string digits = std::to_string(index);
  return digits.size() < 4 ? std::string(4 - digits.size(), '0') + digits : digits;
}

}  // namespace

ParamTable<CanaryParams> canary_params() {
  using P = CanaryParams;
  ParamTable<P> table;
  table.add("canaries", &P::canaries, "Different planted sentences.", {.min = 1, .max = 1e6});
  table.add("repeats", &P::repeats,
            "How often sentences are repeated; they go through these numbers in turn. 0 are controls that are never seen.");
  table.add("text", &P::text, "The sentence; {name} becomes a made-up name and {secret}, behind it, the digits.");
  table.add("digits", &P::digits, "Length of a secret: ten to this power are possible.",
            {.min = 1, .max = 18, .unit = "digits"});
  table.add("canary_seed", &P::canary_seed,
            "Seed of names and secrets; the run's seed has no part in it, so that runs plant the same ones.",
            {.min = 0, .max = 1e15});
  return table;
}

std::vector<Canary> make_canaries(const CanaryParams& params) {
  const auto [before, between, after] = parts_of(params.text);
  std::vector<std::int64_t> repeats;
  for (const auto& text : params.repeats) repeats.push_back(repeats_from(text));
  if (repeats.empty() || std::all_of(repeats.begin(), repeats.end(), [](std::int64_t n) { return n == 0; })) {
    throw ConfigError("repeats has no number above 0, so that nothing would be planted; write for instance [0, 1, 4, 16]");
  }
  const std::uint64_t seed = derive_seed(static_cast<std::uint64_t>(params.canary_seed), {"canaries"});
  std::set<std::string> names;
  std::vector<Canary> canaries;
  for (std::int64_t i = 0; i < params.canaries; ++i) {
    Rng rng(derive_seed(seed, static_cast<std::uint64_t>(i)));
    Canary canary;
    canary.id = "canary-" + padded(static_cast<std::size_t>(i));
    canary.repeats = repeats[static_cast<std::size_t>(i) % repeats.size()];
    do canary.name = draw_word(rng) + " " + draw_word(rng);
    while (!names.insert(canary.name).second);
    for (std::int64_t k = 0; k < params.digits; ++k) canary.secret += static_cast<char>('0' + rng.below(10));
    canary.before = before + canary.name + between;
    canary.after = after;
    canaries.push_back(std::move(canary));
  }
  return canaries;
}

CanariesDataset::CanariesDataset(const CanaryParams& params)
    : params_(params), canaries_(std::make_shared<const std::vector<Canary>>(make_canaries(params))) {}

std::string CanariesDataset::fingerprint() {
  std::string text(kGenerator);
  for (const auto& spec : canary_params().specs_of(params_)) text += "\n" + spec.name + "=" + to_text(spec.default_value);
  return sha256_hex(text);
}

std::unique_ptr<Stream<Document>> CanariesDataset::documents(Split split) {
  /// Copy after copy of all, made when read: there may be many.
  class Copies final : public Stream<Document> {
   public:
    explicit Copies(std::shared_ptr<const std::vector<Canary>> canaries) : canaries_(std::move(canaries)) {
      for (const auto& canary : *canaries_) most_ = std::max(most_, canary.repeats);
    }
    bool next(Document& document) override {
      for (; copy_ < most_; ++copy_, index_ = 0) {
        while (index_ < canaries_->size()) {
          const Canary& canary = (*canaries_)[index_++];
          if (copy_ >= canary.repeats) continue;
          document.id = canary.id + "-copy-" + padded(static_cast<std::size_t>(copy_));
          document.text = canary.sentence();
          document.source = "canaries:" + document.id;
          return true;
        }
      }
      return false;
    }

   private:
    std::shared_ptr<const std::vector<Canary>> canaries_;
    std::int64_t copy_ = 0, most_ = 0;
    std::size_t index_ = 0;
  };
  if (split == Split::kTest) return std::make_unique<RowStream<Document>>(std::vector<Document>{});
  return std::make_unique<Copies>(canaries_);
}

std::unique_ptr<Stream<EvalItem>> CanariesDataset::items(Split split) {
  std::vector<EvalItem> items;
  for (const Canary& canary : *canaries_) {
    if (split == Split::kTrain) break;
    EvalItem item;
    item.id = canary.id;
    item.task = "canary";
    item.prompt = {{"user", canary.before}};
    item.reference = canary.secret;
    item.attributes_json = nlohmann::json{{"text", params_.text},     {"name", canary.name},   {"before", canary.before},
                                          {"secret", canary.secret},  {"after", canary.after}, {"alphabet", "0123456789"},
                                          {"repeats", canary.repeats}}
                               .dump();
    item.source = "canaries:" + canary.id;
    items.push_back(std::move(item));
  }
  return std::make_unique<RowStream<EvalItem>>(std::move(items));
}

}  // namespace temper::canaries
