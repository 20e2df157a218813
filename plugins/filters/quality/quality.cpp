// The rules, set by set (see quality.h). A rule returns its name and what it measured where it drops a document.
#include "quality.h"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <set>
#include <string_view>
#include <unordered_set>

#include "lines.h"
#include "tokens.h"
#include "utf8.h"

namespace temper::quality {

using filters::count_chars;
using filters::lowered;

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

struct Duplicates {
  std::size_t count = 0, characters = 0;
};
Duplicates duplicates(const std::vector<std::string_view>& parts) {
  std::unordered_set<std::string_view> seen;
  Duplicates found;
  for (const auto part : parts) {
    if (seen.insert(part).second) continue;
    ++found.count;
    found.characters += count_chars(part);
  }
  return found;
}

std::vector<std::string_view> filled_lines_of(std::string_view text) {
  auto lines = lines_of(text);
  std::erase_if(lines, [](std::string_view line) { return line.empty(); });
  return lines;
}

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

/// Runs of 1, then 2, 3, ... tokens as numbers, each length made of the one before; two different runs share a number with a
/// probability of about 2^-64.
class Grams {
 public:
  explicit Grams(const std::vector<Token>& tokens) : characters_before_{0} {
    for (const Token& token : tokens) {
      tokens_.push_back(std::hash<std::string_view>()(token.text));
      characters_before_.push_back(characters_before_.back() + token.characters);
    }
    grams_ = tokens_;
    // Half full at most; the size is a power of two.
    std::size_t places = 16;
    while (places < 2 * tokens.size()) places *= 2;
    table_.resize(places);
  }

  void lengthen() {
    ++length_;
    for (std::size_t i = 0; i + length_ <= tokens_.size(); ++i) {
      grams_[i] = (grams_[i] * 0x9E3779B97F4A7C15ULL) ^ tokens_[i + length_ - 1];
      grams_[i] ^= grams_[i] >> 29;
    }
    std::fill(table_.begin(), table_.end(), Place{});
  }
  std::size_t length() const { return length_; }
  std::size_t size() const { return tokens_.size() < length_ ? 0 : tokens_.size() - length_ + 1; }
  std::size_t characters(std::size_t i) const { return characters_before_[i + length_] - characters_before_[i]; }
  /// How often the run has been counted at this length, this time included.
  std::size_t count(std::size_t i) {
    std::size_t at = grams_[i] & (table_.size() - 1);
    while (table_[at].count > 0 && table_[at].gram != grams_[i]) at = (at + 1) & (table_.size() - 1);
    table_[at].gram = grams_[i];
    return ++table_[at].count;
  }

 private:
  struct Place {
    std::uint64_t gram = 0;
    std::size_t count = 0;
  };
  std::vector<std::uint64_t> tokens_, grams_;
  std::vector<std::size_t> characters_before_;
  std::vector<Place> table_;
  std::size_t length_ = 1;
};

/// Characters in the most frequent run, each occurrence counted, a space between tokens included.
std::size_t top_gram(Grams& grams) {
  std::size_t most = 0, characters = 0;
  for (std::size_t i = 0; i < grams.size(); ++i) {
    const std::size_t count = grams.count(i);
    // What stands once is not repeated; of equally frequent ones the first that got there counts.
    if (count <= most || count == 1) continue;
    most = count;
    characters = grams.characters(i) + grams.length() - 1;
  }
  return most * characters;
}

/// Characters in runs that stood before, without overlaps.
std::size_t repeated_grams(Grams& grams) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < grams.size();) {
    const bool fresh = grams.count(i) == 1;
    characters += fresh ? 0 : grams.characters(i);
    i += fresh ? 1 : grams.length();
  }
  return characters;
}

