// Tokens that are matched in the text as they stand, before it is cut into words: <|im_start|> and the like. Whether the
// special ones among them count is the caller's choice, since users' text must never become one.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bpe.h"

namespace temper::hf_bpe_plugin {

struct AddedToken {
  std::int32_t id = -1;
  std::string content;
  bool special = false;
  bool single_word = false;  ///< not where a word character stands right before or behind
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space behind it
  bool normalized = false;   ///< looked for after normalisation, itself normalised
};

class AddedTokens {
 public:
  AddedTokens() = default;
  explicit AddedTokens(const std::vector<AddedToken>& tokens);

  /// Nothing to find with these settings.
  bool idle(bool with_special) const { return with_special ? tokens_.empty() : !has_ordinary_; }
  bool has(std::int32_t id) const;
  /// Calls `sink(id, text)` for every token and, with id -1, every stretch between them, from left to right.
  using Sink = std::function<void(std::int32_t, std::string_view)>;
  void split(std::string_view text, bool with_special, const Sink& sink) const;

 private:
  const AddedToken* longest_at(std::string_view text, std::size_t at) const;

  std::vector<AddedToken> tokens_;
  TextMap<std::size_t> by_content_;
  std::vector<std::size_t> lengths_;  ///< that occur, longest first
  std::array<bool, 256> begins_{};    ///< a token begins with this byte
  bool has_ordinary_ = false;
};

}  // namespace temper::hf_bpe_plugin
