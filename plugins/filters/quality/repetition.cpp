// Counting by hashes (see repetition.h).
#include "repetition.h"

#include <algorithm>
#include <bit>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "utf8.h"

namespace temper::quality {
namespace {

std::uint64_t hash_of(std::string_view text) { return XXH3_64bits(text.data(), text.size()); }

std::uint64_t joined(std::uint64_t run, std::uint64_t token) {
  const std::uint64_t mixed = (run * 0x9E3779B97F4A7C15ULL) ^ token;
  return mixed ^ (mixed >> 29);
}

}  // namespace

Duplicates duplicates(const std::vector<std::string_view>& parts) {
  Duplicates found;
  if (parts.size() < 2) return found;
  std::vector<const std::string_view*> seen(std::bit_ceil(2 * parts.size()));
  for (const auto& part : parts) {
    std::size_t at = hash_of(part) & (seen.size() - 1);
    while (seen[at] != nullptr && *seen[at] != part) at = (at + 1) & (seen.size() - 1);
    if (seen[at] == nullptr) {
      seen[at] = &part;
      continue;
    }
    ++found.count;
    found.characters += filters::count_chars(part);
  }
  return found;
}

RepeatedRuns::RepeatedRuns(const std::vector<Token>& tokens) {
  tokens_.reserve(tokens.size());
  runs_.reserve(tokens.size());
  characters_before_.reserve(tokens.size() + 1);
  characters_before_.push_back(0);
  for (const Token& token : tokens) {
    runs_.push_back({runs_.size(), hash_of(token.text)});
    tokens_.push_back(runs_.back().number);
    characters_before_.push_back(characters_before_.back() + token.characters);
  }
}

void RepeatedRuns::lengthen() {
  // A run goes on where the one that begins a token later is repeated as well.
  std::size_t kept = 0;
  for (std::size_t i = 0; i + 1 < runs_.size(); ++i) {
    const Run run = runs_[i];
    if (runs_[i + 1].begin != run.begin + 1) continue;
    runs_[kept++] = {run.begin, joined(run.number, tokens_[run.begin + length_])};
  }
  runs_.resize(kept);
  ++length_;
  leave_repeated();
}

void RepeatedRuns::leave_repeated() {
  // Runs that share a place are taken for repeated; eight places for each keep them few.
  seen_.assign(std::bit_ceil(8 * runs_.size() + 1), 0);
  const std::uint64_t mask = seen_.size() - 1;
  for (const Run& run : runs_) {
    std::uint8_t& times = seen_[run.number & mask];
    times = static_cast<std::uint8_t>(times == 0 ? 1 : 2);
  }
  std::erase_if(runs_, [&](const Run& run) { return seen_[run.number & mask] < 2; });
}

void RepeatedRuns::clear_counts() { places_.assign(std::bit_ceil(2 * runs_.size() + 1), {}); }

std::size_t RepeatedRuns::count(const Run& run) {
  std::size_t at = run.number & (places_.size() - 1);
  while (places_[at].count > 0 && places_[at].number != run.number) at = (at + 1) & (places_.size() - 1);
  places_[at].number = run.number;
  return ++places_[at].count;
}

std::size_t RepeatedRuns::most_frequent() {
  clear_counts();
  std::size_t most = 0, in_it = 0;
  for (const Run& run : runs_) {
    const std::size_t times = count(run);
    // What stands once is not repeated; of equally frequent ones the first that got there counts.
    if (times <= most || times == 1) continue;
    most = times;
    in_it = characters(run) + length_ - 1;
  }
  return most * in_it;
}

std::size_t RepeatedRuns::standing_before() {
  clear_counts();
  std::size_t sum = 0, next = 0;
  for (const Run& run : runs_) {
    if (run.begin < next || count(run) == 1) continue;
    sum += characters(run);
    next = run.begin + length_;
  }
  return sum;
}

}  // namespace temper::quality
