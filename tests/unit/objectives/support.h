// A byte tokenizer with BOS, EOS, padding, sentinels and a few named special tokens, and short ways to write pieces and read
// examples.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/objective.h"

namespace objective_test {

using namespace temper;
using Ids = std::vector<std::int64_t>;

class Bytes final : public Tokenizer {
 public:
  static constexpr std::int32_t kBos = 256, kEos = 257, kPad = 258;
  explicit Bytes(std::int32_t sentinels, std::vector<std::string> special = {})
      : sentinels_(sentinels), special_(std::move(special)) {}
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return {}; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return {}; }
  std::string model_file_name() const override { return "bytes"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  /// Bytes that are no UTF-8 on their own become U+FFFD, as the interface wants it.
  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (std::size_t i = 0; i < ids.size(); ++i) {
      const std::int32_t id = ids[i];
      if (id > 255) continue;
      if (id < 0x80) {
        text += static_cast<char>(id);
      } else if ((id & 0xE0) == 0xC0 && i + 1 < ids.size() && (ids[i + 1] & 0xC0) == 0x80) {
        text += static_cast<char>(id);
        text += static_cast<char>(ids[++i]);
      } else {
        text += "\xEF\xBF\xBD";
      }
    }
    return text;
  }
  std::string piece(std::int32_t id) const override {
    if (id < 256) return std::string(1, static_cast<char>(id));
    const auto extra = static_cast<std::size_t>(id - kPad - 1);
    return id > kPad && extra < special_.size() ? special_[extra] : "<" + std::to_string(id) + ">";
  }
  std::int64_t vocab_size() const override { return kPad + 1 + static_cast<std::int64_t>(special_.size()) + sentinels_; }
  std::int32_t bos_id() const override { return kBos; }
  std::int32_t pad_id() const override { return kPad; }
  std::vector<std::int32_t> eos_ids() const override { return {kEos}; }
  std::vector<std::int32_t> sentinel_ids() const override {
    std::vector<std::int32_t> ids;
    for (std::int32_t k = 0; k < sentinels_; ++k) ids.push_back(static_cast<std::int32_t>(vocab_size()) - 1 - k);
    return ids;
  }

 private:
  std::int32_t sentinels_;
  std::vector<std::string> special_;
};

/// Letters, one id each; `length` of them.
inline std::vector<std::int32_t> letters(std::int64_t length) {
  std::vector<std::int32_t> ids;
  for (std::int64_t i = 0; i < length; ++i) ids.push_back(static_cast<std::int32_t>(97 + i % 26));
  return ids;
}

/// A whole document as the host gives it: BOS in front, EOS behind.
inline std::vector<std::int32_t> document(const std::string& text) {
  std::vector<std::int32_t> ids{Bytes::kBos};
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  ids.push_back(Bytes::kEos);
  return ids;
}

inline Piece whole(const std::vector<std::int32_t>& ids) { return {ids, -1, true, true}; }
inline Piece middle(const std::vector<std::int32_t>& ids, std::int32_t next = 'z') { return {ids, next, false, false}; }

/// The labels that count, in order.
inline Ids targets(const Example& example) {
  Ids result;
  for (const auto label : example.labels) {
    if (label != kIgnoreLabel) result.push_back(label);
  }
  return result;
}

/// Whether each label is the id that stands behind its position.
inline bool labels_follow(const Example& example) {
  for (std::size_t t = 0; t + 1 < example.ids.size(); ++t) {
    if (example.labels[t] != kIgnoreLabel && example.labels[t] != example.ids[t + 1]) return false;
  }
  return true;
}

}  // namespace objective_test
