// The rules, set by set (see quality.h). A rule returns its name and what it measured where it drops a document.
#include "quality.h"

#include <algorithm>
#include <array>
#include <bit>
#include <optional>
#include <string_view>
#include <utility>

#include "phrases.h"
#include "repetition.h"
#include "tokens.h"
#include "utf8.h"

namespace temper::quality {

using filters::count_chars;

namespace {

struct Broken {
  const char* rule;
  double value;
};
using Verdict = std::optional<Broken>;

/// A measured value, and the most that is allowed.
struct Limit {
  const char* rule;
  double value, most;
};

double over(std::size_t part, std::size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

template <class On>
Verdict first_over(std::initializer_list<Limit> limits, On on) {
  for (const Limit& limit : limits) {
    if (limit.value > limit.most && on(limit.rule)) return Broken{limit.rule, limit.value};
  }
  return std::nullopt;
}

bool ends_sentence(std::string_view line) {
  if (line.empty()) return false;
  if (std::string_view(".?!\"'").find(line.back()) != std::string_view::npos) return true;
  for (const std::string_view mark : {"\xE2\x80\x9D", "\xE2\x80\x99", "\xE3\x80\x82", "\xEF\xBC\x9F", "\xEF\xBC\x81"}) {
    if (line.ends_with(mark)) return true;  // closing quotes, and the full-width marks of East Asia
  }
  return false;
}

bool ends_in_ellipsis(std::string_view line) { return line.ends_with("...") || line.ends_with("\xE2\x80\xA6"); }

std::vector<std::string_view> paragraphs_of(std::string_view text) {
  text = trimmed_view(text);
  std::vector<std::string_view> paragraphs;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find("\n\n", begin), text.size());
    paragraphs.push_back(text.substr(begin, end - begin));
    begin = text.find_first_not_of('\n', end);
    if (begin == std::string_view::npos) break;
  }
  return paragraphs;
}

/// What the rules see of a document: cut once, for all of them.
struct Page {
  std::string_view text;
  std::vector<Token> tokens;
  std::vector<std::string_view> lines, filled_lines;  ///< all, and those that are not empty
  std::size_t characters = 0;
  Duplicates of_lines;  ///< of the filled ones

