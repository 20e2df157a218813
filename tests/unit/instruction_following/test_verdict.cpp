// Strict and loose, the relaxed forms, both levels of counting, and rows that cannot be judged.
#include "support.h"
#include "tally.h"

using namespace temper::instruction_following;
using nlohmann::json;

TEST_CASE("relaxed forms drop the first line, the last, both, and asterisks") {
  const auto forms = relaxed_forms("*a*\nb\n\nc");
  CHECK(forms == std::vector<std::string>{"*a*\nb\n\nc", "b\n\nc", "*a*\nb", "b", "a\nb\n\nc", "b\n\nc", "a\nb", "b"});
  CHECK(relaxed_forms("one") == std::vector<std::string>{"one", "", "", "", "one", "", "", ""});
}

TEST_CASE("loose follows where some relaxed form does") {
  const char* id = "startend:quotation";
  CHECK_FALSE(follows("Sure:\n\"All of it.\"", id));
  CHECK(follows_loosely("Sure:\n\"All of it.\"", id));
  CHECK(follows_loosely("\"All of it.\"\nBye", id));
  CHECK(follows_loosely("Sure:\n\"All of it.\"\nBye", id));
  CHECK(follows_loosely("**\"All of it.\"**", id));
  CHECK(follows_loosely("Sure:\n*\"All of it.\"*\nBye", id));
  CHECK_FALSE(follows_loosely("Sure:\nWell:\n\"All of it.\"", id));
}

TEST_CASE("whatever follows strictly follows loosely") {
  CHECK(follows_loosely("one, two", "length_constraints:number_words", R"({"num_words": 2, "relation": "at least"})"));
}

TEST_CASE("rows that cannot be judged are errors") {
  const auto fails = [](const char* row, const char* says) {
    INFO(row);
    CHECK_THROWS_WITH(Instructions(json::parse(row), {}), ContainsSubstring(says));
    CHECK_THROWS_AS(Instructions(json::parse(row), {}), temper::DataError);
  };
  fails(R"({})", "instruction_id_list");
  fails(R"([])", "instruction_id_list");
  fails(R"({"instruction_id_list": ["punctuation:no_comma"]})", "kwargs");
  fails(R"({"instruction_id_list": [], "kwargs": []})", "empty");
  fails(R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": [{}, {}]})", "1 entries");
  fails(R"({"instruction_id_list": [3], "kwargs": [{}]})", "must be a text");
  CHECK_THROWS_WITH(one_instruction("punctuation:no_comma").judge("a\xff"), ContainsSubstring("UTF-8"));
}
