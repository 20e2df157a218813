// Where a find of pii.h can begin: one pass over the text notes the few places that could start one (a run of digits, an
// "@", the prefix of a key), so that the patterns are tried there and nowhere else. Every clue is a necessary condition of
// its patterns: what is found is the same as if they were tried everywhere. Private to the SDK; used by pii.cpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace temper::pii {

enum class Clue : std::uint8_t {
  kPrivateKey,  ///< the words "PRIVATE KEY"
  kKey,         ///< prefix of an API key
  kUrl,         ///< "://"
  kAt,          ///< "@" behind something that may be an address's local part
  kIban,        ///< two letters and two digits at the start of a word
  kIpv6,        ///< two colons with at most four hexadecimal digits between them
  kIpv4,        ///< a chain of digits with three full stops
  kDigits7,     ///< a chain of at least so many digits
  kDigits9,
  kDigits12,
};
inline constexpr std::size_t kClues = 10;

/// First and last byte at which a find may begin.
struct Starts {
  std::size_t first = 0, last = 0;
};

/// For each clue its places, in order and apart.
using Clues = std::array<std::vector<Starts>, kClues>;

/// Time is linear in the text.
Clues find_clues(std::string_view text);

}  // namespace temper::pii
