// Patterns and conditions (see pii_rules.h). Borders look at ASCII letters and digits only: a Hangul particle directly
// behind a number or an address is no part of it, which \b would not know (P-PII-01).
#include "pii_rules.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <string>

#include "pii_checks.h"

namespace temper::pii {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); }
bool digit_at(std::string_view text, std::size_t at) { return at < text.size() && is_digit(text[at]); }
bool alnum_at(std::string_view text, std::size_t at) { return at < text.size() && is_alnum(text[at]); }

std::string digits_of(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (is_digit(c)) digits += c;
  }
  return digits;
}

Accepted accept_email(std::string_view text, std::size_t begin, std::size_t end, double score) {
  // "icon@2x.png" is a file.
  const std::string_view found = text.substr(begin, end - begin);
  std::string last(found.substr(found.rfind('.') + 1));
  std::transform(last.begin(), last.end(), last.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const char* file : {"png", "jpg", "jpeg", "gif", "svg", "webp", "css", "js"}) {
    if (last == file) return {};
  }
  return {end, score};
}

/// The longest beginning that is a card and does not stop inside a group of digits.
Accepted accept_card(std::string_view text, std::size_t begin, std::size_t end, double score) {
  for (std::size_t to = end; to > begin; --to) {
    if (!is_digit(text[to - 1]) || digit_at(text, to)) continue;
    const std::string digits = digits_of(text.substr(begin, to - begin));
    if (digits.size() < 12) return {};
    if (card_issued(digits) && luhn_holds(digits)) return {to, score};
  }
  return {};
}

Accepted accept_iban(std::string_view text, std::size_t begin, std::size_t end, double score) {
  std::string iban;
  std::size_t length = 0;
  bool grouped = false;
  for (std::size_t at = begin; at < end; ++at) {
    if (text[at] == ' ') {
      // Groups are of four, throughout or not at all.
      if (iban.size() % 4 != 0 || (iban.size() > 4 && !grouped)) return {};
      grouped = true;
      continue;
    }
    if (grouped && iban.size() % 4 == 0 && text[at - 1] != ' ') return {};
    iban += static_cast<char>(std::toupper(static_cast<unsigned char>(text[at])));
    if (iban.size() == 2) length = iban_length(iban);
    if (iban.size() >= 2 && length == 0) return {};
    if (iban.size() == length) {
      return iban_holds(iban) && !alnum_at(text, at + 1) ? Accepted{at + 1, score} : Accepted{};
    }
  }
  return {};
}

Accepted accept_resident_number(std::string_view text, std::size_t begin, std::size_t end, double score, bool foreign) {
  const std::string_view found = text.substr(begin, end - begin);
  const ResidentNumber read = read_resident_number(digits_of(found));
  if (!read.dated || read.foreign != foreign) return {};
  if (read.has_checksum && read.checksum_holds) return {end, score};
  // Without a checksum the hyphen is what tells it from any 13 digits. A foreign resident who registered after October 2020
  // has none either, whatever the year of birth.
  const bool hyphen = found.size() > 13;
  return hyphen && (foreign || !read.has_checksum) ? Accepted{end, 0.6} : Accepted{};
}
Accepted accept_rrn(std::string_view text, std::size_t begin, std::size_t end, double score) {
  return accept_resident_number(text, begin, end, score, false);
}
Accepted accept_foreign(std::string_view text, std::size_t begin, std::size_t end, double score) {
  return accept_resident_number(text, begin, end, score, true);
}

Accepted accept_ssn(std::string_view text, std::size_t begin, std::size_t end, double score) {
  return ssn_issued(digits_of(text.substr(begin, end - begin))) ? Accepted{end, score} : Accepted{};
}

/// "version 1.2.3.4" and "section 1.2.3.4": the word in front says that it is no address.
bool numbers_a_version(std::string_view text, std::size_t begin) {
  std::string_view before = text.substr(0, begin);
  const auto is_mark = [](char c) { return c == ' ' || c == ':' || c == '#' || c == '.'; };
  for (int marks = 0; marks < 3 && !before.empty() && is_mark(before.back()); ++marks) before.remove_suffix(1);
  for (const std::string_view word : {"§", "버전", "버젼", "제"}) {
    if (before.ends_with(word)) return true;
  }
  std::string word;
  for (; word.size() < 12 && !before.empty() && std::isalpha(static_cast<unsigned char>(before.back())) != 0;
       before.remove_suffix(1)) {
    word.insert(word.begin(), static_cast<char>(std::tolower(static_cast<unsigned char>(before.back()))));
  }
  constexpr std::array<std::string_view, 20> kWords = {
      "version", "versions", "ver",     "v",      "release", "releases",  "build", "revision", "rev",  "firmware",
      "section", "sections", "chapter", "clause", "article", "paragraph", "rule",  "table",    "item", "figure"};
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end();
}

Accepted accept_ipv4(std::string_view text, std::size_t begin, std::size_t end, double score) {
  const std::string_view found = text.substr(begin, end - begin);
  // Nobody's address: "this host", loopback, broadcast.
  if (found.starts_with("0.") || found.starts_with("127.") || found == "255.255.255.255") return {};
  if (numbers_a_version(text, begin)) return {};
  return {end, score};
}

