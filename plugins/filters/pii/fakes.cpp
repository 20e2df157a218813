// See fakes.h.
#include "fakes.h"

#include <algorithm>
#include <array>

#include "hangul.h"
#include "lines.h"
#include "temper/hash.h"
#include "temper/random.h"

namespace temper::pii_filter {

using filters::lowered;

namespace {

constexpr std::string_view kExample = "EXAMPLE", kExampleHost = "example.com";
constexpr std::string_view kFakeUser = "user";
constexpr std::size_t kFakeUserDigits = 10;
constexpr std::string_view kFakeCard = "400000", kFakeArea = "666", kFakeExchange = "55501";
/// No country's prefix, and no number begins with three zeros.
constexpr std::string_view kFakeCountry = "999", kFakeNational = "000";
constexpr std::array<std::string_view, 3> kFakeNetworks = {"192.0.2.", "198.51.100.", "203.0.113."};
constexpr std::string_view kFakeNetwork6 = "2001:db8:";
constexpr std::string_view kFakeBlock = "-----BEGIN PRIVATE KEY-----\nEXAMPLE";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_alnum(char c) { return is_digit(c) || is_upper(c) || is_lower(c); }

std::string digits_of(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits), is_digit);
  return digits;
}

/// `form` with its digits replaced by those of `digits`, one by one.
std::string with_digits(std::string_view form, std::string_view digits) {
  std::string result(form);
  std::size_t at = 0;
  for (char& c : result) {
    if (is_digit(c) && at < digits.size()) c = digits[at++];
  }
  return result;
}

char any_digit(Rng& rng) { return static_cast<char>('0' + rng.below(10)); }
std::string any_digits(Rng& rng, std::size_t count) {
  std::string digits;
  while (digits.size() < count) digits += any_digit(rng);
  return digits;
}
std::string any_hex(Rng& rng, std::size_t count) {
  std::string digits;
  while (digits.size() < count) digits += "0123456789abcdef"[rng.below(16)];
  return digits;
}

// Telephone numbers: which kind a number is follows from its digits, for real ones and fakes alike.
enum class PhoneKind { kInternational, kInternationalZeros, kNorthAmerican, kLocal, kKoreanMobile, kOther };

struct Phone {
  std::string_view main;  ///< without an extension
  std::string digits;     ///< of it
  PhoneKind kind = PhoneKind::kOther;
  std::size_t lead = 0;  ///< digits in front of an area code: the 1 of North America
};

Phone read_phone(std::string_view value) {
  Phone phone;
  phone.main = value.substr(0, value.find_first_of("xe"));
  phone.digits = digits_of(phone.main);
  const std::string& d = phone.digits;
  const bool plus = value.starts_with("+"), one = d.size() == 11 && d.front() == '1';
  if (plus && !one) {
    phone.kind = PhoneKind::kInternational;
  } else if (one || (d.size() == 10 && d.front() >= '2')) {
    phone.kind = PhoneKind::kNorthAmerican;
    phone.lead = one ? 1 : 0;
  } else if (d.starts_with("00") && d[2] != '0') {
    phone.kind = PhoneKind::kInternationalZeros;
  } else if (d.size() == 7 && d.front() != '0') {
    phone.kind = PhoneKind::kLocal;
  } else if (d.starts_with("01") && (d.size() == 10 || d.size() == 11) && std::string_view("016789").find(d[2]) != d.npos) {
    phone.kind = PhoneKind::kKoreanMobile;
  }
  return phone;
}

std::string fake_phone(Rng& rng, std::string_view value) {
  const Phone phone = read_phone(value);
  if (phone.digits.size() < 7) return "";
  const std::size_t size = digits_of(value).size();
  std::string digits;
  switch (phone.kind) {
    case PhoneKind::kInternational:
      digits = kFakeCountry;
      break;
    case PhoneKind::kInternationalZeros:
      digits = "00" + std::string(kFakeCountry);
      break;
    case PhoneKind::kNorthAmerican:
      digits = phone.digits.substr(0, phone.lead) + static_cast<char>('2' + rng.below(8)) + any_digits(rng, 2) +
               std::string(kFakeExchange);
      break;
    case PhoneKind::kLocal:
      digits = kFakeExchange;
      break;
    case PhoneKind::kKoreanMobile:
      digits = phone.digits.substr(0, 3) + "0";  // exchanges begin with 2 to 9
      break;
    case PhoneKind::kOther:
      digits = kFakeNational;
      break;
  }
  if (digits.size() < size) digits += any_digits(rng, size - digits.size());
  return with_digits(value, digits);
}

