// Fakes in place of personal data: of the same form, the same for the same value and seed, and nobody's: from the ranges
// that are reserved for documentation and fiction, or of a form that is never given out. A fake is known as one when it is
// met again, so that a second pass leaves it alone. Used by pii_filter.cpp.
//
// Sources: RFC 2606 (example.com), RFC 5737 (192.0.2.0/24 and two more), RFC 3849 (2001:db8::/32), NANPA (555-0100 to
// 555-0199), the Social Security Administration (no area 666), ISO 3166 (ZZ is no country), card numbers 4000 00 (for
// tests).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "temper/pii.h"

namespace temper::pii_filter {

/// Types beyond those of pii.h, for finds from lists.
inline constexpr PiiType kName = static_cast<PiiType>(kPiiTypes);
inline constexpr PiiType kAddress = static_cast<PiiType>(kPiiTypes + 1);
inline constexpr std::size_t kAllTypes = kPiiTypes + 2;

class Fakes {
 public:
  explicit Fakes(std::int64_t seed);
  /// Another `attempt` gives another fake. "" where there is none: finds that overlapped can
  /// be parts of a value.
  std::string fake(PiiType type, std::string_view value, int attempt) const;

 private:
  std::string key_;
};

/// Whether `value`, found as `type`, is of a form that fakes have and nothing else has. Names and addresses are never.
bool is_fake(PiiType type, std::string_view value);

}  // namespace temper::pii_filter
