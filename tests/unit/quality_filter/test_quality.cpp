// Each rule by a document that breaks it and no rule before it.
#include <catch.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "phrases.h"
#include "quality.h"
#include "repetition.h"
#include "temper/random.h"
#include "temper/testing.h"
#include "tokens.h"

using namespace temper;
using namespace temper::quality;

namespace {

Document document(const std::string& text) { return {"d", text, "test:1"}; }

/// Prose that breaks no rule: up to six different paragraphs.
std::string prose(std::size_t paragraphs = 6) {
  static const std::vector<std::string> kParagraphs = {
      "The ferry left at seven with the mail and two goats, and nobody on the quay thought that it would be late. By noon "
      "the "
      "wind had turned.\n",
      "Ellen kept the accounts of the mill in a green book to which she alone had a key. Her brother, who owned half of it, "
      "never asked to see a page.\n",
      "A bridge of stone was promised to both villages after the flood. What they have is a rope, a bell, and an old man "
      "who sleeps beside them.\n",
      "Most of the letters in that drawer were never sent. They begin with thanks, go on to the weather, and break off "
      "where a "
      "question should be.\n",
      "It takes four people to move the altar and be sure of its feet. In spring, when the roads dry, a fifth arrives from "
      "town "
      "with a lantern.\n",
      "Whoever planted the pear tree behind our school must have known about frost. It flowers late, bears little, and has "
      "outlived every mayor since.\n"};
  std::string text;
  for (std::size_t i = 0; i < paragraphs; ++i) text += kParagraphs[i];
  return text;
}

std::string verdict(const std::string& text, const QualityParams& params = {}) {
  const auto result = Quality(params).judge(document(text));
  return result.drop ? result.reason : "";
}

QualityParams only(const std::string& set) {
  QualityParams params;
  params.rules = {set};
  params.without = {};
  return params;
}

std::string repeated(const std::string& part, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += part;
  return text;
}

}  // namespace

TEST_CASE("ordinary prose stays as it is") {
  CHECK(verdict(prose()) == "");
  CHECK(Quality({}).judge(document(prose())).spans.empty());
  QualityParams all;
  all.without = {};
  CHECK(verdict(prose(), all) == "");
}

TEST_CASE("Gopher's rules about words") {
  const auto params = only("gopher_quality");
  CHECK(verdict("Too short to be of use to the people that have it.", params) == "gopher_short");
  auto limited = params;
  limited.max_words = 60;
  CHECK(verdict(prose(), limited) == "gopher_long");
  CHECK(verdict(repeated("a be of to it is on in as we ", 20), params) == "gopher_word_length");
  CHECK(verdict(repeated("the hashtag#value that#people have ", 30), params) == "gopher_symbols");
  CHECK(verdict(repeated("- the thing that people have with them\n", 20).substr(0, 779), params) == "gopher_bullets");
  CHECK(verdict(repeated("The people have read more about that and more of this other thing...\n", 12), params) ==
        "gopher_ellipses");
  CHECK(verdict(repeated("the value 1234 5678 91011 12131 that have ", 20), params) == "gopher_alpha");
  const std::string no_stops =
      repeated("Lorries carried gravel along muddy lanes past empty barns until evening fell. ", 10);
  CHECK(verdict(no_stops, params) == "gopher_stop_words");
  auto without = params;
  without.without = {"gopher_stop_words"};
  CHECK(verdict(no_stops, without) == "");
  auto foreign = params;
  foreign.english = false;
  CHECK(verdict(no_stops, foreign) == "");
}

TEST_CASE("Gopher's rules about repetition") {
  const auto params = only("gopher_repetition");
  CHECK(verdict(repeated("One paragraph of the text.\n\n", 6), params) == "gopher_dup_paragraphs");
  CHECK(verdict(prose(3) + repeated("the same line again\n", 5), params) == "gopher_dup_lines");
  const std::string run = repeated("again and again ", 30);
  CHECK(verdict(run, params).rfind("gopher_top_", 0) == 0);
  std::string long_run = prose(6);
  long_run.pop_back();
  CHECK(verdict(long_run + " " + long_run, params).rfind("gopher_dup_", 0) == 0);
}

TEST_CASE("C4 takes lines out and says why") {
  auto params = only("c4");
  const std::string text = prose() +
                           "Home | About\nPlease enable JavaScript to see this page.\nRead our cookie policy before you go "
                           "on.\nNo end in sight for the people of the river\n";
  const auto result = Quality(params).judge(document(text));
  CHECK_FALSE(result.drop);
  CHECK(apply_spans(text, result.spans) == prose());
  std::map<std::string, int> types;
  for (const auto& span : result.spans) ++types[span.type];
  CHECK(types ==
        std::map<std::string, int>{{"c4_few_words", 1}, {"c4_javascript", 1}, {"c4_policy", 1}, {"c4_punctuation", 1}});
  CHECK(verdict(prose() + "Lorem ipsum dolor sit amet.", params) == "c4_lorem_ipsum");
  CHECK(verdict(prose() + "if (x) { return; }", params) == "c4_curly_bracket");
  CHECK(verdict("There are two sentences here. That is all of it.", params) == "c4_few_sentences");
  params.without = {"c4_curly_bracket"};
  CHECK(verdict(prose() + "A set {a, b} of two letters is here.", params) == "");
}

