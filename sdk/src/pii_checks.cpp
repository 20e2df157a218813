// See pii_checks.h.
#include "pii_checks.h"

#include <array>
#include <string>

namespace temper::pii {
namespace {

int number(std::string_view digits) {
  int value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return value;
}

struct Issuer {
  int first, last, prefix_digits;
  std::size_t shortest, longest;
};
constexpr std::array kIssuers = {
    Issuer{4, 4, 1, 13, 13},       Issuer{4, 4, 1, 16, 16},       Issuer{4, 4, 1, 19, 19},
    Issuer{51, 55, 2, 16, 16},     Issuer{2221, 2720, 4, 16, 16}, Issuer{34, 34, 2, 15, 15},
    Issuer{37, 37, 2, 15, 15},     Issuer{300, 305, 3, 14, 16},   Issuer{36, 36, 2, 14, 19},
    Issuer{38, 39, 2, 14, 16},     Issuer{6011, 6011, 4, 16, 19}, Issuer{644, 649, 3, 16, 19},
    Issuer{65, 65, 2, 16, 19},     Issuer{3528, 3589, 4, 16, 19}, Issuer{2131, 2131, 4, 15, 15},
    Issuer{1800, 1800, 4, 15, 15}, Issuer{5018, 5018, 4, 12, 19}, Issuer{5020, 5020, 4, 12, 19},
    Issuer{5038, 5038, 4, 12, 19}, Issuer{5893, 5893, 4, 12, 19}, Issuer{6304, 6304, 4, 12, 19},
    Issuer{6759, 6759, 4, 12, 19}, Issuer{6761, 6763, 4, 12, 19}, Issuer{62, 62, 2, 16, 19},
    Issuer{81, 81, 2, 16, 19},     Issuer{2200, 2204, 4, 16, 19},
};

constexpr std::string_view kIbanLengths =
    "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI2"
    "3"
    "GL18GR27GT28HN28HR21HU28IE22IL23IQ23IS26IT27JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30"
    "NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20"
    "YE30";

bool date_exists(int year, int month, int day) {
  constexpr std::array kDays = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12 || day < 1) return false;
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return day <= kDays[static_cast<std::size_t>(month - 1)] + (month == 2 && leap ? 1 : 0);
}

}  // namespace

bool luhn_holds(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int digit = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1) digit = digit > 4 ? digit * 2 - 9 : digit * 2;
    sum += digit;
  }
  return sum % 10 == 0;
}

bool card_issued(std::string_view digits) {
  for (const Issuer& issuer : kIssuers) {
    if (digits.size() < issuer.shortest || digits.size() > issuer.longest) continue;
    const int prefix = number(digits.substr(0, static_cast<std::size_t>(issuer.prefix_digits)));
    if (prefix >= issuer.first && prefix <= issuer.last) return true;
  }
  return false;
}

std::size_t iban_length(std::string_view country) {
  for (std::size_t i = 0; i < kIbanLengths.size(); i += 4) {
    if (kIbanLengths.substr(i, 2) == country) return static_cast<std::size_t>(number(kIbanLengths.substr(i + 2, 2)));
  }
  return 0;
}

bool iban_holds(std::string_view iban) {
  int rest = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    rest = c >= 'A' ? (rest * 100 + (c - 'A' + 10)) % 97 : (rest * 10 + (c - '0')) % 97;
  }
  return rest == 1;
}

ResidentNumber read_resident_number(std::string_view digits) {
  ResidentNumber read;
  const int century = digits[6] - '0';
  if (century < 1 || century > 8) return read;
  read.foreign = century >= 5;
  const int year = ((century - 1) % 4 < 2 ? 1900 : 2000) + number(digits.substr(0, 2));
  const int month = number(digits.substr(2, 2));
  read.dated = date_exists(year, month, number(digits.substr(4, 2)));
  read.has_checksum = year * 100 + month < 202010;
  constexpr std::string_view kWeights = "234567892345";
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += (digits[i] - '0') * (kWeights[i] - '0');
  // Foreign residents' check digit is two more.
  read.checksum_holds = ((read.foreign ? 13 : 11) - sum % 11) % 10 == digits[12] - '0';
  return read;
}

bool ssn_issued(std::string_view digits) {
  const int area = number(digits.substr(0, 3));
  if (area == 0 || area == 666 || area >= 900) return false;
  if (digits.substr(3, 2) == "00" || digits.substr(5) == "0000") return false;
  return digits != "078051120" && digits != "219099999" && digits != "457555462";
}

}  // namespace temper::pii