  Page(std::string_view left, std::vector<Token> its_tokens)
      : text(left),
        tokens(std::move(its_tokens)),
        lines(lines_of(text)),
        filled_lines(lines),
        characters(count_chars(text)) {
    std::erase_if(filled_lines, [](std::string_view line) { return line.empty(); });
    of_lines = duplicates(filled_lines);
  }
};

/// A word of at most four ASCII letters as a number, whatever their case.
constexpr std::uint32_t short_word(std::string_view word) {
  std::uint32_t letters = 0;
  for (const char c : word) letters = letters << 8 | static_cast<unsigned char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return letters;
}

/// Bits of the stop words that count; 0 for any other word.
unsigned stop_word(std::string_view word) {
  constexpr std::array kStopWords = {short_word("the"), short_word("be"),   short_word("to"),   short_word("of"),
                                     short_word("and"), short_word("that"), short_word("have"), short_word("with")};
  if (word.size() > sizeof(std::uint32_t)) return 0;
  const std::uint32_t letters = short_word(word);
  unsigned found = 0;
  for (std::size_t i = 0; i < kStopWords.size(); ++i) found |= (letters == kStopWords[i] ? 1U : 0U) << i;
  return found;
}

template <class On>
Verdict gopher_quality(const Page& page, const QualityParams& p, bool english, On on) {
  std::size_t words = 0, letters = 0, alpha = 0, hashes = 0, ellipses = 0;
  unsigned stops = 0;
  for (const Token& token : page.tokens) {
    alpha += token.has_letter ? 1 : 0;
    if (token.is_word) {
      ++words;
      letters += token.characters;
      stops |= stop_word(token.text);
    } else if (token.text.front() == '#') {
      hashes += token.characters;
    } else {
      ellipses += token.text == "..." || token.text == "\xE2\x80\xA6" ? 1 : 0;
    }
  }
  const auto count = static_cast<double>(words);
  if (count < static_cast<double>(p.min_words) && on("gopher_short")) return Broken{"gopher_short", count};
  const double mean = over(letters, words);
  if (mean < p.min_word_length && on("gopher_word_length")) return Broken{"gopher_word_length", mean};
  std::size_t bullets = 0, trailing = 0;
  for (const auto raw : page.lines) {
    const auto line = trimmed_view(raw);
    bullets += line.starts_with("-") || line.starts_with("\xE2\x80\xA2") ? 1 : 0;
    trailing += ends_in_ellipsis(line) ? 1 : 0;
  }
  if (const auto verdict =
          first_over({{"gopher_long", count, static_cast<double>(p.max_words)},
                      {"gopher_word_length", mean, p.max_word_length},
                      {"gopher_symbols", over(std::max(hashes, ellipses), page.tokens.size()), p.max_symbol_ratio},
                      {"gopher_bullets", over(bullets, page.lines.size()), p.max_bullet_lines},
                      {"gopher_ellipses", over(trailing, page.lines.size()), p.max_ellipsis_lines}},
                     on)) {
    return verdict;
  }
  const double alpha_share = over(alpha, page.tokens.size());
  if (alpha_share < p.min_alpha_words && on("gopher_alpha")) return Broken{"gopher_alpha", alpha_share};
  const int stop_words = std::popcount(stops);
  if (english && stop_words < p.min_stop_words && on("gopher_stop_words")) {
    return Broken{"gopher_stop_words", static_cast<double>(stop_words)};
  }
  return std::nullopt;
}

template <class On>
Verdict gopher_repetition(const Page& page, const QualityParams& p, On on) {
  const auto paragraphs = paragraphs_of(page.text);
  const Duplicates of_paragraphs = duplicates(paragraphs);
  if (const auto verdict = first_over(
          {{"gopher_dup_paragraphs", over(of_paragraphs.count, paragraphs.size()), p.dup_paragraph_fraction},
           {"gopher_dup_paragraph_characters", over(of_paragraphs.characters, page.characters), p.dup_paragraph_characters},
           {"gopher_dup_lines", over(page.of_lines.count, page.filled_lines.size()), p.dup_line_fraction},
           {"gopher_dup_line_characters", over(page.of_lines.characters, page.characters), p.dup_line_characters}},
          on)) {
    return verdict;
  }
  const std::array<std::pair<const char*, double>, 9> limits{{{"gopher_top_2_gram", p.top_2_gram},
                                                              {"gopher_top_3_gram", p.top_3_gram},
                                                              {"gopher_top_4_gram", p.top_4_gram},
                                                              {"gopher_dup_5_gram", p.dup_5_gram},
                                                              {"gopher_dup_6_gram", p.dup_6_gram},
                                                              {"gopher_dup_7_gram", p.dup_7_gram},
                                                              {"gopher_dup_8_gram", p.dup_8_gram},
                                                              {"gopher_dup_9_gram", p.dup_9_gram},
                                                              {"gopher_dup_10_gram", p.dup_10_gram}}};
  RepeatedRuns runs(page.tokens);
  for (const auto& [rule, most] : limits) {
    runs.lengthen();
    if (!on(rule)) continue;
    const double value = over(runs.length() <= 4 ? runs.most_frequent() : runs.standing_before(), page.characters);
    if (value > most) return Broken{rule, value};
  }
  return std::nullopt;
}

template <class On>
Verdict fineweb(const Page& page, const QualityParams& p, On on) {
  const auto& lines = page.filled_lines;
  std::size_t punctuated = 0, brief = 0;
  for (const auto line : lines) {
    punctuated += ends_sentence(trimmed_view(line)) ? 1 : 0;
    brief += count_chars(line) <= static_cast<std::size_t>(p.short_line) ? 1 : 0;
  }
  const auto newlines = page.lines.size() - 1;
  const double share = over(punctuated, lines.size());
  if (!lines.empty() && share < p.min_punctuated_lines && on("fineweb_punctuation")) {
    return Broken{"fineweb_punctuation", share};
  }
  return first_over(
      {{"fineweb_short_lines", over(brief, lines.size()), p.max_short_lines},
       {"fineweb_dup_characters", over(page.of_lines.characters, page.characters - newlines), p.max_dup_line_characters},
       {"fineweb_newlines", over(newlines, page.tokens.size()), p.max_newline_ratio}},
      on);
}

/// Sentences end at . ? ! with a blank, a quote or the end behind them; a line with words has at least one.
std::size_t sentences_in(std::string_view line) {
  std::size_t count = 0;
  const auto sign = [](char c) { return static_cast<std::size_t>(c == '.') | (c == '?') | (c == '!'); };
  for (std::size_t i = 0; i + 1 < line.size(); ++i) {
    const char next = line[i + 1];
    count += sign(line[i]) & (static_cast<std::size_t>(next == ' ') | (next == '"') | (next == '\''));
  }
  count += line.empty() ? 0 : sign(line.back());
  return std::max<std::size_t>(count, 1);
}

/// Takes lines out; drops documents for a phrase, or for having too few sentences left. `tokens` get those of the lines that
/// stay.
template <class On>
Verdict c4(const std::string& text, const QualityParams& p, bool english, On on, std::vector<FilterSpan>& spans,
           std::vector<Token>& tokens) {
  const auto phrases = phrases_of(text);
  const bool lorem = std::any_of(phrases.begin(), phrases.end(),
                                 [](const Phrase& phrase) { return phrase.kind == PhraseKind::kLoremIpsum; });
  if (lorem && on("c4_lorem_ipsum")) return Broken{"c4_lorem_ipsum", 1};
  if (text.find('{') != std::string::npos && on("c4_curly_bracket")) return Broken{"c4_curly_bracket", 1};
  std::size_t begin = 0, sentences = 0;
  auto phrase = phrases.begin();
  for (const auto line : lines_of(text)) {
    const std::size_t here = begin, end = std::min(begin + line.size() + 1, text.size());
    begin += line.size() + 1;
    bool javascript = false, policy = false;
    for (; phrase != phrases.end() && phrase->begin < end; ++phrase) {
      javascript = javascript || phrase->kind == PhraseKind::kJavascript;
      policy = policy || phrase->kind == PhraseKind::kPolicy;
    }
    const auto core = trimmed_view(line);
    if (core.empty()) continue;
    const std::size_t first = tokens.size();
    append_tokens(core, tokens);
    std::int64_t words = 0;
    bool long_word = false;
    for (std::size_t i = first; i < tokens.size(); ++i) {
      words += tokens[i].is_word ? 1 : 0;
      long_word = long_word || (tokens[i].is_word && tokens[i].characters > static_cast<std::size_t>(p.max_word_characters));
    }
    const char* rule = nullptr;
    if (english && (!ends_sentence(core) || ends_in_ellipsis(core)) && on("c4_punctuation")) rule = "c4_punctuation";
    if (words < p.min_line_words && on("c4_few_words")) rule = "c4_few_words";
    if (long_word && on("c4_long_word")) rule = "c4_long_word";
    if (javascript && on("c4_javascript")) rule = "c4_javascript";
    if (policy && on("c4_policy")) rule = "c4_policy";
    if (rule != nullptr) {
      spans.push_back({here, end, rule, ""});
      tokens.resize(first);
    } else {
      sentences += sentences_in(core);
    }
  }
  if (static_cast<std::int64_t>(sentences) < p.min_sentences && on("c4_few_sentences")) {
    return Broken{"c4_few_sentences", static_cast<double>(sentences)};
  }
  return std::nullopt;
}

}  // namespace