TEST_CASE("FineWeb's rules about lines") {
  const auto params = only("fineweb");
  CHECK(verdict(repeated("a line of more than thirty characters without an end\n", 1) +
                    "another line of more than thirty characters, the same",
                params) == "fineweb_punctuation");
  CHECK(verdict("Short one.\nShort two.\nShort three.\nThis one here is quite a bit longer than thirty characters.\n",
                params) == "fineweb_short_lines");
  CHECK(
      verdict(prose(3) + "The same closing line stands at the end of it.\nThe same closing line stands at the end of it.\n",
              params) == "fineweb_dup_characters");
  CHECK(verdict(
            "Some words that stand on a line of their own.\n\n\n\n\n\nOther words that stand on a line of theirs.\n\n\n\n\n",
            params) == "fineweb_newlines");
}

TEST_CASE("rules about English leave Korean alone") {
  const std::string path = shared_data("corpus/korean_wiki_paragraphs.jsonl");
  if (path.empty()) return;
  std::ifstream file(path);
  std::map<std::string, int> reasons;
  int count = 0;
  for (std::string line; std::getline(file, line) && count < 500; ++count) {
    ++reasons[verdict(nlohmann::json::parse(line).at("text").get<std::string>())];
  }
  CHECK(reasons.count("gopher_stop_words") == 0);
  CHECK(reasons.count("fineweb_punctuation") == 0);
}

TEST_CASE("a long line is read in linear time, and empty texts are judged") {
  CHECK(verdict("", only("fineweb")) == "");
  CHECK(verdict("", only("gopher_quality")) == "gopher_short");
  const std::string line = repeated("abcdefghi ", 100000);
  CHECK(verdict(line, only("c4")) == "c4_few_sentences");
}

TEST_CASE("wrong names of rules are refused") {
  ParamTable<QualityParams> table = quality_params();
  auto values = default_values(table.specs());
  values.set("without", {std::vector<std::string>{"c4_curly"}, ValueSource::kFile, ""});
  CHECK_THROWS_AS(table.parse(values), ConfigError);
  values = default_values(table.specs());
  values.set("rules", {std::vector<std::string>{"gopher"}, ValueSource::kFile, ""});
  CHECK_THROWS_AS(table.parse(values), ConfigError);
}

TEST_CASE("tokens are words with inner apostrophes, and runs of one sign") {
  std::vector<std::string> texts;
  std::vector<Token> tokens;
  append_tokens("Don't stop... at 7, caf\xC3\xA9s' -- end", tokens);
  for (const auto& token : tokens) texts.emplace_back(token.text);
  CHECK(texts == std::vector<std::string>{"Don't", "stop", "...", "at", "7", ",", "caf\xC3\xA9s", "'", "--", "end"});
}

TEST_CASE("phrases are found wherever they stand and whatever their case") {
  const std::vector<std::string> all = {"Lorem Ipsum",   "JavaScript",   "Terms of Use",   "privacy policy",
                                        "COOKIE POLICY", "uses cookies", "use of cookies", "Use Cookies"};
  // At every distance from a block's end.
  for (std::size_t before = 0; before < 140; ++before) {
    std::string text(before, 'i');
    std::vector<std::size_t> begins;
    for (const auto& phrase : all) {
      begins.push_back(text.size());
      text += phrase + "\nf u";
    }
    const auto found = phrases_of(text);
    REQUIRE(found.size() == all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      CHECK(found[i].begin == begins[i]);
      CHECK(found[i].kind == (i == 0 ? PhraseKind::kLoremIpsum : i == 1 ? PhraseKind::kJavascript : PhraseKind::kPolicy));
    }
  }
  for (const char* other :
       {"", "ips", "javas\tcript", "lorem\nipsum", "java script, cooking, term of use, privacy\tpolicy"}) {
    CHECK(phrases_of(other).empty());
  }
}

TEST_CASE("repeated runs and lines are those that a table of all of them gives") {
  Rng rng(5);
  for (int round = 0; round < 40; ++round) {
    const std::uint64_t vocabulary = 2 + rng.below(12), size = rng.below(90);
    std::string text;
    for (std::uint64_t i = 0; i < size; ++i)
      text += std::string(1 + rng.below(vocabulary), 'a') + (rng.below(9) == 0 ? "\n" : " ");
    std::vector<Token> tokens;
    append_tokens(text, tokens);
    RepeatedRuns runs(tokens);
    for (std::size_t length = 2; length <= 10; ++length) {
      runs.lengthen();
      REQUIRE(runs.length() == length);
      const auto words = [&](std::size_t at) {
        std::string run;
        for (std::size_t i = at; i < at + length; ++i) run += std::string(tokens[i].text) + " ";
        return run;
      };
      std::map<std::string, std::size_t> counts, met;
      std::size_t most = 0, expected = 0, before = 0;
      for (std::size_t i = 0; i + length <= tokens.size(); ++i) {
        const std::size_t count = ++counts[words(i)];
        if (count <= most || count == 1) continue;
        most = count;
        expected = count * (words(i).size() - 1);
      }
      for (std::size_t i = 0; i + length <= tokens.size();) {
        const bool fresh = ++met[words(i)] == 1;
        before += fresh ? 0 : words(i).size() - length;
        i += fresh ? 1 : length;
      }
      CHECK(runs.most_frequent() == expected);
      CHECK(runs.standing_before() == before);
    }
    const auto lines = lines_of(text);
    std::map<std::string_view, int> seen;
    Duplicates expected;
    for (const auto line : lines) {
      if (++seen[line] == 1) continue;
      ++expected.count;
      expected.characters += line.size();
    }
    CHECK(duplicates(lines).count == expected.count);
    CHECK(duplicates(lines).characters == expected.characters);
  }
}
