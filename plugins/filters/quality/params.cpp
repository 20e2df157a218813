// The parameters of the quality rules (see quality.h).
#include <algorithm>

#include "quality.h"

namespace temper::quality {

ParamTable<QualityParams> quality_params() {
  using P = QualityParams;
  ParamTable<P> table;
  const ParamOptions share{.min = 0, .max = 1}, count{.min = 0, .max = 1e9};
  table.add("rules", &P::rules,
            "Sets of rules in use: c4, gopher_repetition, gopher_quality, fineweb; c4 edits and comes first.");
  table.add("without", &P::without, "Single rules that are left out, by the names that verdicts give them.");
  table.add("english", &P::english,
            "Whether the rules about English (stop words, punctuation at a line's end) apply to texts in Latin letters; to "
            "others they never do.");
  table.add("min_words", &P::min_words, "Gopher: fewest words of a document.", count);
  table.add("max_words", &P::max_words, "Gopher: most words of a document.", count);
  table.add("min_word_length", &P::min_word_length, "Gopher: smallest mean length of words.",
            {.min = 0, .max = 1000, .unit = "characters"});
  table.add("max_word_length", &P::max_word_length, "Gopher: largest mean length of words.",
            {.min = 0, .max = 1000, .unit = "characters"});
  table.add("max_symbol_ratio", &P::max_symbol_ratio, "Gopher: most # or ellipses for each token.", share);
  table.add("max_bullet_lines", &P::max_bullet_lines, "Gopher: largest share of lines that begin with a bullet.", share);
  table.add("max_ellipsis_lines", &P::max_ellipsis_lines, "Gopher: largest share of lines that end in an ellipsis.", share);
  table.add("min_alpha_words", &P::min_alpha_words, "Gopher: smallest share of tokens with a letter.", share);
  table.add("min_stop_words", &P::min_stop_words, "Gopher: how many of the, be, to, of, and, that, have, with are needed.",
            count);
  table.add("dup_line_fraction", &P::dup_line_fraction, "Gopher: largest share of lines that stood before.", share);
  table.add("dup_paragraph_fraction", &P::dup_paragraph_fraction, "Gopher: largest share of paragraphs that stood before.",
            share);
  table.add("dup_line_characters", &P::dup_line_characters, "Gopher: largest share of characters in such lines.", share);
  table.add("dup_paragraph_characters", &P::dup_paragraph_characters,
            "Gopher: largest share of characters in such paragraphs.", share);
  table.add("top_2_gram", &P::top_2_gram, "Gopher: largest share of characters in the most frequent 2 tokens in a row.",
            share);
  table.add("top_3_gram", &P::top_3_gram, "Gopher: the same for 3 tokens.", share);
  table.add("top_4_gram", &P::top_4_gram, "Gopher: the same for 4 tokens.", share);
  table.add("dup_5_gram", &P::dup_5_gram, "Gopher: largest share of characters in 5 tokens in a row that stood before.",
            share);
  table.add("dup_6_gram", &P::dup_6_gram, "Gopher: the same for 6 tokens.", share);
  table.add("dup_7_gram", &P::dup_7_gram, "Gopher: the same for 7 tokens.", share);
  table.add("dup_8_gram", &P::dup_8_gram, "Gopher: the same for 8 tokens.", share);
  table.add("dup_9_gram", &P::dup_9_gram, "Gopher: the same for 9 tokens.", share);
  table.add("dup_10_gram", &P::dup_10_gram, "Gopher: the same for 10 tokens.", share);
  table.add("min_line_words", &P::min_line_words, "C4: lines with fewer words are taken out.", count);
  table.add("max_word_characters", &P::max_word_characters, "C4: lines with a longer word are taken out.", count);
  table.add("min_sentences", &P::min_sentences, "C4: fewest sentences that have to be left.", count);
  table.add("short_line", &P::short_line, "FineWeb: a line of at most this length is short.",
            {.min = 0, .max = 1e9, .unit = "characters"});
  table.add("min_punctuated_lines", &P::min_punctuated_lines, "FineWeb: smallest share of lines that end a sentence.",
            share);
  table.add("max_short_lines", &P::max_short_lines, "FineWeb: largest share of short lines.", share);
  table.add("max_dup_line_characters", &P::max_dup_line_characters,
            "FineWeb: largest share of characters in lines that stood before.", share);
  table.add("max_newline_ratio", &P::max_newline_ratio, "FineWeb: most line ends for each token.", {.min = 0, .max = 1000});
  table.require(
      [](const P& p) {
        return std::all_of(p.rules.begin(), p.rules.end(), [](const std::string& set) {
          return set == "gopher_repetition" || set == "gopher_quality" || set == "c4" || set == "fineweb";
        });
      },
      "rules takes gopher_repetition, gopher_quality, c4 and fineweb");
  table.require(
      [](const P& p) {
        const auto& all = quality_rule_names();
        return std::all_of(p.without.begin(), p.without.end(),
                           [&](const std::string& rule) { return std::find(all.begin(), all.end(), rule) != all.end(); });
      },
      "without takes single rules by the names that verdicts give them, such as c4_curly_bracket; the README lists them");
  return table;
}

}  // namespace temper::quality
