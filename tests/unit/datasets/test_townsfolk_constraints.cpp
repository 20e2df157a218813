// Every demonstration keeps its constraints, and every rejected answer breaks one, by checks written here from IFEval's
// description with regular expressions, apart from the generator's own.
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>

#include "catch.h"
#include "constraints.h"
#include "tasks.h"

using namespace temper;
using namespace temper::townsfolk;
using nlohmann::json;

namespace {

std::size_t matches(const std::string& text, const std::string& pattern, bool any_case = false) {
  const std::regex regex(pattern, any_case ? std::regex::ECMAScript | std::regex::icase : std::regex::ECMAScript);
  return static_cast<std::size_t>(
      std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator()));
}

bool is_case(const std::string& text, int (*right)(int), int (*wrong)(int)) {
  bool any = false;
  for (const char c : text) {
    if (wrong(static_cast<unsigned char>(c)) != 0) return false;
    any = any || right(static_cast<unsigned char>(c)) != 0;
  }
  return any;
}

bool related(std::size_t found, const std::string& relation, std::size_t wanted) {
  if (relation == "at least") return found >= wanted;
  REQUIRE(relation == "less than");
  return found < wanted;
}

std::string stripped(const std::string& text) { return std::regex_replace(text, std::regex("^\\s+|\\s+$"), ""); }

std::vector<std::string> parts_of(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  std::vector<std::string> parts;
  for (auto it = std::sregex_token_iterator(text.begin(), text.end(), regex, -1); it != std::sregex_token_iterator(); ++it) {
    parts.push_back(stripped(*it));
  }
  return parts;
}

/// IFEval's rules, strict mode.
bool follows(const std::string& answer, const std::string& id, const json& kwargs) {
  if (stripped(answer).empty()) return false;
  if (id == "change_case:english_lowercase") return is_case(answer, std::islower, std::isupper);
  if (id == "change_case:english_capital") return is_case(answer, std::isupper, std::islower);
  if (id == "punctuation:no_comma") return matches(answer, ",") == 0;
  if (id == "length_constraints:number_words")
    return related(matches(answer, "\\w+"), kwargs["relation"], kwargs["num_words"]);
  if (id == "length_constraints:number_sentences") {
    return related(matches(answer, "[.!?](?=\\s|\"|$)"), kwargs["relation"], kwargs["num_sentences"]);
  }
  if (id == "detectable_format:number_bullet_lists") {
    return matches("\n" + answer, "\n\\s*(\\*[^*\n]|-)[^\n]*") == kwargs["num_bullets"].get<std::size_t>();
  }
  if (id == "keywords:existence") {
    return std::all_of(kwargs["keywords"].begin(), kwargs["keywords"].end(),
                       [&](const json& word) { return matches(answer, word, true) > 0; });
  }
  if (id == "keywords:frequency")
    return related(matches(answer, kwargs["keyword"], true), kwargs["relation"], kwargs["frequency"]);
  if (id == "keywords:forbidden_words") {
    return std::none_of(kwargs["forbidden_words"].begin(), kwargs["forbidden_words"].end(), [&](const json& word) {
      return matches(answer, "\\b" + word.get<std::string>() + "\\b", true) > 0;
    });
  }
  if (id == "startend:end_checker") return lower(stripped(answer)).ends_with(lower(kwargs["end_phrase"]));
  if (id == "startend:quotation") return std::regex_match(answer, std::regex("\"[\\s\\S]+\""));
  if (id == "detectable_format:title") return matches(answer, "<<[^\n]*[^\\s<>][^\n]*>>") > 0;
  if (id == "detectable_format:number_highlighted_sections") {
    return matches(answer, "\\*[^\n*]*[^\\s*][^\n*]*\\*") >= kwargs["num_highlights"].get<std::size_t>();
  }
  if (id == "detectable_format:json_format") return json::accept(answer);
  if (id == "detectable_content:number_placeholders") {
    return matches(answer, "\\[.*?\\]") >= kwargs["num_placeholders"].get<std::size_t>();
  }
  if (id == "detectable_content:postscript") return matches(answer, "p\\.\\s?s\\.", true) > 0;
  if (id == "combination:two_responses") {
    const auto parts = parts_of(answer, "\\*{6}");
    return parts.size() == 2 && !parts[0].empty() && !parts[1].empty() && parts[0] != parts[1];
  }
  if (id == "length_constraints:number_paragraphs") {
    const auto parts = parts_of(answer, "\\s?\\*\\*\\*\\s?");
    return parts.size() == kwargs["num_paragraphs"].get<std::size_t>() &&
           std::find(parts.begin(), parts.end(), "") == parts.end();
  }
  if (id == "detectable_format:constrained_response") return matches(answer, "My answer is (yes|no|maybe)\\.") > 0;
  if (id == "combination:repeat_prompt") {
    return lower(stripped(answer)).starts_with(lower(stripped(kwargs["prompt_to_repeat"])));
  }
  if (id == "keywords:letter_frequency") {
    return related(matches(answer, kwargs["letter"], true), kwargs["let_relation"], kwargs["let_frequency"]);
  }
  if (id == "language:response_language") return kwargs["language"] == "en";
  if (id == "detectable_format:multiple_sections") {
    return matches(answer, kwargs["section_spliter"].get<std::string>() + "\\s?\\d+\\s?") >=
           kwargs["num_sections"].get<std::size_t>();
  }
  if (id == "change_case:capital_word_frequency") {
    return related(matches(answer, "\\b[A-Z]+\\b"), kwargs["capital_relation"], kwargs["capital_frequency"]);
  }
  FAIL("no check for " + id);
  return false;
}

}  // namespace

