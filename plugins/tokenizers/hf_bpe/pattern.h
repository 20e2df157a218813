// The "pattern" of a Split or Replace rule, and the walk over its matches. Used by the normaliser and the pre-tokenizer.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "regex.h"

namespace temper::hf_bpe_plugin {

/// `{"Regex": "..."}` or `{"String": "..."}` of the rule `where`. Throws DataError.
Regex read_pattern(const nlohmann::json& rule, const std::string& where);

/// Calls `visit(begin, end)` for every match from left to right. An empty match moves on by one character.
template <class Visit>
void for_each_match(const Regex& regex, std::string_view text, MatchRoom& room, Visit visit) {
  std::size_t from = 0, begin = 0, end = 0;
  while (from <= text.size() && regex.find(text, from, room, begin, end)) {
    visit(begin, end);
    from = end;
    if (begin != end) continue;
    // The first byte of the next character; an empty match cannot stand within one.
    do ++from;
    while (from < text.size() && (static_cast<unsigned char>(text[from]) & 0xC0u) == 0x80u);
  }
}
template <class Visit>
void for_each_match(const Regex& regex, std::string_view text, Visit visit) {
  MatchRoom room = regex.make_room();
  for_each_match(regex, text, room, visit);
}

}  // namespace temper::hf_bpe_plugin
