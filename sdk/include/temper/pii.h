// Personal and secret data that can be told by its form: addresses, numbers with a checksum, keys with a published prefix.
// Used by the corpus filter that removes them and by the evaluator that asks whether a model gives them away.
// Names, street addresses and dates are not found: their form does not tell them from other text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper {

enum class PiiType : std::uint8_t {
  kPrivateKey,      ///< a PEM or PGP private key block
  kApiKey,          ///< a key whose issuer has published its prefix: AWS, GitHub, Slack, OpenAI, Google and more
  kUrlCredentials,  ///< user:password in a URL, or a key or token among its parameters
  kEmail,
  kIban,       ///< length by country, and modulo 97
  kCard,       ///< issuer's prefix and length, and Luhn
  kKrRrn,      ///< Korean resident registration number: date, century digit, checksum where there is one
  kKrForeign,  ///< the same for foreign residents (digits 5 to 8)
  kUsSsn,      ///< with hyphens or spaces, the numbers that are never issued left out
  kIpv6,
  kIpv4,
  kPhone,  ///< international, North American, Korean mobile and landline, and other national numbers with a leading 0
};
inline constexpr std::size_t kPiiTypes = 12;

/// "private_key", "api_key", "url_credentials", "email", "iban", "card", "kr_rrn", "kr_foreign", "us_ssn", "ipv6", "ipv4",
/// "phone".
TEMPER_API std::string_view pii_name(PiiType type);
TEMPER_API std::vector<PiiType> pii_types();

struct PiiSpan {
  std::size_t begin = 0, end = 0;              ///< bytes, always at whole characters
  std::size_t begin_point = 0, end_point = 0;  ///< code points; a byte that is no valid UTF-8 counts as one
  PiiType type = PiiType::kEmail;
  double score = 0;  ///< how much the form alone says, 0 to 1; decides between overlapping finds
  bool operator==(const PiiSpan&) const = default;
};

/// In the order of the text, without overlaps. Time is linear in the text. Deterministic. [any]
TEMPER_API std::vector<PiiSpan> scan_pii(std::string_view text);

/// Makes spans disjoint without uncovering anything. One inside another: the longer extent stays, with the type of the
/// higher score (then of the longer, then of the smaller type). Two that cross: the higher score (then the longer, then the
/// earlier) keeps all, the other is cut at its border. Offsets in code points are counted anew from `text`.
TEMPER_API std::vector<PiiSpan> resolve_pii(std::string_view text, std::vector<PiiSpan> spans);

/// The text with each span replaced by "<" and the type's name in capitals and ">". Scanning that finds nothing in the
/// replacements, so doing it twice is doing it once.
TEMPER_API std::string mask_pii(std::string_view text, const std::vector<PiiSpan>& spans);

}  // namespace temper