TEST_CASE("every demonstration keeps its constraints, every rejected answer breaks one", "[datasets][townsfolk]") {
  const World world({400, 0.25, 1});
  for (const auto split : {Split::kTrain, Split::kTest}) {
    std::map<std::string, int> single;
    int pairs = 0;
    for (const auto kind : constraint_kinds()) {
      for (std::uint64_t i = 0; i < 60; ++i) {
        INFO(kind);
        Rng rng(derive_seed(derive_seed(7, {kind}), i));
        // An answer in English breaks neither "use English" nor, by design, a letter that is everywhere.
        const bool pair = kind != "language:response_language" && kind != "keywords:letter_frequency";
        const Task task = constrained_task({world, split}, kind, pair, rng);
        const auto attributes = json::parse(task.attributes_json);
        const auto& ids = attributes["instruction_id_list"];
        bool rejected_follows = true;
        for (std::size_t k = 0; k < ids.size(); ++k) {
          INFO(task.prompt + "\n-> " + task.answer + "\nnot " + task.rejected + "\n" + attributes.dump());
          CHECK(follows(task.answer, ids[k], attributes["kwargs"][k]));
          rejected_follows = rejected_follows && follows(task.rejected, ids[k], attributes["kwargs"][k]);
        }
        if (pair) {
          INFO(task.prompt + "\n-> " + task.answer + "\nnot " + task.rejected);
          CHECK(!rejected_follows);
        }
        if (ids.size() == 1) ++single[ids[0].get<std::string>()];
        if (ids.size() == 2) ++pairs;
      }
    }
    CHECK(single.size() == 24);
    CHECK(pairs > 50);
  }
}

TEST_CASE("P-IFEVAL-02 an empty answer keeps no constraint", "[datasets][townsfolk]") {
  const World world({20, 0.25, 1});
  for (const auto kind : constraint_kinds()) {
    Rng rng(3);
    const auto& person = world.people()[0];
    const Constraint constraint = make_constraint(kind, person, {1, 2, 3}, "Tell me about it.", rng);
    CHECK(!satisfies("", constraint));
    CHECK(!satisfies(" \n ", constraint));
    CHECK(!constraint.wording.empty());
  }
}

TEST_CASE("P-IFEVAL-06 an unknown constraint is an error", "[datasets][townsfolk]") {
  CHECK_THROWS_AS(satisfies("text", Constraint{"foo:bar", json::object(), ""}), DataError);
}

TEST_CASE("yes-or-no questions are answered with the truth", "[datasets][townsfolk]") {
  const World world({400, 0.25, 1});
  std::map<std::string, int> verdicts;
  for (std::uint64_t i = 0; i < 200; ++i) {
    Rng rng(i);
    const Task task = constrained_task({world, Split::kTest}, "detectable_format:constrained_response", false, rng);
    const std::string name = json::parse(task.attributes_json)["person"];
    const auto& people = world.people();
    const auto person = std::find_if(people.begin(), people.end(), [&](const Person& p) { return p.name == name; });
    const std::size_t begin = task.prompt.rfind('\n') == std::string::npos ? 0 : task.prompt.rfind('\n') + 1;
    const std::string asked = task.prompt.substr(begin, task.prompt.find('?', begin) - begin);
    bool truth = false;
    for (std::size_t a = 0; a < kAttributes.size(); ++a) {
      truth = truth || asked.find(" " + person->facts[a]) != std::string::npos;
    }
    CHECK(task.answer == (truth ? "My answer is yes." : "My answer is no."));
    ++verdicts[task.answer];
  }
  CHECK(verdicts["My answer is yes."] > 60);
  CHECK(verdicts["My answer is no."] > 60);
}
