// Runs of equal suffixes to ranges of documents (see substring_dedup.h).
#include "substring_dedup.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <unordered_map>

#include "temper/suffix_array.h"
#include "words.h"

namespace temper::filters {

/// Neighbouring documents that are searched as one.
struct SubstringDedup::Piece {
  std::uint64_t first = 0, last = 0;  ///< documents first .. last - 1
  std::vector<std::int32_t> units;    ///< bytes, or words by a number of their own, with a separator behind each document
};

struct SubstringDedup::Plan {
  std::uint64_t units = 0;    ///< of all documents, separators included
  std::vector<Piece> pieces;  ///< still without their units
};

namespace {

/// What a suffix array over so many units takes, with the units themselves and their common prefixes.
std::uint64_t bytes_for(std::uint64_t units, bool words) {
  const auto memory = suffix_array_memory(units, words ? 4 : 2);
  return std::max(memory.building, memory.kept + memory.lcp) + units * sizeof(std::int32_t);
}

bool inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

}  // namespace

ParamTable<SubstringDedupParams> substring_dedup_params() {
  using P = SubstringDedupParams;
  ParamTable<P> table;
  table.add("min_length", &P::min_length, "Shortest passage that counts as repeated.",
            {.min = 2, .max = 1000000, .unit = "units"});
  table.add("unit", &P::unit, "What a passage is counted in. Words are compared without regard to case and punctuation.",
            {.choices = {"word", "byte"}});
  table.add("action", &P::action, "What happens to later occurrences: taken out, or only noted in the ledger.",
            {.choices = {"remove", "mark"}});
  return table;
}

std::string SubstringDedup::digest(const Document& document) const {
  const std::uint64_t length = by_words() ? words_with_places(document.text).hashes.size() : document.text.size();
  return {reinterpret_cast<const char*>(&length), sizeof length};
}

void SubstringDedup::add(std::uint64_t, std::string_view digest) {
  std::uint64_t length = 0;
  if (digest.size() != sizeof length) throw DataError("a digest is damaged");
  std::memcpy(&length, digest.data(), sizeof length);
  lengths_.push_back(length);
}

SubstringDedup::Plan SubstringDedup::plan() const {
  Plan plan;
  for (const auto length : lengths_) plan.units += length + 1;
  // Two pieces have to fit together; half the memory is left for the texts as they are read.
  std::uint64_t budget = plan.units;
  if (bytes_for(plan.units, by_words()) > args_.memory_bytes / 2) {
    budget = 1;
    while (bytes_for(4 * budget, by_words()) <= args_.memory_bytes / 2) budget *= 2;
  }
  std::uint64_t held = 0;
  for (std::uint64_t i = 0; i < lengths_.size(); ++i) {
    if (plan.pieces.empty() || held + lengths_[i] + 1 > budget) {
      plan.pieces.push_back({i, i, {}});
      held = 0;
    }
    held += lengths_[i] + 1;
    plan.pieces.back().last = i + 1;
  }
  return plan;
}

std::string SubstringDedup::needs() const {
  const Plan whole = plan();
  const auto megabytes = [](std::uint64_t bytes) { return std::to_string((bytes >> 20) + 1) + " MB"; };
  std::string text = "the suffix array of all " + std::to_string(whole.units) + (by_words() ? " words" : " bytes") +
                     " takes " + megabytes(bytes_for(whole.units, by_words())) + " of memory";
  const std::uint64_t pieces = whole.pieces.size();
  if (pieces <= 1) return text;
  return text + ", more than half of the " + megabytes(args_.memory_bytes - 1) + " that it may hold, so " +
         std::to_string(pieces) + " pieces are searched two by two, " + std::to_string(pieces * (pieces - 1) / 2) + " times";
}

void SubstringDedup::decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) {
  repeated_.resize(lengths_.size());
  const Plan whole = plan();
  const std::vector<Piece>& plan = whole.pieces;
  building_bytes_ = static_cast<double>(bytes_for(whole.units, by_words()));
  pieces_ = static_cast<double>(plan.size());

  std::unordered_map<std::uint64_t, std::int32_t> words;
  const auto load = [&](Piece piece) {
    for (std::uint64_t number = piece.first; number < piece.last; ++number) {
      const std::string text = texts.text(number);
      if (by_words()) {
        for (const std::uint64_t hash : words_with_places(text).hashes) {
          piece.units.push_back(words.try_emplace(hash, static_cast<std::int32_t>(words.size())).first->second);
        }
      } else {
        for (const char c : text) piece.units.push_back(static_cast<unsigned char>(c));
      }
      piece.units.push_back(kTokenSeparator);
    }
    return piece;
  };
  for (std::size_t i = 0; i < plan.size(); ++i) {
    const Piece one = load(plan[i]);
    if (plan.size() == 1) search({one});
    for (std::size_t j = i + 1; j < plan.size(); ++j) {
      if (cancelled()) throw Cancelled("stopped while looking for repeated passages");
      search({one, load(plan[j])});
    }
  }
  for (auto& ranges : repeated_) {
    std::sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.begin < b.begin; });
    std::vector<Range> apart;
    for (const Range& range : ranges) {
      if (!apart.empty() && range.begin <= apart.back().end) {
        apart.back().end = std::max(apart.back().end, range.end);
      } else {
        apart.push_back(range);
      }
    }
    ranges = std::move(apart);
    repeats_ += static_cast<double>(ranges.size());
  }
}

