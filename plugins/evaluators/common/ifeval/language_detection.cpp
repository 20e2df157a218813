// Scripts through ICU; within a script every language's frequent words vote, a word shared by several counting less.
#include "language_detection.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/uscript.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <string_view>
#include <unordered_map>

#include "unicode.h"
#include "vocabulary.h"

namespace temper::instruction_following {
namespace {

struct OneLanguageScript {
  UScriptCode script;
  const char* code;
};
constexpr std::array<OneLanguageScript, 11> kOneLanguageScripts = {{{USCRIPT_BENGALI, "bn"},
                                                                    {USCRIPT_GREEK, "el"},
                                                                    {USCRIPT_GUJARATI, "gu"},
                                                                    {USCRIPT_GURMUKHI, "pa"},
                                                                    {USCRIPT_HANGUL, "ko"},
                                                                    {USCRIPT_HEBREW, "he"},
                                                                    {USCRIPT_KANNADA, "kn"},
                                                                    {USCRIPT_MALAYALAM, "ml"},
                                                                    {USCRIPT_TAMIL, "ta"},
                                                                    {USCRIPT_TELUGU, "te"},
                                                                    {USCRIPT_THAI, "th"}}};

// Frequent characters written in only one of the two ways.
constexpr std::u32string_view kSimplified =
    U"这个们来时国会说对发经学过还为应开长见话现实车电问东头气书员马师无么让样爱后产业";
constexpr std::u32string_view kTraditional =
    U"這個們來時國會說對發經學過還為應開長見話現實車電問東頭氣書員馬師無麼讓樣愛後產業";

using Words = std::unordered_map<std::string, std::vector<std::size_t>>;

struct Vocabulary {
  const std::vector<LanguageWords>* languages;
  Words by_word, by_further_word;
  std::vector<std::u32string> letters;
  std::vector<std::vector<std::u32string>> endings;
};

Vocabulary build(const std::vector<LanguageWords>& languages) {
  Vocabulary vocabulary{&languages, {}, {}, {}, {}};
  for (std::size_t i = 0; i < languages.size(); ++i) {
    std::set<std::string> seen;
    for (std::string& word : split(std::string(languages[i].words), " ")) {
      if (!word.empty() && seen.insert(word).second) vocabulary.by_word[std::move(word)].push_back(i);
    }
    for (std::string& word : split(std::string(languages[i].more), " ")) {
      if (!word.empty() && seen.insert(word).second) vocabulary.by_further_word[std::move(word)].push_back(i);
    }
    vocabulary.letters.push_back(decode(languages[i].letters));
    vocabulary.endings.emplace_back();
    for (const std::string& ending : split(std::string(languages[i].endings), " ")) {
      if (!ending.empty()) vocabulary.endings.back().push_back(decode(ending));
    }
  }
  return vocabulary;
}

/// Runs of letters and marks, composed and in lower case.
std::vector<std::u32string> letter_runs(const std::u32string& text) {
  std::vector<std::u32string> runs(1);
  for (const char32_t c : text) {
    const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
    if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) != 0) {
      runs.back().push_back(c);
    } else if (!runs.back().empty()) {
      runs.emplace_back();
    }
  }
  if (runs.back().empty()) runs.pop_back();
  return runs;
}

/// Evidence a word below which no language is named: what a text of unknown words and a few chance hits stays under.
constexpr double kLeastEvidence = 0.06;

/// A word's vote is shared by the languages that have it.
void vote(const Words& words, const std::string& word, double weight, std::vector<double>& scores) {
  const auto hit = words.find(word);
  if (hit == words.end()) return;
  for (const std::size_t language : hit->second) scores[language] += weight / static_cast<double>(hit->second.size());
}

