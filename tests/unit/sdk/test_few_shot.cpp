// Few-shot prompts (few_shot.h): never the item or its twin, fair over labels, the same for the same seed and item.
#include <map>
#include <set>

#include "catch.h"
#include "temper/few_shot.h"

using namespace temper;

namespace {

std::vector<Demonstration> numbered(std::size_t count, const std::vector<std::string>& labels = {""}) {
  std::vector<Demonstration> pool;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string n = std::to_string(i);
    pool.push_back({"d" + n, "question " + n, "answer " + n, labels[i % labels.size()]});
  }
  return pool;
}

FewShotParams shots(std::int64_t count, bool balanced = false) {
  FewShotParams params;
  params.shots = count;
  params.balanced = balanced;
  return params;
}

}  // namespace

TEST_CASE("P-EVAL-06 an item of the pool is never its own demonstration") {
  const auto pool = numbered(3);
  Demonstration item = pool[0];
  item.label = "a field that the pool's copy lacks";
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const auto choice = choose_demonstrations(pool, item, shots(2), seed);
    CHECK(std::set<std::size_t>(choice.shots.begin(), choice.shots.end()) == std::set<std::size_t>{1, 2});
    CHECK(choice.excluded == 1);
  }
  CHECK_THROWS_AS(choose_demonstrations(pool, item, shots(3), 0), DataError);
  CHECK_THROWS_WITH(choose_demonstrations(pool, item, shots(3), 0),
                    ContainsSubstring("shots is 3") && ContainsSubstring("holds 2"));
  // The same id with another input is the same item too.
  item.input = "put differently";
  CHECK(choose_demonstrations(pool, item, shots(2), 5).excluded == 1);
  // Items without an id are not all the same.
  CHECK(choose_demonstrations({{"", "a", "", ""}, {"", "b", "", ""}}, {"", "b", "", ""}, shots(1), 1).shots ==
        std::vector<std::size_t>{0});
}

TEST_CASE("P-EVAL-07 twins are left out whatever their case, spaces and order of options") {
  std::vector<Demonstration> pool = numbered(2);
  pool.push_back({"twin", "What is 2+2? (3) (4)", "4", ""});
  const Demonstration item{"item", "what is  2+2? (4) (3)", "4", ""};
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const auto choice = choose_demonstrations(pool, item, shots(2), seed);
    CHECK(choice.excluded == 1);
    CHECK(std::count(choice.shots.begin(), choice.shots.end(), 2U) == 0);
  }
  CHECK(twin_key("What is 2+2? (3) (4)") == "2 2 3 4 is what");
  CHECK(twin_key("GRÖSSE, größe") == "grösse grösse");
  CHECK(twin_key("Cafe\u0301") == twin_key("café"));
  CHECK(twin_key("ＡＢＣ １") == twin_key("abc 1"));
  CHECK(twin_key("Привет, МИР!") == twin_key("мир привет"));
  CHECK(twin_key("हिन्दी") == "हिन्दी");
  CHECK(twin_key("one two") != twin_key("one three"));
  CHECK(twin_key("one one two") != twin_key("one two"));
  CHECK(twin_key("?!").empty());
  // Without a letter or a digit the text itself is compared.
  CHECK(choose_demonstrations({{"x", "+", "", ""}, {"y", "-", "", ""}}, {"z", "-", "", ""}, shots(1), 1).excluded == 1);
}

TEST_CASE("a draw depends on seed and item and on nothing else") {
  const auto pool = numbered(40);
  const Demonstration a{"a", "first", "", ""}, b{"b", "second", "", ""};
  const auto first = choose_demonstrations(pool, a, shots(5), 7);
  CHECK(first.shots == choose_demonstrations(pool, a, shots(5), 7).shots);
  CHECK(first.shots != choose_demonstrations(pool, a, shots(5), 8).shots);
  CHECK(first.shots != choose_demonstrations(pool, b, shots(5), 7).shots);
  CHECK(first.excluded == 0);
  CHECK(std::set<std::size_t>(first.shots.begin(), first.shots.end()).size() == 5);
  // More shots go on where fewer stopped, so that k can be varied with little noise.
  const auto more = choose_demonstrations(pool, a, shots(8), 7).shots;
  CHECK(std::equal(first.shots.begin(), first.shots.end(), more.begin()));
  std::vector<int> counts(pool.size(), 0);
  for (std::uint64_t seed = 0; seed < 4000; ++seed) {
    for (const auto index : choose_demonstrations(pool, a, shots(2), seed).shots) ++counts[index];
  }
  // 200 expected, standard deviation 13.8.
  for (const int count : counts) CHECK(std::abs(count - 200) < 70);
}

TEST_CASE("balanced drawing is fair over labels, also where they do not divide the shots") {
  std::vector<Demonstration> pool = numbered(60, {"no", "yes", "no", "no", "maybe", "no"});
  const Demonstration item{"item", "the item", "", "yes"};
  std::map<std::string, int> extras, first, last;
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    const auto chosen = choose_demonstrations(pool, item, shots(4, true), seed).shots;
    std::map<std::string, int> counts;
    for (const auto index : chosen) ++counts[pool[index].label];
    REQUIRE(counts.size() == 3);
    for (const auto& [label, count] : counts) extras[label] += count == 2;
    ++first[pool[chosen.front()].label];
    ++last[pool[chosen.back()].label];
  }
  for (const auto& counts : {extras, first, last}) {
    for (const auto& [label, count] : counts) {
      INFO(label);
      CHECK(std::abs(count - 1000) < 130);  // standard deviation 26
    }
  }
  // A rare label gives what it has.
  const auto rare = choose_demonstrations(
      {{"1", "a", "", "x"}, {"2", "b", "", "y"}, {"3", "c", "", "y"}, {"4", "d", "", "y"}}, item, shots(4, true), 1);
  CHECK(rare.shots.size() == 4);
  CHECK_THROWS_AS(choose_demonstrations(pool, item, shots(61, true), 1), DataError);
}

TEST_CASE("zero-, one- and few-shot prompts have description, demonstrations and input") {
  const std::vector<Demonstration> pool = {{"1", "sea otter", "loutre de mer", ""},
                                           {"2", "plush giraffe", "girafe peluche", ""}};
  const Demonstration item{"3", "cheese", "fromage", ""};
  FewShotParams params;
  params.description = "Translate English to French:";
  params.output_separator = " => ";
  params.shot_separator = "\n";
  CHECK(few_shot_prompt(pool, {}, item, params) == "Translate English to French:\ncheese =>");
  CHECK(few_shot_prompt(pool, {{0}, 0}, item, params) ==
        "Translate English to French:\nsea otter => loutre de mer\ncheese =>");
  CHECK(few_shot_prompt(pool, {{1, 0}, 0}, item, params) ==
        "Translate English to French:\nplush giraffe => girafe peluche\nsea otter => loutre de mer\ncheese =>");
  FewShotParams dialogue;
  dialogue.input_prefix = "Q: ";
  dialogue.output_prefix = "A: ";
  CHECK(few_shot_prompt(pool, {{0}, 0}, item, dialogue) == "Q: sea otter\nA: loutre de mer\n\nQ: cheese\nA:");
  CHECK(few_shot_prompt(pool, {}, item, {}) == "cheese\n");
  CHECK_THROWS_AS(few_shot_prompt(pool, {{2}, 0}, item, params), PluginError);
  params.shots = -1;
  CHECK_THROWS_AS(choose_demonstrations(pool, item, params, 1), ConfigError);
}
