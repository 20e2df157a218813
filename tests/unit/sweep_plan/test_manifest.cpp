// The plan on disk: it comes back as it was, is never replaced by another one, and damage is told in words.
#include "host/sweep/sweep.h"
#include "support.h"

using namespace sweep_test;

TEST_CASE("a plan comes back from its folder") {
  const Folder folder;
  const auto plan = plan_of({"stages.sft.learning_rate=1e-3,2e-3"}, "1..2");
  save_plan(plan, folder / "s");
  const auto back = load_plan(folder / "s");
  CHECK(back.name == plan.name);
  CHECK(back.axes == plan.axes);
  CHECK(back.text == plan.text);
  CHECK(back.distinct_stages == plan.distinct_stages);
  REQUIRE(back.runs.size() == plan.runs.size());
  for (std::size_t i = 0; i < plan.runs.size(); ++i) {
    CHECK(back.runs[i].run_id == plan.runs[i].run_id);
    CHECK(back.runs[i].seed == plan.runs[i].seed);
    CHECK(back.runs[i].values == plan.runs[i].values);
    CHECK(back.runs[i].keys == plan.runs[i].keys);
  }
}

TEST_CASE("a folder that holds another sweep is refused, a damaged plan is named") {
  const Folder folder;
  save_plan(plan_of({"stages.sft.steps=1,2"}), folder / "s");
  CHECK_NOTHROW(save_plan(plan_of({"stages.sft.steps=1,2"}), folder / "s"));
  CHECK_THAT(config_error([&] { save_plan(plan_of({"stages.sft.steps=1,3"}), folder / "s"); }),
             ContainsSubstring("holds another sweep"));
  folder.write("s/sweep.json", "{\"sweep_version\": 1");
  CHECK_THROWS_AS(load_plan(folder / "s"), DataError);
  folder.write("s/sweep.json", "{\"sweep_version\": 2}");
  CHECK_THROWS_WITH(load_plan(folder / "s"), ContainsSubstring("version 2"));
}