void SubstringDedup::search(const std::vector<Piece>& pieces) {
  std::vector<std::int32_t> all;
  std::vector<std::uint64_t> starts, numbers;  // of the documents in `all`
  for (const auto& piece : pieces) {
    std::uint64_t at = all.size();
    for (std::uint64_t number = piece.first; number < piece.last; ++number) {
      starts.push_back(at);
      numbers.push_back(number);
      at += lengths_[number] + 1;
    }
    all.insert(all.end(), piece.units.begin(), piece.units.end());
  }
  const SuffixArray<std::int32_t> suffixes{std::span<const std::int32_t>(all)};
  const auto common = suffixes.lcp(kTokenSeparator);
  const auto length = static_cast<std::uint64_t>(params_.min_length);
  // Runs of suffixes that begin with the same `length` units; all but the first in the text are repeats. One that overlaps
  // the first is left to the suffixes behind it, so that the first occurrence stays whole.
  std::vector<std::uint8_t> repeats(all.size());
  for (std::uint64_t begin = 0; begin < all.size();) {
    std::uint64_t end = begin + 1, first = suffixes[begin];
    for (; end < all.size() && common[end] >= length; ++end) first = std::min(first, suffixes[end]);
    for (std::uint64_t rank = begin; rank < end && end - begin > 1; ++rank) {
      if (suffixes[rank] >= first + length) repeats[suffixes[rank]] = 1;
    }
    begin = end;
  }
  for (std::uint64_t at = 0; at < all.size(); ++at) {
    if (repeats[at] == 0) continue;
    const auto document = static_cast<std::size_t>(std::upper_bound(starts.begin(), starts.end(), at) - starts.begin()) - 1;
    auto& ranges = repeated_[numbers[document]];
    const Range range{at - starts[document], at - starts[document] + length};
    if (!ranges.empty() && ranges.back().begin <= range.begin && range.begin <= ranges.back().end) {
      ranges.back().end = std::max(ranges.back().end, range.end);
    } else {
      ranges.push_back(range);
    }
  }
}

FilterResult SubstringDedup::result(std::uint64_t number, const Document& document) const {
  FilterResult result;
  const auto& ranges = repeated_.at(number);
  if (ranges.empty()) return result;
  const std::string& text = document.text;
  Units words;
  if (by_words()) words = words_with_places(text);
  std::uint64_t repeated = 0;
  for (const Range& range : ranges) {
    FilterSpan span{range.begin, range.end, "repeated"};
    if (by_words()) {
      span.begin = words.begins[range.begin];
      // With what stands between the passage and the next word, so that the rest reads on.
      span.end = range.end < words.begins.size() ? words.begins[range.end] : text.size();
    } else {
      while (inside_character(text, span.begin)) ++span.begin;
      while (inside_character(text, span.end)) --span.end;
    }
    if (span.begin >= span.end) continue;
    repeated += span.end - span.begin;
    if (params_.action == "remove") span.replacement = "";
    result.spans.push_back(std::move(span));
  }
  result.score = static_cast<double>(repeated) / static_cast<double>(std::max<std::size_t>(text.size(), 1));
  return result;
}

std::vector<std::pair<std::string, double>> SubstringDedup::figures() const {
  return {{"repeated passages", repeats_}, {"pieces", pieces_}, {"bytes of memory for all at once", building_bytes_}};
}

}  // namespace temper::filters