const std::vector<std::string>& quality_rule_names() {
  static const std::vector<std::string> names{"gopher_short",          "gopher_long",
                                              "gopher_word_length",    "gopher_symbols",
                                              "gopher_bullets",        "gopher_ellipses",
                                              "gopher_alpha",          "gopher_stop_words",
                                              "gopher_dup_paragraphs", "gopher_dup_paragraph_characters",
                                              "gopher_dup_lines",      "gopher_dup_line_characters",
                                              "gopher_top_2_gram",     "gopher_top_3_gram",
                                              "gopher_top_4_gram",     "gopher_dup_5_gram",
                                              "gopher_dup_6_gram",     "gopher_dup_7_gram",
                                              "gopher_dup_8_gram",     "gopher_dup_9_gram",
                                              "gopher_dup_10_gram",    "c4_lorem_ipsum",
                                              "c4_curly_bracket",      "c4_punctuation",
                                              "c4_few_words",          "c4_long_word",
                                              "c4_javascript",         "c4_policy",
                                              "c4_few_sentences",      "fineweb_punctuation",
                                              "fineweb_short_lines",   "fineweb_dup_characters",
                                              "fineweb_newlines"};
  return names;
}

FilterResult Quality::judge(const Document& document) const {
  const bool english = params_.english && is_mostly_latin(document.text);
  const auto is_on = [this](const char* rule) { return on(rule); };
  FilterResult result;
  const auto broken = [&](const Verdict& verdict) {
    if (verdict) result = {true, verdict->rule, verdict->value};
    return verdict.has_value();
  };
  std::vector<Token> tokens;
  if (!uses("c4")) {
    append_tokens(document.text, tokens);
  } else if (broken(c4(document.text, params_, english, is_on, result.spans, tokens))) {
    return result;
  }
  // What C4 takes out is not there for the other rules, so that a second pass changes nothing.
  const std::string edited = result.spans.empty() ? "" : apply_spans(document.text, result.spans);
  const Page page(result.spans.empty() ? document.text : edited, std::move(tokens));
  if (uses("gopher_repetition") && broken(gopher_repetition(page, params_, is_on))) return result;
  if (uses("gopher_quality") && broken(gopher_quality(page, params_, english, is_on))) return result;
  if (uses("fineweb")) broken(fineweb(page, params_, is_on));
  return result;
}

bool Quality::uses(const std::string& set) const {
  return std::find(params_.rules.begin(), params_.rules.end(), set) != params_.rules.end();
}
bool Quality::on(const char* rule) const {
  return std::find(params_.without.begin(), params_.without.end(), rule) == params_.without.end();
}

}  // namespace temper::quality