bool is_fake_phone(std::string_view value) {
  const Phone phone = read_phone(value);
  const std::string_view digits = phone.digits;
  switch (phone.kind) {
    case PhoneKind::kInternational:
      return digits.starts_with(kFakeCountry);
    case PhoneKind::kInternationalZeros:
      return digits.substr(2).starts_with(kFakeCountry);
    case PhoneKind::kNorthAmerican:
      return digits.substr(phone.lead + 3).starts_with(kFakeExchange);
    case PhoneKind::kLocal:
      return digits.starts_with(kFakeExchange);
    case PhoneKind::kKoreanMobile:
      return digits[3] == '0';
    case PhoneKind::kOther:
      return digits.starts_with(kFakeNational);
  }
  return false;
}

int luhn_sum(std::string_view digits) {
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2;
  }
  return sum;
}

std::string fake_card(Rng& rng, std::string_view value) {
  const std::size_t size = digits_of(value).size();
  if (size < 12) return "";
  std::string digits = std::string(kFakeCard) + any_digits(rng, size - kFakeCard.size() - 1) + "0";
  digits.back() = static_cast<char>('0' + (10 - luhn_sum(digits) % 10) % 10);
  return with_digits(value, digits);
}

int modulo_97(std::string_view iban) {
  int rest = 0;
  for (std::size_t i = 0; i < iban.size(); ++i) {
    const char c = iban[(i + 4) % iban.size()];
    rest = is_digit(c) ? (rest * 10 + (c - '0')) % 97 : (rest * 100 + (c - 'A' + 10)) % 97;
  }
  return rest;
}

std::string fake_iban(Rng& rng, std::string_view value) {
  std::string plain = "ZZ00";
  std::size_t in_group = 0;
  for (std::size_t i = 0, letters = 0; i < value.size(); ++i) {
    if (!is_alnum(value[i])) {
      in_group = 0;
      continue;
    }
    if (++letters <= 4) continue;
    ++in_group;
    // A group that begins with 9 begins no card number.
    plain += !is_digit(value[i]) ? static_cast<char>('A' + rng.below(26)) : in_group == 1 ? '9' : any_digit(rng);
  }
  if (plain.size() < 8) return "";
  const int check = 98 - modulo_97(plain);
  plain[2] = static_cast<char>('0' + check / 10);
  plain[3] = static_cast<char>('0' + check % 10);
  std::string result(value);
  std::size_t at = 0;
  for (char& c : result) {
    if (!is_alnum(c)) continue;
    const char next = plain[at++];
    c = is_lower(c) && is_upper(next) ? static_cast<char>(next - 'A' + 'a') : next;
  }
  return result;
}

/// Somebody who would be over a hundred: the digits 9 and 0 stand for births before 1900.
std::string fake_resident(Rng& rng, std::string_view value) {
  if (digits_of(value).size() != 13) return "";
  const auto two = [](std::uint64_t n) { return std::to_string(100 + n).substr(1); };
  std::string digits = two(90 + rng.below(10)) + two(1 + rng.below(12)) + two(1 + rng.below(28)) + "9" + any_digits(rng, 5);
  constexpr std::string_view kWeights = "234567892345";
  int sum = 0;
  for (std::size_t i = 0; i < kWeights.size(); ++i) sum += (digits[i] - '0') * (kWeights[i] - '0');
  digits += static_cast<char>('0' + (11 - sum % 11) % 10);
  return with_digits(value, digits);
}

std::string fake_address6(Rng& rng) {
  std::string address = "2001:db8";
  for (int i = 0; i < 6; ++i) address += ":" + any_hex(rng, 4);
  return address;
}

std::string fake_key(Rng& rng, std::string_view value) {
  constexpr std::size_t kPrefix = 4;
  std::string key(value);
  for (std::size_t i = kPrefix; i < key.size(); ++i) {
    if (is_digit(key[i])) key[i] = static_cast<char>('2' + rng.below(6));
    if (is_upper(key[i])) key[i] = static_cast<char>('A' + rng.below(26));
    if (is_lower(key[i])) key[i] = static_cast<char>('a' + rng.below(26));
  }
  if (key.size() < kPrefix + kExample.size()) return "";
  return key.replace(key.size() - kExample.size(), kExample.size(), kExample);
}

