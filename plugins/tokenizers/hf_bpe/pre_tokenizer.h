// Cuts text into the words within which pieces are merged, by the rules of tokenizer.json's "pre_tokenizer". A rule that
// is not supported is refused by name, because words cut otherwise give other ids.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "regex.h"

namespace temper::hf_bpe_plugin {

/// What becomes of the matches of a splitting rule, with the file's names.
enum class SplitBehavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

class PreTokenizer {
 public:
  using Sink = std::function<void(std::string_view)>;

  PreTokenizer() = default;
  /// From the file's "pre_tokenizer". Throws DataError, also if the rules do not end with ByteLevel.
  explicit PreTokenizer(const nlohmann::json& description);

  /// Memory for a walk; one for each thread.
  std::vector<MatchRoom> make_rooms() const;
  /// Calls `sink` with each word of `text` (valid UTF-8) from left to right.
  void split(std::string_view text, std::vector<MatchRoom>& rooms, const Sink& sink) const { run(0, text, rooms, sink); }
  /// Whether a space is put before a text that begins with none.
  bool adds_space() const { return adds_space_; }

 private:
  struct Step {
    Regex regex;
    SplitBehavior behavior = SplitBehavior::kIsolated;
    bool invert = false;
    bool add_space = false;  ///< before this step
  };

  void add(const nlohmann::json& description);
  void add_byte_level(const nlohmann::json& description);
  void run(std::size_t step, std::string_view text, std::vector<MatchRoom>& rooms, const Sink& sink) const;

  std::vector<Step> steps_;
  bool has_byte_level_ = false, adds_space_ = false;
  bool splits_last_ = true;  ///< false: ByteLevel without its own expression, nothing is left to do
};

}  // namespace temper::hf_bpe_plugin
