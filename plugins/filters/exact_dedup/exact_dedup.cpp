// Sorted hashes (see exact_dedup.h).
#include "exact_dedup.h"

#include <algorithm>
#include <cstring>

#include "words.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace temper::filters {

ParamTable<ExactDedupParams> exact_dedup_params() {
  using P = ExactDedupParams;
  ParamTable<P> table;
  table.add("compare", &P::compare,
            "What has to be the same: the text byte by byte, or its folded form (NFKC, case and white space aside).",
            {.choices = {"text", "folded"}});
  table.add("action", &P::action, "What happens to copies: dropped, or only noted in the ledger.",
            {.choices = {"drop", "mark"}});
  return table;
}

std::string ExactDedup::digest(const Document& document) const {
  const auto hash = [](std::string_view text) {
    const XXH128_hash_t value = XXH3_128bits(text.data(), text.size());
    std::string bytes(2 * sizeof(std::uint64_t), '\0');
    std::memcpy(bytes.data(), &value.high64, sizeof value.high64);
    std::memcpy(bytes.data() + sizeof value.high64, &value.low64, sizeof value.low64);
    return bytes;
  };
  return params_.compare == "text" ? hash(document.text) : hash(folded(document.text));
}

void ExactDedup::add(std::uint64_t number, std::string_view digest) {
  if (digest.size() != 2 * sizeof(std::uint64_t)) throw DataError("a digest is damaged");
  Key key;
  std::memcpy(&key.high, digest.data(), sizeof key.high);
  std::memcpy(&key.low, digest.data() + sizeof key.high, sizeof key.low);
  key.number = number;
  keys_.push_back(key);
}

void ExactDedup::decide(const CorpusTexts&, const std::function<bool()>&) {
  std::sort(keys_.begin(), keys_.end());
  for (std::size_t begin = 0; begin < keys_.size();) {
    std::size_t end = begin + 1;
    while (end < keys_.size() && keys_[end].high == keys_[begin].high && keys_[end].low == keys_[begin].low) ++end;
    for (std::size_t i = begin + 1; i < end; ++i) copies_.emplace_back(keys_[i].number, keys_[begin].number);
    if (end - begin > 1) firsts_.push_back(keys_[begin].number);
    begin = end;
  }
  std::sort(copies_.begin(), copies_.end());
  std::sort(firsts_.begin(), firsts_.end());
  std::vector<Key>().swap(keys_);
}

FilterResult ExactDedup::result(std::uint64_t number, const Document&) const {
  FilterResult result;
  const auto copy = std::lower_bound(copies_.begin(), copies_.end(), std::pair<std::uint64_t, std::uint64_t>(number, 0));
  if (copy == copies_.end() || copy->first != number) {
    if (std::binary_search(firsts_.begin(), firsts_.end(), number)) result.cluster = number;
    return result;
  }
  result.cluster = result.partner = copy->second;
  result.score = 1;
  if (params_.action == "mark") return result;
  result.drop = true;
  result.reason = "copy";
  return result;
}

}  // namespace temper::filters