std::string fake_url(Rng& rng, std::string_view value) {
  if (value.find("://") == value.npos) return "";
  const std::string scheme(value.substr(0, value.find("://") + 3));
  const std::size_t equals = value.rfind('=');
  if (value.find('?') == value.npos || equals == value.npos) {
    return scheme + std::string(kFakeUser) + any_hex(rng, 8) + ":" + std::string(kExample) + "@" + std::string(kExampleHost);
  }
  const std::size_t name = value.find_last_of("?&", equals) + 1;
  return scheme + std::string(kExampleHost) + "/?" + std::string(value.substr(name, equals - name)) + "=" +
         std::string(kExample) + any_hex(rng, 8);
}

bool is_fake_url(std::string_view value) {
  const std::string_view rest = value.substr(std::min(value.size(), value.find("://") + 3));
  if (rest.starts_with(kFakeUser) && rest.ends_with(":EXAMPLE@example.com")) return true;
  return rest.starts_with("example.com/?") && rest.find("=EXAMPLE") != rest.npos && rest.find('&') == rest.npos;
}

bool is_fake_email(std::string_view value) {
  const std::string_view user = value.substr(0, value.find('@'));
  if (value.substr(user.size()) != "@example.com" || !user.starts_with(kFakeUser)) return false;
  return user.size() == kFakeUser.size() + kFakeUserDigits &&
         std::all_of(user.begin() + kFakeUser.size(), user.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

/// A word of `size` letters that can be said.
std::string made_up_word(Rng& rng, std::size_t size) {
  constexpr std::string_view kConsonants = "bdfgklmnprstvz", kVowels = "aeiou";
  std::string word;
  for (std::size_t i = rng.below(2); word.size() < size; ++i) {
    word += i % 2 == 0 ? kConsonants[rng.below(kConsonants.size())] : kVowels[rng.below(kVowels.size())];
  }
  return word;
}

/// Has a final consonant where the old one has, because the particle behind it depends on that.
std::string made_up_syllable(Rng& rng, char32_t old) {
  constexpr std::array<char32_t, 9> kInitials = {0, 2, 3, 5, 6, 7, 9, 11, 12};
  constexpr std::array<char32_t, 6> kMedials = {0, 4, 8, 13, 18, 20};
  constexpr std::array<char32_t, 4> kFinals = {1, 4, 16, 21};
  const char32_t last = has_final_consonant(old) ? kFinals[rng.below(kFinals.size())] : 0;
  const char32_t c =
      0xAC00 + (kInitials[rng.below(kInitials.size())] * 21 + kMedials[rng.below(kMedials.size())]) * 28 + last;
  return {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 0x3F)),
          static_cast<char>(0x80 | (c & 0x3F))};
}

/// Words for words, digits for digits, syllables for syllables; everything else stays.
std::string made_up(Rng& rng, std::string_view value) {
  std::string result;
  for (std::size_t at = 0; at < value.size();) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(value[i]); };
    const auto syllable_at = [&](std::size_t i) -> char32_t {
      if (i + 2 >= value.size() || byte(i) < 0xEA || byte(i) > 0xED) return 0;
      const char32_t c = ((byte(i) & 0x0FU) << 12) | ((byte(i + 1) & 0x3FU) << 6) | (byte(i + 2) & 0x3FU);
      return is_hangul_syllable(c) ? c : 0;
    };
    if (const char32_t syllable = syllable_at(at); syllable != 0) {
      result += made_up_syllable(rng, syllable);
      at += 3;
      continue;
    }
    if (byte(at) < 0x80 && !is_upper(value[at]) && !is_lower(value[at])) {
      result += is_digit(value[at]) ? any_digit(rng) : value[at];
      ++at;
      continue;
    }
    // Letters of any other script are one word with those of Latin; typographic apostrophes cut words.
    std::size_t letters = 0, capitals = 0;
    const bool capital = is_upper(value[at]) || byte(at) >= 0x80;
    const std::size_t begin = at;
    while (at < value.size() && (is_upper(value[at]) || is_lower(value[at]) || byte(at) >= 0x80) && syllable_at(at) == 0) {
      if (value.substr(at).starts_with("’")) break;
      letters += (byte(at) & 0xC0) != 0x80 ? 1 : 0;
      capitals += is_upper(value[at]) ? 1 : 0;
      ++at;
    }
    if (at == begin) {
      result += "’";
      at += std::string_view("’").size();
      continue;
    }
    std::string word = made_up_word(rng, letters);
    for (std::size_t i = 0; i < word.size(); ++i) {
      if ((i == 0 && capital) || (letters > 1 && capitals == letters)) word[i] = static_cast<char>(word[i] - 'a' + 'A');
    }
    result += word;
  }
  return result;
}