template <class On>
Verdict gopher_quality(const std::string& text, const std::vector<Token>& tokens, const QualityParams& p, bool english,
                       On on) {
  static const std::set<std::string> kStopWords{"the", "be", "to", "of", "and", "that", "have", "with"};
  std::size_t words = 0, letters = 0, alpha = 0, hashes = 0, ellipses = 0;
  std::set<std::string> stops;
  for (const Token& token : tokens) {
    alpha += token.has_letter ? 1 : 0;
    if (token.is_word) {
      ++words;
      letters += token.characters;
      if (english && token.text.size() <= 4 && kStopWords.count(lowered(token.text)) != 0) stops.insert(lowered(token.text));
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
  const auto lines = lines_of(text);
  std::size_t bullets = 0, trailing = 0;
  for (const auto raw : lines) {
    const auto line = trimmed_view(raw);
    bullets += line.starts_with("-") || line.starts_with("\xE2\x80\xA2") ? 1 : 0;
    trailing += ends_in_ellipsis(line) ? 1 : 0;
  }
  if (const auto verdict =
          first_over({{"gopher_long", count, static_cast<double>(p.max_words)},
                      {"gopher_word_length", mean, p.max_word_length},
                      {"gopher_symbols", over(std::max(hashes, ellipses), tokens.size()), p.max_symbol_ratio},
                      {"gopher_bullets", over(bullets, lines.size()), p.max_bullet_lines},
                      {"gopher_ellipses", over(trailing, lines.size()), p.max_ellipsis_lines}},
                     on)) {
    return verdict;
  }
  const double alpha_share = over(alpha, tokens.size());
  if (alpha_share < p.min_alpha_words && on("gopher_alpha")) return Broken{"gopher_alpha", alpha_share};
  if (english && static_cast<std::int64_t>(stops.size()) < p.min_stop_words && on("gopher_stop_words")) {
    return Broken{"gopher_stop_words", static_cast<double>(stops.size())};
  }
  return std::nullopt;
}

template <class On>
Verdict gopher_repetition(const std::string& text, const std::vector<Token>& tokens, const QualityParams& p, On on) {
  const std::size_t length = count_chars(text);
  const auto paragraphs = paragraphs_of(text), lines = filled_lines_of(text);
  const Duplicates of_paragraphs = duplicates(paragraphs), of_lines = duplicates(lines);
  if (const auto verdict = first_over(
          {{"gopher_dup_paragraphs", over(of_paragraphs.count, paragraphs.size()), p.dup_paragraph_fraction},
           {"gopher_dup_paragraph_characters", over(of_paragraphs.characters, length), p.dup_paragraph_characters},
           {"gopher_dup_lines", over(of_lines.count, lines.size()), p.dup_line_fraction},
           {"gopher_dup_line_characters", over(of_lines.characters, length), p.dup_line_characters}},
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
  Grams grams(tokens);
  for (const auto& [rule, most] : limits) {
    grams.lengthen();
    if (!on(rule)) continue;
    const double value = over(grams.length() <= 4 ? top_gram(grams) : repeated_grams(grams), length);
    if (value > most) return Broken{rule, value};
  }
  return std::nullopt;
}

template <class On>
Verdict fineweb(const std::string& text, const std::vector<Token>& tokens, const QualityParams& p, On on) {
  const auto lines = filled_lines_of(text);
  std::size_t punctuated = 0, brief = 0;
  for (const auto line : lines) {
    punctuated += ends_sentence(trimmed_view(line)) ? 1 : 0;
    brief += count_chars(line) <= static_cast<std::size_t>(p.short_line) ? 1 : 0;
  }
  const auto newlines = static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
  const double share = over(punctuated, lines.size());
  if (!lines.empty() && share < p.min_punctuated_lines && on("fineweb_punctuation")) {
    return Broken{"fineweb_punctuation", share};
  }
  return first_over({{"fineweb_short_lines", over(brief, lines.size()), p.max_short_lines},
                     {"fineweb_dup_characters", over(duplicates(lines).characters, count_chars(text) - newlines),
                      p.max_dup_line_characters},
                     {"fineweb_newlines", over(newlines, tokens.size()), p.max_newline_ratio}},
                    on);
}

/// Sentences end at . ? ! with a blank, a quote or the end behind them; a line with words has at least one.
std::size_t sentences_in(std::string_view line) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] != '.' && line[i] != '?' && line[i] != '!') continue;
    const bool last = i + 1 == line.size() || line[i + 1] == ' ' || line[i + 1] == '"' || line[i + 1] == '\'';
    count += last ? 1 : 0;
  }
  return std::max<std::size_t>(count, 1);
}

/// Takes lines out; drops documents for a phrase, or for having too few sentences left.
template <class On>
Verdict c4(const std::string& text, const QualityParams& p, bool english, On on, std::vector<FilterSpan>& spans) {
  const std::string small = lowered(text);
  if (small.find("lorem ipsum") != std::string::npos && on("c4_lorem_ipsum")) return Broken{"c4_lorem_ipsum", 1};
  if (text.find('{') != std::string::npos && on("c4_curly_bracket")) return Broken{"c4_curly_bracket", 1};
  std::size_t begin = 0, sentences = 0;
  for (const auto line : lines_of(text)) {
    const std::size_t here = begin, end = std::min(begin + line.size() + 1, text.size());
    begin += line.size() + 1;
    const auto core = trimmed_view(line);
    if (core.empty()) continue;
    const std::string_view small_line = std::string_view(small).substr(here, line.size());
    const auto holds = [&](std::string_view phrase) { return small_line.find(phrase) != std::string_view::npos; };
    const auto tokens = tokens_of(core);
    const auto words = std::count_if(tokens.begin(), tokens.end(), [](const Token& token) { return token.is_word; });
    const bool long_word = std::any_of(tokens.begin(), tokens.end(), [&](const Token& token) {
      return token.is_word && token.characters > static_cast<std::size_t>(p.max_word_characters);
    });
    const bool policy = holds("terms of use") || holds("privacy policy") || holds("cookie policy") ||
                        holds("uses cookies") || holds("use of cookies") || holds("use cookies");
    const char* rule = nullptr;
    if (english && (!ends_sentence(core) || ends_in_ellipsis(core)) && on("c4_punctuation")) rule = "c4_punctuation";
    if (words < p.min_line_words && on("c4_few_words")) rule = "c4_few_words";
    if (long_word && on("c4_long_word")) rule = "c4_long_word";
    if (holds("javascript") && on("c4_javascript")) rule = "c4_javascript";
    if (policy && on("c4_policy")) rule = "c4_policy";
    if (rule != nullptr) {
      spans.push_back({here, end, rule, ""});
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
  if (uses("c4") && broken(c4(document.text, params_, english, is_on, result.spans))) return result;
  // What C4 takes out is not there for the other rules, so that a second pass changes nothing.
  const std::string left = result.spans.empty() ? document.text : apply_spans(document.text, result.spans);
  const auto tokens = tokens_of(left);
  if (uses("gopher_repetition") && broken(gopher_repetition(left, tokens, params_, is_on))) return result;
  if (uses("gopher_quality") && broken(gopher_quality(left, tokens, params_, english, is_on))) return result;
  if (uses("fineweb")) broken(fineweb(left, tokens, params_, is_on));
  return result;
}

bool Quality::uses(const std::string& set) const {
  return std::find(params_.rules.begin(), params_.rules.end(), set) != params_.rules.end();
}
bool Quality::on(const char* rule) const {
  return std::find(params_.without.begin(), params_.without.end(), rule) == params_.without.end();
}

}  // namespace temper::quality
