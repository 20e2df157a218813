// The arithmetic that tells a real number from one that looks like it: Luhn, modulo 97, and the rules of the issuers. Each
// takes digits (and letters) alone, without separators. Used by pii_rules.cpp.
#pragma once

#include <cstddef>
#include <string_view>

namespace temper::pii {

/// Source: ISO/IEC 7812-1, annex B.
bool luhn_holds(std::string_view digits);
/// Whether an issuer gives out cards with this beginning and length (Visa, Mastercard, American Express, Diners, Discover,
/// JCB, Maestro, UnionPay, Mir).
bool card_issued(std::string_view digits);
/// Length of an IBAN that begins with these two capitals, 0 for a country without. Source: SWIFT's IBAN registry.
std::size_t iban_length(std::string_view country);
/// Source: ISO 13616 (ISO 7064, MOD 97-10). Capitals and digits.
bool iban_holds(std::string_view iban);

struct ResidentNumber {
  bool dated = false;        ///< century digit 1 to 8 and a date that exists
  bool foreign = false;      ///< century digit 5 to 8
  bool has_checksum = true;  ///< born before October 2020, from when on the last six digits are random
  bool checksum_holds = false;
};
/// 13 digits of a Korean resident registration number.
ResidentNumber read_resident_number(std::string_view digits);

/// Nine digits. Never issued: area 000, 666 and 900 to 999, group 00, serial 0000, and three numbers that were printed in
/// advertisements. Source: Social Security Administration, "Social Security number randomization".
bool ssn_issued(std::string_view digits);

}  // namespace temper::pii
