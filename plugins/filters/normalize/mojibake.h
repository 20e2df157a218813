// Mojibake: UTF-8 that was read as a single-byte code page, once or several times ("Ã©" for "é"), and stray bytes of
// Windows-1252 that became control characters. Characters that are, byte by byte in one code page, a valid UTF-8 sequence
// are weighed: how odd they are as they stand, and how likely as what they would become, together with the other such
// sequences of their line. Right text must never be changed, so doubt leaves it alone. That text has to look bad before it
// is repaired is Speer's idea ("ftfy", 2019); the weights are our own.
#pragma once

#include <string_view>

#include "code_pages.h"
#include "edits.h"

namespace temper::filters {

class MojibakeRepair {
 public:
  /// One layer; a text that went through several needs as many calls.
  Edits edits(std::string_view text) const;

 private:
  CodePages pages_;
};

}  // namespace temper::filters
