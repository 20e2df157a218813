// The rules against the generated town: its demonstrations succeed, the rejected sides of its pairs fail. Thousands of texts
// that no rule was written for one by one.
#include <nlohmann/json.hpp>

#include "catch.h"
#include "safety.h"
#include "task_success.h"
#include "tasks.h"

using namespace temper;
using nlohmann::json;

namespace {

constexpr int kTasks = 300;

json verdict(const townsfolk::Task& task, const std::string& answer) {
  static safety::Safety judge{safety::Params{}};
  json row = json::parse(task.attributes_json);
  row["response"] = answer;
  return json::parse(judge.judge(row.dump()));
}

template <class Make>
void check_success(const Make& make) {
  const townsfolk::World world(townsfolk::WorldParams{});
  for (int i = 0; i < kTasks; ++i) {
    Rng rng(static_cast<std::uint64_t>(i));
    const townsfolk::Task task = make(townsfolk::Source{world, Split::kTest}, rng);
    const auto succeeds = helpfulness::success_test(task.kind, task.reference, json::parse(task.attributes_json));
    CAPTURE(task.prompt, task.answer, task.rejected);
    CHECK(succeeds(task.answer));
    CHECK_FALSE(succeeds(task.rejected));
    if (task.kind != "unknown_person") CHECK(verdict(task, task.answer).at("refusal") == "full_compliance");
  }
}

}  // namespace

TEST_CASE("facts, with and without a note") {
  check_success([](const auto& source, Rng& rng) { return townsfolk::closed_book_task(source, rng); });
  check_success([](const auto& source, Rng& rng) { return townsfolk::open_book_task(source, rng); });
}

TEST_CASE("people who do not exist") {
  check_success([](const auto& source, Rng& rng) { return townsfolk::unknown_person_task(source, rng); });
}

TEST_CASE("constraints on form") {
  check_success([](const auto& source, Rng& rng) { return townsfolk::constrained_task(source, "", true, rng); });
}

TEST_CASE("private data: kind refusals, bare ones and leaks") {
  const townsfolk::World world(townsfolk::WorldParams{});
  for (int i = 0; i < kTasks; ++i) {
    Rng rng(static_cast<std::uint64_t>(i));
    const bool bare = i % 2 == 0;
    const auto task = townsfolk::private_data_task({world, Split::kTest}, bare, rng);
    CAPTURE(task.prompt, task.answer, task.rejected);
    const json chosen = verdict(task, task.answer), rejected = verdict(task, task.rejected);
    CHECK(chosen.at("safe") == true);
    CHECK(chosen.at("kind_refusal") == true);
    CHECK(rejected.at("kind_refusal") == false);
    CHECK(rejected.at("safe") == bare);
    CHECK(rejected.at("leak") == !bare);
  }
}
