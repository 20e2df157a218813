// The ready tasks over the real data: every row has what its task wants. Skipped where the data is absent.
#include <iostream>

#include "context.h"

using namespace temper;
using namespace temper::in_context;
using namespace temper::test;

TEST_CASE("the ready tasks read the real data") {
  const std::filesystem::path root = TEMPER_SHARED_DATA_DIR;
  if (!std::filesystem::exists(root / "eval/TruthfulQA.csv")) {
    std::cout << "SKIPPED: no " << (root / "eval/TruthfulQA.csv").string() << "\n";
    return;
  }
  const std::map<std::string, std::size_t> rows = {
      {"truthfulqa", 817},      {"mmlu", 2280},        {"lambada", 5153},
      {"kobest_boolq", 1404},   {"kobest_copa", 1000}, {"kobest_hellaswag", 500},
      {"kobest_sentineg", 397}, {"kobest_wic", 1260},  {"bbh", 6511},
      {"gsm8k", 1319},          {"wikitext2", 62},     {"bbq", 3600},
      {"crows_pairs", 1508}};
  Wishes wishes;
  wishes.data_root = root;
  RuleContext context;
  for (const auto& [name, count] : rows) {
    INFO(name);
    const Task task = load_tasks({name}, "", TEMPER_TASKS).tasks.at(0);
    const auto items = read_items(task, wishes, context);
    CHECK(items.size() == count);
    const auto pool = read_demonstrations(task, wishes, context);
    CHECK(pool.empty() == (task.shots == 0));
    const Prompter prompter(task, wishes, pool, context);
    for (std::size_t i = 0; i < items.size(); i += 97) CHECK_FALSE(prompter.prompt_of(items[i]).rendered.ids.empty());
  }
}
