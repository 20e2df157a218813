// Looking for three rare letters first (see phrases.h): each phrase has such a place, and blocks without any hold no phrase.
#include "phrases.h"

#include <algorithm>
#include <array>

namespace temper::quality {
namespace {

struct Known {
  std::string_view text;
  std::size_t rare = 0;  ///< where its rare letters are: one of those of has_rare()
  PhraseKind kind = PhraseKind::kPolicy;
};
constexpr std::array kKnown = std::to_array<Known>({{"lorem ipsum", 6, PhraseKind::kLoremIpsum},
                                                    {"javascript", 2, PhraseKind::kJavascript},
                                                    {"terms of use", 7},
                                                    {"privacy policy", 3},
                                                    {"cookie policy", 2},
                                                    {"uses cookies", 7},
                                                    {"use of cookies", 9},
                                                    {"use cookies", 6}});

/// Letters as small ones. Of other characters some become equal; this only says where to look.
constexpr unsigned char small(char c) { return static_cast<unsigned char>(static_cast<unsigned char>(c) | 0x20); }

/// Whether three letters are those of a phrase. Without branches, so that the compiler can look at many at once.
constexpr unsigned char has_rare(unsigned char a, unsigned char b, unsigned char c) {
  const auto are = [&](char x, char y, char z) {
    return static_cast<unsigned char>(static_cast<unsigned char>(a == x) & static_cast<unsigned char>(b == y) &
                                      static_cast<unsigned char>(c == z));
  };
  return static_cast<unsigned char>(are('i', 'p', 's') | are('v', 'a', 's') | are('f', ' ', 'u') | are('v', 'a', 'c') |
                                    are('o', 'k', 'i'));
}
static_assert(std::all_of(kKnown.begin(), kKnown.end(), [](const Known& known) {
  return has_rare(small(known.text[known.rare]), small(known.text[known.rare + 1]), small(known.text[known.rare + 2])) != 0;
}));

bool stands_at(std::string_view text, std::size_t at, std::string_view phrase) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  const std::string_view part = text.substr(at, phrase.size());
  return std::equal(part.begin(), part.end(), phrase.begin(), phrase.end(), [&](char a, char b) { return lower(a) == b; });
}

}  // namespace

std::vector<Phrase> phrases_of(std::string_view text) {
  constexpr std::size_t kBlock = 64, kRare = 3;
  std::vector<Phrase> phrases;
  const auto rare_at = [&](std::size_t i) { return has_rare(small(text[i]), small(text[i + 1]), small(text[i + 2])); };
  const auto look_at = [&](std::size_t at) {
    for (const Known& known : kKnown) {
      if (at >= known.rare && stands_at(text, at - known.rare, known.text)) phrases.push_back({at - known.rare, known.kind});
    }
  };
  std::size_t at = 0;
  for (; at + kBlock + kRare <= text.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= rare_at(at + i);
    for (std::size_t i = 0; any != 0 && i < kBlock; ++i) {
      if (rare_at(at + i) != 0) look_at(at + i);
    }
  }
  for (; at + kRare <= text.size(); ++at) {
    if (rare_at(at) != 0) look_at(at);
  }
  std::sort(phrases.begin(), phrases.end(), [](const Phrase& a, const Phrase& b) { return a.begin < b.begin; });
  return phrases;
}

}  // namespace temper::quality
