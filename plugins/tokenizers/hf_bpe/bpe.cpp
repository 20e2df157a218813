// Byte-pair merging over a linked list of symbols with a heap of possible merges (see bpe.h): n log n for a word of n bytes.
#include "bpe.h"

#include <algorithm>
#include <bit>

namespace temper::hf_bpe_plugin {

/// Longer words hardly repeat and would only fill the memory.
constexpr std::size_t kLongestRemembered = 64;

MergeTable::MergeTable(std::size_t merges) : slots_(std::bit_ceil(2 * merges + 2)), mask_(slots_.size() - 1) {}

void MergeTable::set(std::int32_t left, std::int32_t right, Merge merge) {
  std::size_t at = place_of(left, right);
  while (slots_[at].merge.rank >= 0 && (slots_[at].left != left || slots_[at].right != right)) at = (at + 1) & mask_;
  slots_[at] = {left, right, merge};
}

void WordEncoder::append(std::string_view word, std::vector<std::int32_t>& ids) {
  if (word.size() == 1) {
    if (const auto id = model_.byte_ids[static_cast<unsigned char>(word[0])]; id >= 0) return ids.push_back(id);
  }
  if (word.size() > kLongestRemembered) return merge(word, ids);
  auto entry = seen_.find(word);
  if (entry == seen_.end()) {
    const std::size_t begin = ids_.size();
    merge(word, ids_);
    entry = seen_.try_emplace(std::string(word), begin, ids_.size()).first;
  }
  const auto [begin, end] = entry->second;
  ids.insert(ids.end(), ids_.begin() + static_cast<std::ptrdiff_t>(begin), ids_.begin() + static_cast<std::ptrdiff_t>(end));
}

void WordEncoder::consider(std::int32_t place) {
  const Symbol& left = symbols_[static_cast<std::size_t>(place)];
  if (left.next < 0) return;
  const auto merge = model_.merges.find(left.id, symbols_[static_cast<std::size_t>(left.next)].id);
  if (merge.rank < 0) return;
  heap_.push_back({merge.rank, place, merge.made});
  std::push_heap(heap_.begin(), heap_.end());
}

void WordEncoder::merge(std::string_view word, std::vector<std::int32_t>& ids) {
  if (const auto whole = model_.whole_words.find(word); whole != model_.whole_words.end()) {
    return ids.push_back(whole->second);
  }
  symbols_.clear();
  heap_.clear();
  for (const char c : word) {
    std::int32_t id = model_.byte_ids[static_cast<unsigned char>(c)];
    const bool known = id >= 0;
    if (!known) id = model_.unknown;
    if (id < 0) continue;
    if (!known && model_.fuse_unknown && !symbols_.empty() && symbols_.back().id == id) continue;
    const auto place = static_cast<std::int32_t>(symbols_.size());
    if (place > 0) symbols_.back().next = place;
    symbols_.push_back({id, place - 1, -1});
  }
  if (symbols_.empty()) return;
  for (std::size_t place = 0; place + 1 < symbols_.size(); ++place) consider(static_cast<std::int32_t>(place));
  while (!heap_.empty()) {
    std::pop_heap(heap_.begin(), heap_.end());
    const Candidate best = heap_.back();
    heap_.pop_back();
    Symbol& left = symbols_[static_cast<std::size_t>(best.place)];
    if (left.id < 0 || left.next < 0) continue;
    Symbol& right = symbols_[static_cast<std::size_t>(left.next)];
    // One of the two may have been merged since; then this candidate is of the past.
    const auto now = model_.merges.find(left.id, right.id);
    if (now.rank != best.rank || now.made != best.made) continue;
    left.id = best.made;
    left.next = right.next;
    right.id = -1;
    if (left.next >= 0) symbols_[static_cast<std::size_t>(left.next)].previous = best.place;
    consider(best.place);
    if (left.previous >= 0) consider(left.previous);
  }
  for (std::int32_t place = 0; place >= 0; place = symbols_[static_cast<std::size_t>(place)].next) {
    ids.push_back(symbols_[static_cast<std::size_t>(place)].id);
  }
}

}  // namespace temper::hf_bpe_plugin
