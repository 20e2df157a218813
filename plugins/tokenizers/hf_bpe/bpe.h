// Byte-pair merging: the bytes of a word, then again and again the pair of neighbours whose merge comes first in the file
// (leftmost of equals), until no pair has a merge. Words repeat, so a text's words are remembered while it is encoded.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace temper::hf_bpe_plugin {

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class Value>
using TextMap = std::unordered_map<std::string, Value, TextHash, std::equal_to<>>;

class MergeTable {
 public:
  struct Merge {
    std::int32_t rank = -1;  ///< -1: the pair is not merged
    std::int32_t made = -1;
  };
  MergeTable() : MergeTable(0) {}
  explicit MergeTable(std::size_t merges);
  /// A pair that is set again gets the later merge.
  void set(std::int32_t left, std::int32_t right, Merge merge);
  Merge find(std::int32_t left, std::int32_t right) const {
    for (std::size_t at = place_of(left, right);; at = (at + 1) & mask_) {
      const Slot& slot = slots_[at];
      if (slot.merge.rank < 0 || (slot.left == left && slot.right == right)) return slot.merge;
    }
  }

 private:
  struct Slot {
    std::int32_t left = -1, right = -1;
    Merge merge;
  };
  std::size_t place_of(std::int32_t left, std::int32_t right) const {
    const auto key = static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 | static_cast<std::uint32_t>(right);
    return (key * 0x9E3779B97F4A7C15u >> 29) & mask_;
  }
  std::vector<Slot> slots_;  ///< open addressing, at most half full
  std::size_t mask_ = 0;
};

struct BpeModel {
  std::array<std::int32_t, 256> byte_ids{};  ///< -1: the vocabulary lacks this byte
  MergeTable merges;
  TextMap<std::int32_t> whole_words;  ///< words taken as one token whatever the merges say; empty unless ignore_merges
  std::int32_t unknown = -1;          ///< for bytes without an id; -1: they are left out, as the reference does
  bool fuse_unknown = false;
};

/// Encodes the words of one text; made for each text, so that threads share nothing.
class WordEncoder {
 public:
  explicit WordEncoder(const BpeModel& model) : model_(model) {}
  void append(std::string_view word, std::vector<std::int32_t>& ids);

 private:
  struct Symbol {
    std::int32_t id = 0, previous = -1, next = -1;
  };
  struct Candidate {
    std::int32_t rank = 0, place = 0, made = 0;
    /// For std::push_heap: the lowest rank on top, the leftmost of equals.
    bool operator<(const Candidate& other) const { return rank != other.rank ? rank > other.rank : place > other.place; }
  };
  void merge(std::string_view word, std::vector<std::int32_t>& ids);
  void consider(std::int32_t place);

  const BpeModel& model_;
  TextMap<std::pair<std::size_t, std::size_t>> seen_;  ///< begin and end of the word's ids in ids_
  std::vector<std::int32_t> ids_;
  std::vector<Symbol> symbols_;
  std::vector<Candidate> heap_;
};

}  // namespace temper::hf_bpe_plugin
