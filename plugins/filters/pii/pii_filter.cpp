// See pii_filter.h.
#include "pii_filter.h"

#include <algorithm>

#include "settling.h"
#include "temper/hash.h"

namespace temper::pii_filter {
namespace {

/// Somebody has listed it, which says more than that it looks like a telephone number and less than a checksum.
constexpr double kListScore = 0.6;
constexpr int kFakeAttempts = 8;

std::vector<std::filesystem::path> paths_of(const std::vector<std::string>& files, const std::string& base_dir) {
  std::vector<std::filesystem::path> paths;
  for (const auto& file : files) paths.push_back(std::filesystem::path(base_dir) / file);
  return paths;
}

std::string hash_of(const std::vector<std::filesystem::path>& names, const std::vector<std::filesystem::path>& addresses) {
  if (names.empty() && addresses.empty()) return "";
  Sha256 hash;
  for (const auto* list : {&names, &addresses}) {
    hash.update(list == &names ? "names\n" : "addresses\n");
    for (const auto& path : *list) hash.update(sha256_file(path)).update("\n");
  }
  return hash.hex();
}

}  // namespace

ParamTable<PiiParams> pii_params() {
  using P = PiiParams;
  ParamTable<P> table;
  table.add("types", &P::types, "Types to look for, such as email, phone, card, name; empty takes all that there are.");
  table.add("action", &P::action,
            "What happens to finds: masked (<EMAIL>), replaced by a fake that is the same for the same value, the document "
            "dropped, or only noted in the ledger.",
            {.choices = {"mask", "replace", "drop", "mark"}});
  table.add("min_score", &P::min_score, "Finds with a lower score are left alone.", {.min = 0, .max = 1});
  table.add("max_count", &P::max_count, "Documents with more finds than this are dropped whatever the action; 0 is off.",
            {.min = 0, .max = 1e9});
  table.add("names", &P::names,
            "Lists of persons' names, one a line, found as whole words; a Korean name also with particles.");
  table.add("addresses", &P::addresses, "Lists of streets, towns or whole addresses, one a line, found like names.");
  table.add("seed", &P::seed, "Key of the fakes: the same seed gives the same fakes in every corpus.", {.min = 0});
  return table;
}

std::string PiiFilter::type_name(PiiType type) {
  return type == kName ? "name" : type == kAddress ? "address" : std::string(pii_name(type));
}

PiiFilter::PiiFilter(const PiiParams& params, const Filter::Args& args)
    : params_(params), wanted_(kAllTypes, params.types.empty()), fakes_(params.seed) {
  for (const auto& name : params.types) {
    std::string known;
    bool found = false;
    for (std::size_t i = 0; i < kAllTypes; ++i) {
      const std::string one = type_name(static_cast<PiiType>(i));
      known += (known.empty() ? "" : ", ") + one;
      if (one != name) continue;
      wanted_[i] = true;
      found = true;
    }
    if (!found) throw ConfigError("types: '" + name + "' is no type of personal data; there are " + known);
    if ((name == "name" && params.names.empty()) || (name == "address" && params.addresses.empty())) {
      throw ConfigError("types: '" + name + "' needs a list; give `" + (name == "name" ? "names" : "addresses") +
                        "` a file with one a line");
    }
  }
  const auto names = paths_of(params.names, args.base_dir), addresses = paths_of(params.addresses, args.base_dir);
  if (!names.empty()) names_.emplace(TermList::load(names));
  if (!addresses.empty()) addresses_.emplace(TermList::load(addresses));
  fingerprint_ = hash_of(names, addresses);
}

std::vector<PiiSpan> PiiFilter::find(std::string_view text) const {
  auto spans = scan_pii(text);
  const std::size_t by_form = spans.size();
  const auto add = [&](const std::optional<TermList>& list, PiiType type) {
    if (!list || !wanted_[static_cast<std::size_t>(type)]) return;
    for (const auto& hit : list->find(text)) spans.push_back({hit.begin, hit.end, 0, 0, type, kListScore});
  };
  add(names_, kName);
  add(addresses_, kAddress);
  if (spans.size() > by_form) spans = resolve_pii(text, std::move(spans));
  std::erase_if(spans, [&](const PiiSpan& span) {
    if (!wanted_[static_cast<std::size_t>(span.type)] || span.score < params_.min_score) return true;
    return params_.action == "replace" && is_fake(span.type, text.substr(span.begin, span.end - span.begin));
  });
  return spans;
}

std::string PiiFilter::tag(PiiType type) const {
  std::string tag = type_name(type);
  for (char& c : tag) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return "<" + tag + ">";
}

std::string PiiFilter::replacement(PiiType type, std::string_view value) const {
  if (params_.action == "mask") return tag(type);
  // Made-up names may happen to be listed, or to look like something else.
  for (int attempt = 0; attempt < kFakeAttempts; ++attempt) {
    std::string fake = fakes_.fake(type, value, attempt);
    if (!fake.empty() && find(fake).empty()) return fake;
  }
  return tag(type);
}

FilterResult PiiFilter::judge(const Document& document) const {
  const std::string& text = document.text;
  const auto found = find(text);
  FilterResult result;
  result.score = 0;
  for (const auto& span : found) result.score = std::max(result.score, span.score);
  if (params_.max_count > 0 && found.size() > static_cast<std::size_t>(params_.max_count)) {
    return {true, "too_many", result.score};
  }
  if (params_.action == "drop" && !found.empty()) return {true, type_name(found.front().type), result.score};
  for (const auto& span : found) {
    result.spans.push_back({span.begin, span.end, type_name(span.type)});
    if (params_.action == "mark") continue;
    result.spans.back().replacement =
        replacement(span.type, std::string_view(text).substr(span.begin, span.end - span.begin));
  }
  if (found.empty() || params_.action == "mark") return result;
  settle(text, result.spans, [&](const std::string& edited) {
    std::vector<FilterSpan> masks;
    for (const auto& span : find(edited)) masks.push_back({span.begin, span.end, type_name(span.type), tag(span.type)});
    return masks;
  });
  return result;
}

}  // namespace temper::pii_filter
