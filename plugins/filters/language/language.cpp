// Talks to CLD2 (see language.h). Its tables are constants and its calls keep nothing, so threads need no lock. It refuses a
// text with a control character in it, as a whole; so those become spaces first.
#include "language.h"

#include <cld2/public/compact_lang_det.h>
#include <cld2/public/encodings.h>

#include <algorithm>
#include <array>
#include <set>

#include "utf8.h"

namespace temper::filters {
namespace {

/// Codes that ISO has replaced, and names that people use: each to CLD2's present one.
std::string present_code(std::string code) {
  std::transform(code.begin(), code.end(), code.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::array<std::string_view, 2>, 8> kNames = {
      {{"iw", "he"}, {"in", "id"}, {"ji", "yi"}, {"jw", "jv"}, {"mo", "ro"}, {"nb", "no"}, {"fil", "tl"}, {"zh-cn", "zh"}}};
  for (const auto& [old_name, name] : kNames) {
    if (code == old_name) return std::string(name);
  }
  return code;
}

bool is_kept(const std::vector<std::string>& keep, const std::string& code) {
  // "zh" is both ways of writing Chinese.
  const std::string general = code.substr(0, code.find('-'));
  return std::any_of(keep.begin(), keep.end(), [&](const std::string& one) { return one == code || one == general; });
}

/// The first bytes, with everything that CLD2 would stumble over as spaces.
std::string legible(std::string_view text, std::size_t max_bytes) {
  std::string result;
  result.reserve(std::min(text.size(), max_bytes) + 1);
  for (std::size_t at = 0; at < text.size();) {
    const auto [c, size] = char_at(text, at);
    if (at + size > max_bytes) break;
    const bool fine = c >= 0x20 && c != 0x7F && !(c >= 0x80 && c < 0xA0) && c != kBroken && !(c >= 0xFDD0 && c < 0xFDF0) &&
                      (c & 0xFFFE) != 0xFFFE;
    result.append(fine ? text.substr(at, size) : std::string_view(" "));
    at += size;
  }
  return result;
}

struct Answer {
  CLD2::Language language = CLD2::UNKNOWN_LANGUAGE;
  double share = 0;
  bool reliable = false;
};

Answer ask(const std::string& text, int flags) {
  const CLD2::CLDHints hints{nullptr, nullptr, CLD2::UNKNOWN_ENCODING, CLD2::UNKNOWN_LANGUAGE};
  std::array<CLD2::Language, 3> languages{};
  std::array<int, 3> percents{};
  std::array<double, 3> scores{};
  int bytes = 0, valid = 0;
  Answer answer;
  CLD2::ExtDetectLanguageSummaryCheckUTF8(text.data(), static_cast<int>(text.size()), true, &hints, flags, languages.data(),
                                          percents.data(), scores.data(), nullptr, &bytes, &answer.reliable, &valid);
  // What it returns is a summary that turns to English or unknown in doubt; the first of the three is what it found.
  answer.language = languages[0];
  answer.share = percents[0] / 100.0;
  return answer;
}

}  // namespace

std::vector<std::string> language_codes() {
  std::set<std::string> codes;
  for (int i = 0; i < CLD2::NUM_LANGUAGES; ++i) {
    const auto language = static_cast<CLD2::Language>(i);
    if (language == CLD2::UNKNOWN_LANGUAGE || language == CLD2::TG_UNKNOWN_LANGUAGE) continue;
    const std::string code = present_code(CLD2::LanguageCode(language));
    if (!code.empty() && !code.starts_with("xx")) codes.insert(code);
  }
  return {codes.begin(), codes.end()};
}

Identified identified(std::string_view text, std::size_t max_bytes) {
  const std::string clean = legible(text, max_bytes);
  const auto known = [](const Answer& answer) {
    return answer.language != CLD2::UNKNOWN_LANGUAGE && answer.language != CLD2::TG_UNKNOWN_LANGUAGE && answer.share > 0;
  };
  Answer answer = ask(clean, 0);
  if (!known(answer) || !answer.reliable) {
    answer = ask(clean, CLD2::kCLDFlagBestEffort);
    answer.reliable = false;
  }
  if (!known(answer)) return {};
  return {present_code(CLD2::LanguageCode(answer.language)), answer.reliable ? answer.share : answer.share / 2};
}

ParamTable<LanguageParams> language_params() {
  using P = LanguageParams;
  ParamTable<P> table;
  table.add("keep", &P::keep, "Languages that stay, by their ISO 639-1 codes; empty keeps all and only notes the language.");
  table.add("min_confidence", &P::min_confidence,
            "Documents whose language is less certain than this are dropped, unless all are kept.", {.min = 0, .max = 1});
  table.add("max_bytes", &P::max_bytes, "How much of a document is looked at, from its start.",
            {.min = 100, .max = 100000000, .unit = "bytes"});
  table.require(
      [](const P& p) {
        const auto codes = language_codes();
        return std::all_of(p.keep.begin(), p.keep.end(), [&](const std::string& code) {
          return std::find(codes.begin(), codes.end(), present_code(code)) != codes.end();
        });
      },
      "each of keep must be a language code such as en, ko or zh-hant");
  return table;
}

Language::Language(const LanguageParams& params) : params_(params) {
  for (auto& code : params_.keep) code = present_code(code);
}

FilterResult Language::judge(const Document& document) const {
  const Identified found = identified(document.text, static_cast<std::size_t>(params_.max_bytes));
  FilterResult result;
  result.score = found.confidence;
  const bool certain = !found.code.empty() && found.confidence >= params_.min_confidence;
  result.reason = certain ? "language_" + found.code : "uncertain";
  std::replace(result.reason.begin(), result.reason.end(), '-', '_');
  result.drop = !params_.keep.empty() && !(certain && is_kept(params_.keep, found.code));
  return result;
}

}  // namespace temper::filters