Accepted accept_ipv6(std::string_view text, std::size_t begin, std::size_t end, double score) {
  // A colon or full stop behind the address belongs to the sentence.
  while (end > begin &&
         (text[end - 1] == '.' || (text[end - 1] == ':' && !text.substr(begin, end - begin).ends_with("::")))) {
    --end;
  }
  const std::string found(text.substr(begin, end - begin));
  // "bad::face" is C++: an address that is worth hiding has a digit and is not that short.
  if (found.size() < 7 || std::none_of(found.begin(), found.end(), is_digit)) return {};
  in6_addr address;
  return inet_pton(AF_INET6, found.c_str(), &address) == 1 ? Accepted{end, score} : Accepted{};
}

Accepted accept_phone(std::string_view text, std::size_t begin, std::size_t end, double score) {
  const std::string_view found = text.substr(begin, end - begin);
  const std::size_t digits = digits_of(found.substr(0, found.find_first_of("xe"))).size();
  const bool international = found.starts_with("+") || found.starts_with("00");
  if (international ? digits < 8 || digits > 17 : digits < 9 || digits > 11) return {};
  return {end, score};
}

/// After a word such as "phone", where fewer digits do.
Accepted accept_labelled_phone(std::string_view text, std::size_t begin, std::size_t end, double score) {
  const std::size_t digits = digits_of(text.substr(begin, end - begin)).size();
  return digits >= 7 && digits <= 12 ? Accepted{end, score} : Accepted{};
}

/// Random keys hold digits and letters; "sk-learn-is-a-library-for-python" does not.
Accepted accept_key(std::string_view text, std::size_t begin, std::size_t end, double score) {
  const std::string_view found = text.substr(begin, end - begin);
  const auto digits = std::count_if(found.begin(), found.end(), is_digit);
  return digits >= 2 ? Accepted{end, score} : Accepted{};
}

// In front of a number: no letter or digit, and no digit with a stop or hyphen, which would make it the tail of another.
#define BEFORE "(?<![0-9A-Za-z_])(?<![0-9][.\\-])"
#define AFTER "(?![0-9A-Za-z])(?![.\\-][0-9])"
#define TLD "(?:xn--[A-Za-z0-9\\-]{2,59}|[A-Za-z]{2,24})(?![A-Za-z0-9])"
#define LABEL "[A-Za-z0-9](?:[A-Za-z0-9\\-]{0,61}[A-Za-z0-9])?\\."
#define KEY "(?<![0-9A-Za-z_])"
#define KEY_END "(?![0-9A-Za-z])"
#define PEM_WORDS "(?:[A-Z0-9]{1,20} ){0,3}PRIVATE KEY(?: BLOCK)?-----"

}  // namespace

