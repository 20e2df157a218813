// Looking for bytes of a sort in texts that hold few of them.
#pragma once

#include <cstddef>
#include <string_view>

namespace temper {

/// Where the first byte at or behind `at` stands for which `is` gives 1 (and else 0), or the text's size. `is` takes and
/// gives an unsigned char: a function object without branches, so that the compiler looks at 32 bytes at a time.
template <class Is>
std::size_t find_byte(std::string_view text, std::size_t at, const Is& is) {
  constexpr std::size_t kBlock = 32;
  const auto* s = reinterpret_cast<const unsigned char*>(text.data());
  for (; at + kBlock <= text.size(); at += kBlock) {
    unsigned char any = 0;
    for (std::size_t i = 0; i < kBlock; ++i) any |= is(s[at + i]);
    if (any != 0) break;
  }
  while (at < text.size() && is(s[at]) == 0) ++at;
  return at;
}

}  // namespace temper
