// Regular expressions of tokenizer.json, which are Oniguruma's, run by PCRE2 (compiled to machine code). Where the two
// read a pattern differently it is rewritten, or refused by name. Used by the pre-tokenizer and the normaliser.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace temper::hf_bpe_plugin {

/// Room for one match; one for each thread that searches.
class MatchRoom {
 public:
  struct Free {
    void operator()(void* data) const;
  };
  explicit MatchRoom(void* data) : data_(data) {}
  void* data() const { return data_.get(); }

 private:
  std::unique_ptr<void, Free> data_;
};

class Regex {
 public:
  /// Throws DataError for a pattern that is wrong or not supported, with its text.
  explicit Regex(std::string_view oniguruma_pattern);
  /// Matches exactly this text.
  static Regex literal(std::string_view text);

  MatchRoom make_room() const;
  /// First match at or after `from` in `text`, which has to be valid UTF-8. Throws DataError if the search gives up.
  bool find(std::string_view text, std::size_t from, MatchRoom& room, std::size_t& begin, std::size_t& end) const;

 private:
  Regex() = default;
  void compile(const std::string& pattern);

  std::string source_;  ///< as the file has it, for messages
  std::shared_ptr<void> code_;
};

/// Oniguruma's pattern in PCRE2's spelling; public for its test.
std::string to_pcre2(std::string_view pattern);

}  // namespace temper::hf_bpe_plugin
