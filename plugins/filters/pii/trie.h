// A trie in one hash table: nodes are numbers, edges have a word's number and a small number for what stands in front of
// it. Used by term_list.h.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "temper/error.h"

namespace temper::pii_filter {

class Trie {
 public:
  static constexpr std::uint32_t kNone = 0xFFFFFFFF, kRoot = 0;
  static constexpr std::uint32_t kGaps = 1U << 8, kLabels = 1U << 28;

  struct Node {
    bool ends = false;           ///< a term ends here
    std::uint64_t capitals = 0;  ///< its words that need one, by bit
  };

  std::uint32_t child(std::uint32_t node, std::uint32_t gap, std::uint32_t label) const {
    const auto found = edges_.find(key(node, gap, label));
    return found == edges_.end() ? kNone : found->second;
  }
  /// Throws DataError where there are too many.
  std::uint32_t make_child(std::uint32_t node, std::uint32_t gap, std::uint32_t label) {
    if (nodes_.size() >= kLabels) throw DataError("the word lists are too long; use fewer or shorter terms");
    const auto [edge, is_new] = edges_.try_emplace(key(node, gap, label), static_cast<std::uint32_t>(nodes_.size()));
    if (is_new) nodes_.emplace_back();
    return edge->second;
  }
  Node& node(std::uint32_t number) { return nodes_[number]; }
  const Node& node(std::uint32_t number) const { return nodes_[number]; }

 private:
  struct Hash {
    std::size_t operator()(std::uint64_t key) const {
      key = (key ^ (key >> 32)) * 0x9E3779B97F4A7C15ULL;
      return static_cast<std::size_t>(key ^ (key >> 29));
    }
  };
  static std::uint64_t key(std::uint32_t node, std::uint32_t gap, std::uint32_t label) {
    return (static_cast<std::uint64_t>(node) << 36) | (static_cast<std::uint64_t>(gap) << 28) | label;
  }

  std::vector<Node> nodes_{1};
  std::unordered_map<std::uint64_t, std::uint32_t, Hash> edges_;
};

}  // namespace temper::pii_filter
