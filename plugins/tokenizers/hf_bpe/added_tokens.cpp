// Finding added tokens (see added_tokens.h): leftmost, then longest. A token that its flags forbid at a place, or a special
// one when those do not count, still hides shorter tokens there, as in the tokenizers library.
#include "added_tokens.h"

#include <algorithm>

#include "utf8.h"

namespace temper::hf_bpe_plugin {
namespace {

/// Begin of the character that ends before `at`; at itself if none valid does.
std::size_t previous_character(std::string_view text, std::size_t at) {
  for (std::size_t length = 1; length <= 4 && length <= at; ++length) {
    if (character_length(text, at - length) == length) return at - length;
  }
  return at;
}

bool word_ends(std::string_view text, std::size_t at) {
  const std::size_t begin = previous_character(text, at);
  return begin < at && is_word_character(code_point(text, begin));
}

bool word_begins(std::string_view text, std::size_t at) {
  return at < text.size() && character_length(text, at) > 0 && is_word_character(code_point(text, at));
}

std::size_t space_begin(std::string_view text, std::size_t at, std::size_t lowest) {
  while (at > lowest) {
    const std::size_t begin = previous_character(text, at);
    if (begin == at || begin < lowest || !is_white_space(code_point(text, begin))) break;
    at = begin;
  }
  return at;
}

std::size_t space_end(std::string_view text, std::size_t at) {
  while (at < text.size()) {
    const std::size_t length = character_length(text, at);
    if (length == 0 || !is_white_space(code_point(text, at))) break;
    at += length;
  }
  return at;
}

}  // namespace

AddedTokens::AddedTokens(const std::vector<AddedToken>& tokens) {
  for (const AddedToken& token : tokens) {
    if (token.content.empty() || !by_content_.try_emplace(token.content, tokens_.size()).second) continue;
    tokens_.push_back(token);
    lengths_.push_back(token.content.size());
    begins_[static_cast<unsigned char>(token.content.front())] = true;
    if (!token.special) has_ordinary_ = true;
  }
  std::sort(lengths_.begin(), lengths_.end(), std::greater<>());
  lengths_.erase(std::unique(lengths_.begin(), lengths_.end()), lengths_.end());
}

bool AddedTokens::has(std::int32_t id) const {
  return std::any_of(tokens_.begin(), tokens_.end(), [&](const AddedToken& token) { return token.id == id; });
}

const AddedToken* AddedTokens::longest_at(std::string_view text, std::size_t at) const {
  if (!begins_[static_cast<unsigned char>(text[at])]) return nullptr;
  for (const std::size_t length : lengths_) {
    if (length > text.size() - at) continue;
    if (const auto found = by_content_.find(text.substr(at, length)); found != by_content_.end()) {
      return &tokens_[found->second];
    }
  }
  return nullptr;
}

void AddedTokens::split(std::string_view text, bool with_special, const Sink& sink) const {
  std::size_t done = 0;
  for (std::size_t at = 0; at < text.size();) {
    const AddedToken* token = longest_at(text, at);
    if (token == nullptr) {
      ++at;
      continue;
    }
    std::size_t begin = at, end = at + token->content.size();
    at = end;
    if (token->special && !with_special) continue;
    if (token->single_word && (word_ends(text, begin) || word_begins(text, end))) continue;
    if (token->lstrip) begin = space_begin(text, begin, done);
    if (token->rstrip) end = space_end(text, end);
    if (done < begin) sink(-1, text.substr(done, begin - done));
    sink(token->id, text.substr(begin, end - begin));
    done = end;
  }
  if (done < text.size()) sink(-1, text.substr(done));
}

}  // namespace temper::hf_bpe_plugin
