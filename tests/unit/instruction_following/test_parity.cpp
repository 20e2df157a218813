// Verdict for verdict against the published checker, on GPT-4's answers to all IFEval prompts.
#include <fstream>
#include <map>
#include <set>

#include "support.h"

using namespace temper::instruction_following;
using nlohmann::json;

namespace {

std::map<std::string, json> by_prompt(const std::string& path) {
  std::map<std::string, json> rows;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    json row = json::parse(line);
    const auto prompt = row.at("prompt").get<std::string>();
    rows.emplace(prompt, std::move(row));
  }
  return rows;
}

}  // namespace

TEST_CASE("verdicts equal the published checker's on GPT-4's answers") {
  const std::string prompts = shared_data("eval/ifeval_prompts.jsonl");
  const std::string responses = shared_data("eval/ifeval_gpt4_responses.jsonl");
  const std::string strict = shared_data("eval/ifeval_gpt4_strict_verdicts.jsonl");
  const std::string loose = shared_data("eval/ifeval_gpt4_loose_verdicts.jsonl");
  if (prompts.empty() || responses.empty() || strict.empty() || loose.empty()) return;
  const auto answers = by_prompt(responses), strict_rows = by_prompt(strict), loose_rows = by_prompt(loose);

  // The published checker replaces the letter '#' of this prompt by a random letter, and drew one for each of its two runs.
  const std::set<std::string> drawn_at_random = {"1122"};
  std::size_t instructions = 0, strict_equal = 0, loose_equal = 0, strict_prompts = 0, loose_prompts = 0;
  std::string differing;
  for (const auto& [prompt, row] : by_prompt(prompts)) {
    const Instructions checks(row, {});
    const auto verdict = checks.judge(answers.at(prompt).at("response").get<std::string>());
    const auto wanted_strict = strict_rows.at(prompt).at("follow_instruction_list").get<std::vector<bool>>();
    const auto wanted_loose = loose_rows.at(prompt).at("follow_instruction_list").get<std::vector<bool>>();
    REQUIRE(wanted_strict.size() == checks.ids().size());
    REQUIRE(wanted_loose.size() == checks.ids().size());
    strict_prompts += verdict.all_strict() == strict_rows.at(prompt).at("follow_all_instructions").get<bool>();
    loose_prompts += verdict.all_loose() == loose_rows.at(prompt).at("follow_all_instructions").get<bool>();
    for (std::size_t i = 0; i < checks.ids().size(); ++i) {
      ++instructions;
      const bool same_strict = verdict.strict[i] == wanted_strict[i], same_loose = verdict.loose[i] == wanted_loose[i];
      strict_equal += same_strict;
      loose_equal += same_loose;
      if (same_strict && same_loose) continue;
      const std::string key = row.at("key").dump();
      differing += key + " " + checks.ids()[i] + " " + row.at("kwargs")[i].dump() + (same_strict ? "" : " strict") +
                   (same_loose ? "" : " loose") + "\n";
      CHECK(drawn_at_random.count(key) == 1);
    }
  }
  INFO("disagreements:\n" << differing);
  CHECK(instructions == 832);
  CHECK(strict_equal == 832);
  CHECK(loose_equal == 831);
  CHECK(strict_prompts == 540);
  CHECK(loose_prompts == 539);
}
