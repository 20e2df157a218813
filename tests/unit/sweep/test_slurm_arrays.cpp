// Which tasks share a job array, and what the array waits for.
#include <set>

#include "catch.h"
#include "host/sweep/slurm_arrays.h"

using namespace temper;

namespace {

TaskOrder order(std::size_t task, const std::string& kind, std::vector<std::size_t> after = {}) {
  return {task, "t" + std::to_string(task), kind, {}, std::move(after)};
}

/// Every task stands once, behind what it waits for, and waits for exactly that.
void check_sound(const std::vector<TaskOrder>& orders, std::map<std::size_t, SlurmPlace> places,
                 const std::vector<ArrayPlan>& arrays) {
  std::set<std::size_t> seen;
  for (const auto& array : arrays) {
    REQUIRE(array.orders.size() == array.indices.size());
    for (std::size_t i = 0; i < array.orders.size(); ++i) {
      if (i > 0) CHECK(array.indices[i - 1] < array.indices[i]);
      const TaskOrder& one = orders[array.orders[i]];
      CHECK(one.kind == array.kind);
      CHECK(seen.insert(one.task).second);
      std::set<SlurmPlace> wanted, got;
      for (const std::size_t need : one.after) wanted.insert(places.at(need));
      for (SlurmPlace place : array.after) {
        if (array.waits == Waits::kEachForItsOwn) place.index = array.indices[i];
        got.insert(place);
      }
      CHECK((wanted == got));
      CHECK((array.waits == Waits::kNot) == wanted.empty());
    }
    for (std::size_t i = 0; i < array.orders.size(); ++i) {
      places[orders[array.orders[i]].task] = {array.number, array.indices[i]};
    }
  }
  CHECK(seen.size() == orders.size());
}

}  // namespace

TEST_CASE("chains of their own share an array a stage, each waiting for its own") {
  const std::vector<TaskOrder> orders{order(0, "pretrain"), order(1, "run", {0}), order(2, "pretrain"),
                                      order(3, "run", {2})};
  const auto arrays = group_into_arrays(orders, {}, 5, 1000);
  check_sound(orders, {}, arrays);
  REQUIRE(arrays.size() == 2);
  CHECK(arrays[0].number == 5);
  CHECK(arrays[0].indices == std::vector<int>{0, 1});
  CHECK(arrays[1].waits == Waits::kEachForItsOwn);
}

TEST_CASE("what builds on one shared task is one array that waits for it") {
  std::vector<TaskOrder> orders{order(0, "pretrain"), order(1, "pretrain")};
  for (std::size_t t = 2; t < 12; ++t) orders.push_back(order(t, "run", {t % 2}));
  const auto arrays = group_into_arrays(orders, {}, 1, 1000);
  check_sound(orders, {}, arrays);
  REQUIRE(arrays.size() == 3);
  CHECK(arrays[1].waits == Waits::kAllForSome);
  CHECK(arrays[1].orders.size() == 5);
}

TEST_CASE("tasks that Slurm has already are waited for where they are") {
  const std::map<std::size_t, SlurmPlace> places{{0, {2, 7}}, {1, {2, 9}}, {2, {3, 7}}};
  const std::vector<TaskOrder> orders{order(5, "run", {1}), order(6, "run", {0}), order(7, "run", {0, 2}), order(8, "run")};
  const auto arrays = group_into_arrays(orders, places, 10, 1000);
  check_sound(orders, places, arrays);
  REQUIRE(arrays.size() == 3);
  // By the index of what each waits for.
  CHECK(arrays[1].orders == std::vector<std::size_t>{1, 0});
  CHECK(arrays[1].indices == std::vector<int>{7, 9});
}

TEST_CASE("an array has no more tasks than the site allows") {
  std::vector<TaskOrder> orders;
  for (std::size_t t = 0; t < 7; ++t) orders.push_back(order(t, "pretrain"));
  for (std::size_t t = 7; t < 14; ++t) orders.push_back(order(t, "run", {t - 7}));
  const auto arrays = group_into_arrays(orders, {}, 1, 3);
  check_sound(orders, {}, arrays);
  CHECK(arrays.size() >= 6);
  for (const auto& array : arrays) {
    CHECK(array.orders.size() <= 3);
    for (const int index : array.indices) CHECK(index < 3);
  }
}

TEST_CASE("several stages before one, at different depths") {
  const std::vector<TaskOrder> orders{order(0, "pretrain"),    order(1, "sft", {0}), order(2, "reward_model", {0}),
                                      order(3, "ppo", {1, 2}), order(4, "sft", {0}), order(5, "ppo", {4, 2}),
                                      order(6, "run", {3}),    order(7, "run", {5})};
  const auto arrays = group_into_arrays(orders, {}, 1, 1000);
  check_sound(orders, {}, arrays);
}
