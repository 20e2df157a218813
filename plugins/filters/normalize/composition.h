// Unicode Normalization Form C (Unicode Standard Annex 15), as edits of the few places that are not in it. A table says of
// each character whether it may be part of a change at all; ICU sees only the stretches around those that may.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

#include "edits.h"

namespace temper::filters {

class Composition {
 public:
  /// Throws DataError if ICU has no normalization data.
  Composition();
  Edits edits(std::string_view text) const;

 private:
  bool may_change(char32_t c) const;

  std::vector<std::uint64_t> table_;  ///< a bit a character of the basic plane
  std::array<bool, 256> leads_{};     ///< first bytes of characters that may change
};

}  // namespace temper::filters