/// What has to be equal for two values to be the same: digits and letters of numbers, addresses without case.
std::string identity(PiiType type, std::string_view value) {
  if (type == PiiType::kApiKey || type == PiiType::kPrivateKey || type == PiiType::kUrlCredentials)
    return std::string(value);
  if (type == PiiType::kEmail || type == PiiType::kIpv6 || type == kName || type == kAddress) return lowered(value);
  std::string plain;
  for (const char c : lowered(value)) {
    if (is_alnum(c) || c == '+' || (c == '.' && type == PiiType::kIpv4)) plain += c;
  }
  return plain;
}

}  // namespace

Fakes::Fakes(std::int64_t seed) : key_(sha256_hex("temper pii " + std::to_string(seed))) {}

std::string Fakes::fake(PiiType type, std::string_view value, int attempt) const {
  // Keyed twice (HMAC's construction without its padding), so that nobody without the seed can tell which fake is whose.
  const std::string message =
      std::to_string(static_cast<int>(type)) + " " + std::to_string(attempt) + " " + identity(type, value);
  const std::string hash = sha256_hex(key_ + sha256_hex(key_ + message));
  Rng rng(std::stoull(hash.substr(0, 16), nullptr, 16));
  if (type == kName || type == kAddress) return made_up(rng, value);
  switch (type) {
    case PiiType::kPrivateKey:
      return std::string(kFakeBlock) + any_hex(rng, 32) + "\n-----END PRIVATE KEY-----";
    case PiiType::kApiKey:
      return fake_key(rng, value);
    case PiiType::kUrlCredentials:
      return fake_url(rng, value);
    case PiiType::kEmail:
      return std::string(kFakeUser) + any_hex(rng, kFakeUserDigits) + "@" + std::string(kExampleHost);
    case PiiType::kIban:
      return fake_iban(rng, value);
    case PiiType::kCard:
      return fake_card(rng, value);
    case PiiType::kKrRrn:
    case PiiType::kKrForeign:
      return fake_resident(rng, value);
    case PiiType::kUsSsn:
      if (digits_of(value).size() != 9) return "";
      return with_digits(value, std::string(kFakeArea) + any_digits(rng, 6));
    case PiiType::kIpv6:
      return fake_address6(rng);
    case PiiType::kIpv4:
      return std::string(kFakeNetworks[rng.below(kFakeNetworks.size())]) + std::to_string(1 + rng.below(254));
    case PiiType::kPhone:
      return fake_phone(rng, value);
  }
  return "";
}

bool is_fake(PiiType type, std::string_view value) {
  switch (type) {
    case PiiType::kPrivateKey:
      return value.starts_with(kFakeBlock);
    case PiiType::kApiKey:
      return value.ends_with(kExample);
    case PiiType::kUrlCredentials:
      return is_fake_url(value);
    case PiiType::kEmail:
      return is_fake_email(value);
    case PiiType::kCard:
      return digits_of(value).starts_with(kFakeCard);
    case PiiType::kIpv6:
      return lowered(value).starts_with(kFakeNetwork6);
    case PiiType::kIpv4:
      return std::any_of(kFakeNetworks.begin(), kFakeNetworks.end(),
                         [&](std::string_view network) { return value.starts_with(network); });
    case PiiType::kPhone:
      return is_fake_phone(value);
    case PiiType::kIban:  // numbers of a form that is not looked for
    case PiiType::kKrRrn:
    case PiiType::kKrForeign:
    case PiiType::kUsSsn:
      return false;
  }
  return false;
}

}  // namespace temper::pii_filter