Language best_of(const Vocabulary& vocabulary, const std::vector<std::u32string>& runs, UScriptCode script,
                 std::size_t least_words) {
  std::vector<double> scores(vocabulary.languages->size(), 0.0);
  std::size_t in_script = 0;
  for (const auto& run : runs) {
    UErrorCode error = U_ZERO_ERROR;
    if (uscript_getScript(static_cast<UChar32>(run.front()), &error) != script) continue;
    ++in_script;
    const std::string word = encode(run);
    vote(vocabulary.by_word, word, 1.0, scores);
    vote(vocabulary.by_further_word, word, 0.5, scores);
    for (std::size_t i = 0; i < scores.size(); ++i) {
      const auto& letters = vocabulary.letters[i];
      if (run.find_first_of(letters) != std::u32string::npos) scores[i] += 0.25;
      const auto& endings = vocabulary.endings[i];
      const bool typical = std::any_of(endings.begin(), endings.end(), [&](const std::u32string& ending) {
        return run.size() > ending.size() + 1 && run.ends_with(ending);
      });
      if (typical) scores[i] += 0.2;
    }
  }
  if (in_script < least_words) return {Detection::kUndecided, ""};
  // A tie goes to the language listed first, which is the more frequent one.
  const auto best = std::max_element(scores.begin(), scores.end());
  if (*best < kLeastEvidence * static_cast<double>(in_script)) return {Detection::kUndecided, ""};
  const auto index = static_cast<std::size_t>(best - scores.begin());
  return {Detection::kFound, std::string((*vocabulary.languages)[index].code)};
}

Language chinese(const std::u32string& text) {
  std::int64_t balance = 0;
  for (const char32_t c : text) {
    const bool simplified = kSimplified.find(c) != std::u32string_view::npos;
    const bool traditional = kTraditional.find(c) != std::u32string_view::npos;
    balance += static_cast<std::int64_t>(simplified) - static_cast<std::int64_t>(traditional);
  }
  return {Detection::kFound, balance >= 0 ? "zh-cn" : "zh-tw"};
}

std::u32string normalized(const std::string& text) {
  UErrorCode error = U_ZERO_ERROR;
  const auto* form = icu::Normalizer2::getNFCInstance(error);
  std::string out;
  form->normalize(icu::UnicodeString::fromUTF8(lower(text)), error).toUTF8String(out);
  return decode(out);
}

struct Shared {
  Vocabulary latin = build(latin_languages()), cyrillic = build(cyrillic_languages()), arabic = build(arabic_languages()),
             devanagari = build(devanagari_languages());
};
const Shared& shared() {
  static const Shared kShared;
  return kShared;
}

}  // namespace

Language detect_language(const std::string& raw) {
  const std::u32string text = normalized(raw);
  std::map<UScriptCode, std::size_t> letters;
  for (const char32_t c : text) {
    const auto mask = U_GET_GC_MASK(static_cast<UChar32>(c));
    if ((mask & (U_GC_L_MASK | U_GC_M_MASK)) == 0) continue;
    UErrorCode error = U_ZERO_ERROR;
    const UScriptCode script = uscript_getScript(static_cast<UChar32>(c), &error);
    if (script != USCRIPT_COMMON && script != USCRIPT_INHERITED) ++letters[script];
  }
  if (letters.empty()) return {};
  // Japanese is Kana among Han; a few Han letters in a Korean text decide nothing.
  const std::size_t kana = letters[USCRIPT_HIRAGANA] + letters[USCRIPT_KATAKANA];
  const std::size_t han = letters[USCRIPT_HAN];
  if (kana * 10 >= han && kana > 0) letters[USCRIPT_HIRAGANA] = kana + han;
  const auto top =
      std::max_element(letters.begin(), letters.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  const UScriptCode script = top->first;
  if (script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA) return {Detection::kFound, "ja"};
  if (script == USCRIPT_HAN) return chinese(text);
  for (const auto& known : kOneLanguageScripts) {
    if (script == known.script) return {Detection::kFound, known.code};
  }
  const auto runs = letter_runs(text);
  // One Latin word alone is a name or a loan as often as not.
  if (script == USCRIPT_LATIN) return best_of(shared().latin, runs, script, 2);
  if (script == USCRIPT_CYRILLIC) return best_of(shared().cyrillic, runs, script, 1);
  if (script == USCRIPT_ARABIC) return best_of(shared().arabic, runs, script, 1);
  if (script == USCRIPT_DEVANAGARI) return best_of(shared().devanagari, runs, script, 1);
  return {Detection::kUndecided, ""};
}

const std::vector<std::string>& known_languages() {
  static const std::vector<std::string> kCodes = [] {
    std::vector<std::string> codes = {"ja", "zh-cn", "zh-tw"};
    for (const auto& known : kOneLanguageScripts) codes.emplace_back(known.code);
    for (const auto* group : {&latin_languages(), &cyrillic_languages(), &arabic_languages(), &devanagari_languages()}) {
      for (const auto& language : *group) codes.emplace_back(language.code);
    }
    std::sort(codes.begin(), codes.end());
    return codes;
  }();
  return kCodes;
}

}  // namespace temper::instruction_following