const std::vector<Rule>& rules() {
  using enum PiiType;
  static const std::vector<Rule> kRules = {
      {kPrivateKey, 1.0, Clue::kPrivateKey,
       "-----BEGIN " PEM_WORDS "(?:[\\s\\S]{0,20000}?-----END " PEM_WORDS "|[A-Za-z0-9+/=\\r\\n]{0,20000})", nullptr},
      {kApiKey, 0.97, Clue::kKey, KEY "(?:AKIA|ASIA)[A-Z2-7]{16}" KEY_END, nullptr},
      {kApiKey, 0.97, Clue::kKey, KEY "AIza[0-9A-Za-z_\\-]{35}(?![0-9A-Za-z_\\-])", accept_key},
      {kApiKey, 0.97, Clue::kKey, KEY "(?:gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_[A-Za-z0-9_]{22,251})" KEY_END,
       accept_key},
      {kApiKey, 0.97, Clue::kKey, KEY "xox[abeoprs]-[A-Za-z0-9\\-]{10,250}[A-Za-z0-9]", accept_key},
      {kApiKey, 0.97, Clue::kKey, KEY "(?:sk-[A-Za-z0-9_\\-]{20,250}|[sr]k_(?:live|test)_[0-9A-Za-z]{16,250})" KEY_END,
       accept_key},
      {kApiKey, 0.97, Clue::kKey, KEY "(?:hf_[A-Za-z0-9]{34}|npm_[A-Za-z0-9]{36})" KEY_END, nullptr},
      {kApiKey, 0.97, Clue::kKey, KEY "glpat-[A-Za-z0-9_\\-]{20,64}", nullptr},
      {kApiKey, 0.97, Clue::kKey, KEY "SG\\.[A-Za-z0-9_\\-]{22}\\.[A-Za-z0-9_\\-]{43}", nullptr},
      {kApiKey, 0.97, Clue::kKey, KEY "eyJ[A-Za-z0-9_\\-]{10,2000}\\.eyJ[A-Za-z0-9_\\-]{10,4000}\\.[A-Za-z0-9_\\-]{10,2000}",
       nullptr},
      {kUrlCredentials, 0.95, Clue::kUrl,
       "(?<![A-Za-z0-9+.\\-])[A-Za-z][A-Za-z0-9+.\\-]{1,20}://[^\\s/?#@:<>\"']{0,128}:[^\\s/?#@<>\"']{1,256}@"
       "[A-Za-z0-9.\\-_\\[\\]:]{1,255}",
       nullptr},
      {kUrlCredentials, 0.95, Clue::kUrl,
       "(?i)(?<![A-Za-z0-9])https?://[^\\s<>\"'?#]{1,1000}\\?(?:[^\\s<>\"'#&]{0,500}&){0,30}?"
       "(?:access_token|auth_token|api_?key|client_secret|token|password|passwd|pwd|secret)=[^\\s&#<>\"']{6,512}",
       nullptr},
      {kEmail, 0.9, Clue::kAt,
       "(?<![\\p{L}\\p{M}\\p{N}_])[\\p{L}\\p{N}_](?:[\\p{L}\\p{M}\\p{N}._%+'\\-]{0,62}[\\p{L}\\p{M}\\p{N}_+\\-])?@"
       "(?:(?:" LABEL "){1,8}" TLD "|(?:[\\p{L}\\p{M}\\p{N}\\-]{1,63}\\.){1,8}(?:" TLD
       "|한국|닷컴|닷넷|рф|中国|中國|公司|网络|香港|台灣|みんな))",
       accept_email},
      {kIban, 0.92, Clue::kIban, "(?<![0-9A-Za-z])[A-Za-z]{2}[0-9]{2}(?: ?[0-9A-Za-z]){11,30}", accept_iban},
      {kCard, 0.9, Clue::kDigits12, BEFORE "[1-68](?:[ \\-]?[0-9]){11,18}(?![0-9A-Za-z])", accept_card},
      {kKrRrn, 0.93, Clue::kDigits12, BEFORE "[0-9]{6} ?[\\-\u2013]? ?[1-4][0-9]{6}" AFTER, accept_rrn},
      {kKrForeign, 0.91, Clue::kDigits12, BEFORE "[0-9]{6} ?[\\-\u2013]? ?[5-8][0-9]{6}" AFTER, accept_foreign},
      {kUsSsn, 0.7, Clue::kDigits9, BEFORE "[0-9]{3}([\\- ])[0-9]{2}\\1[0-9]{4}" AFTER, accept_ssn},
      {kIpv6, 0.8, Clue::kIpv6,
       "(?<![0-9A-Za-z:.])(?:[0-9A-Fa-f]{1,4}|:)(?::[0-9A-Fa-f]{0,4}){2,8}(?:[0-9.]{1,13})?(?![0-9A-Za-z:])", accept_ipv6},
      {kIpv4, 0.6, Clue::kIpv4,
       "(?<![0-9A-Za-z.\\-])(?:(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])\\.){3}"
       "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])(?![0-9A-Za-z])(?![.\\-][0-9])",
       accept_ipv4},
      {kPhone, 0.5, Clue::kDigits7,
       "(?<![0-9A-Za-z+])\\+[1-9](?:[ .\\-/()]{0,3}[0-9]){7,15}(?: ?(?:x|ext\\.?) ?[0-9]{1,6})?" AFTER, accept_phone},
      {kPhone, 0.5, Clue::kDigits9,
       BEFORE "00[1-9][0-9]{0,2}[ .\\-(](?:[ .\\-/()]{0,3}[0-9]){6,13}(?: ?(?:x|ext\\.?) ?[0-9]{1,6})?" AFTER, accept_phone},
      {kPhone, 0.5, Clue::kDigits9,
       BEFORE "(?:1[ .\\-])?(?:\\([2-9][0-9]{2}\\) ?|[2-9][0-9]{2}([.\\-]))[2-9][0-9]{2}(?(1)\\1|[ .\\-])[0-9]{4}"
              "(?: ?(?:x|ext\\.?) ?[0-9]{1,6})?" AFTER,
       accept_phone},
      {kPhone, 0.5, Clue::kDigits9, BEFORE "01[016789][ .\\-]?[0-9]{3,4}[ .\\-]?[0-9]{4}" AFTER, accept_phone},
      {kPhone, 0.5, Clue::kDigits9,
       BEFORE "(?:\\(?0(?:2|3[1-3]|4[1-4]|5[1-5]|6[1-4]|70|80|50[2-8]?)(?:\\) ?|[ .\\-]))[0-9]{3,4}[ .\\-][0-9]{4}" AFTER,
       accept_phone},
      {kPhone, 0.45, Clue::kDigits7,
       "(?i)(?<![A-Za-z])(?:phone|telephone|tel|fax|mobile|cell|휴대폰|전화번호|전화|연락처|팩스)(?: number| "
       "no)?[:.]?\\s{1,8}\\K"
       "\\(?[0-9](?:[ .\\-()]{0,2}[0-9]){6,12}" AFTER,
       accept_labelled_phone},
      {kPhone, 0.4, Clue::kDigits9, BEFORE "\\(?0[1-9][0-9]{0,3}\\)?([ .\\-])[0-9]{2,4}(?:\\1[0-9]{2,4}){1,3}" AFTER,
       accept_phone},
  };
  return kRules;
}

}  // namespace temper::pii
