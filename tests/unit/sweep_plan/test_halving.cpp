// Successive halving: what is judged as one, who goes on, the tasks that wait for a verdict, and the verdict on disk.
#include <algorithm>
#include <limits>
#include <tuple>

#include "host/sweep/halving.h"
#include "host/sweep/sweep.h"
#include "support.h"

using namespace sweep_test;

namespace {

const std::string kAxis = "stages.sft.learning_rate=";

SweepPlan halved(const std::vector<std::string>& vary, const std::string& seeds, const std::string& rungs,
                 std::int64_t factor = 2, const std::string& metric = "validation_loss:min") {
  const Folder folder;
  SweepRequest request;
  request.experiment = folder.write("small.yaml", kExperiment);
  for (const auto& text : vary) request.spec.axes.push_back(parse_axis(text));
  if (!seeds.empty()) request.spec.seeds = parse_seeds(seeds, "--seeds");
  request.spec.halving = parse_halving(metric, rungs, factor);
  return plan_sweep(request, registry());
}

std::vector<Contender> all_at(const SweepPlan& plan, std::size_t rung) {
  return contenders_at(plan.halving->rungs[rung], plan, std::vector<bool>(plan.runs.size(), true));
}

/// One seed a contender, with these values; NaN stands for none.
std::vector<Contender> valued(std::vector<Contender> contenders, const std::vector<std::vector<double>>& values) {
  for (std::size_t c = 0; c < contenders.size(); ++c) {
    for (const double value : values[c]) {
      contenders[c].values.push_back(value != value ? std::nullopt : std::optional(value));
    }
  }
  return contenders;
}

std::vector<std::size_t> first_runs(const std::vector<Contender>& ranked, bool goes_on) {
  std::vector<std::size_t> runs;
  for (const auto& one : ranked) {
    if (one.goes_on == goes_on) runs.push_back(one.runs.front());
  }
  return runs;
}

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE("rungs, metric and factor are read in both forms, and what is none is refused in words") {
  const Halving halving = parse_halving("helpfulness.score:max", "sft@50,sft", 4);
  CHECK(halving.metric == "helpfulness.score");
  CHECK(halving.higher_is_better);
  CHECK((halving.rungs == std::vector<Rung>{{"sft", 50}, {"sft", 0}}));
  CHECK(halving.text() == "helpfulness.score:max, the best 1 in 4 at sft@50, sft");
  const auto from_yaml = [](const std::string& text) { return read_halving(config::parse_yaml(text, {"x.yaml"})); };
  CHECK(from_yaml("{metric: helpfulness.score, mode: max, factor: 4, rungs: [sft@50, sft]}") == halving);
  CHECK(from_yaml("{metric: m, mode: min, rungs: [sft]}").factor == 3);
  for (const auto& [metric, rungs, factor, words] : std::vector<std::tuple<std::string, std::string, int, std::string>>{
           {"loss", "sft@5", 2, "expected METRIC:max or METRIC:min"},
           {"loss:up", "sft@5", 2, "must be max or min, but found 'up'"},
           {"loss:min", "", 2, "needs rungs"},
           {"loss:min", "sft@0", 2, "must be 1 or more"},
           {"loss:min", "sft@x", 2, "'x' is not a whole number"},
           {"loss:min", "@5", 2, "STAGE@STEP or STAGE"},
           {"loss:min", "sft@5", 1, "must be from 2 to 1000"}}) {
    INFO(words);
    CHECK_THAT(config_error([&, m = metric, r = rungs, f = factor] { parse_halving(m, r, f); }), ContainsSubstring(words));
  }
  CHECK_THAT(config_error([&] { from_yaml("{metric: m, rungs: [sft]}"); }), ContainsSubstring("x.yaml:1"));
  CHECK_THAT(config_error([&] { from_yaml("{metric: m, mode: min, rung: [sft]}"); }),
             ContainsSubstring("unknown key 'sweep.halving.rung'"));
}

TEST_CASE("rungs that do not fit the experiment are refused before anything runs") {
  const auto error = [](const std::string& rungs, const std::string& metric = "loss:min") {
    return config_error([&] { halved({kAxis + "1,2"}, "", rungs, 2, metric); });
  };
  CHECK_THAT(error("tuning@5"), ContainsSubstring("no such stage; there are pretrain, sft"));
  CHECK_THAT(error("sft"), ContainsSubstring("nothing comes after the last stage"));
  CHECK_THAT(error("sft@10,sft@10"), ContainsSubstring("in the order in which runs come to them"));
  CHECK_THAT(error("sft@10,pretrain"), ContainsSubstring("in the order in which runs come to them"));
  CHECK_THAT(error("pretrain,pretrain@10"), ContainsSubstring("in the order in which runs come to them"));
  CHECK(error("pretrain@10,pretrain,sft@10") == "no error");
}

TEST_CASE("the experiment's own halving holds unless the command line says otherwise") {
  const Folder folder;
  SweepRequest request;
  request.experiment = folder.write("small.yaml", kExperiment +
                                                      "sweep: {vary: {stages.sft.steps: [1, 2]}, halving: {metric: loss, "
                                                      "mode: min, rungs: [pretrain@7]}}\n");
  const auto own = plan_sweep(request, registry());
  REQUIRE(own.halving);
  CHECK(own.halving->text() == "loss:min, the best 1 in 3 at pretrain@7");
  request.spec.halving = parse_halving("loss:max", "pretrain@9", 2);
  const auto given = plan_sweep(request, registry());
  CHECK(given.halving == request.spec.halving);
  CHECK(given.name != own.name);
  request.spec.halving = Halving{};
  CHECK(!plan_sweep(request, registry()).halving);
}

TEST_CASE("the seeds of a cell are judged together, and cells that are one so far are one contender") {
  const auto plan = halved({"stages.pretrain.steps=10,20", kAxis + "1e-3,2e-3"}, "1..2", "pretrain,sft@5");
  REQUIRE(plan.runs.size() == 8);
  const auto pretrained = all_at(plan, 0), tuned = all_at(plan, 1);
  REQUIRE(pretrained.size() == 2);
  CHECK(pretrained[0].runs == std::vector<std::size_t>{0, 1, 2, 3});
  REQUIRE(tuned.size() == 4);
  CHECK(tuned[1].runs == std::vector<std::size_t>{2, 3});
  std::vector<bool> left(8, true);
  left[0] = left[1] = false;
  CHECK(contenders_at(plan.halving->rungs[1], plan, left).size() == 3);
  const auto expected = forecast(plan);
  CHECK(expected.contenders == std::vector<std::size_t>{2, 2});
  CHECK(expected.go_on == std::vector<std::size_t>{1, 1});
  CHECK(expected.runs_at_end == 2);
}

TEST_CASE("the best share goes on, whatever the order in which values came") {
  const auto plan = halved({kAxis + "1,2,3,4,5"}, "", "sft@5");
  const auto contenders = all_at(plan, 0);
  const auto ranked = rank_contenders(valued(contenders, {{0.5}, {0.1}, {0.9}, {0.3}, {0.7}}), *plan.halving, plan);
  CHECK(first_runs(ranked, true) == std::vector<std::size_t>{1, 3, 0});  // ceil(5 / 2)
  CHECK(first_runs(ranked, false) == std::vector<std::size_t>{4, 2});
  auto turned = valued(contenders, {{0.5}, {0.1}, {0.9}, {0.3}, {0.7}});
  std::reverse(turned.begin(), turned.end());
  CHECK(first_runs(rank_contenders(turned, *plan.halving, plan), true) == std::vector<std::size_t>{1, 3, 0});
  Halving higher = *plan.halving;
  higher.higher_is_better = true;
  higher.factor = 5;
  CHECK(first_runs(rank_contenders(valued(contenders, {{0.5}, {0.1}, {0.9}, {0.3}, {0.7}}), higher, plan), true) ==
        std::vector<std::size_t>{2});
  // Equal values: by the run's id.
  CHECK(first_runs(rank_contenders(valued(contenders, {{1}, {1}, {1}, {1}, {1}}), *plan.halving, plan), true) ==
        std::vector<std::size_t>{0, 1, 2});
}

TEST_CASE("P-SWEEP-04 a failed seed is missing, never a zero; a cell without any value never goes on") {
  const auto plan = halved({kAxis + "1,2,3,4"}, "1..2", "sft@5", 2, "loss:max");
  const auto contenders = all_at(plan, 0);
  auto ranked =
      rank_contenders(valued(contenders, {{0.9, kNone}, {0.2, 0.4}, {kNone, kNone}, {0.1, 0.3}}), *plan.halving, plan);
  // Cells with all of their seeds come first; then 0.9 of one seed; the cell that failed is the last.
  CHECK(first_runs(ranked, true) == std::vector<std::size_t>{2, 6});
  CHECK(first_runs(ranked, false) == std::vector<std::size_t>{0, 4});
  CHECK(ranked[2].mean == 0.9);
  ranked =
      rank_contenders(valued(contenders, {{kNone, kNone}, {kNone, kNone}, {0.5, 0.5}, {kNone, kNone}}), *plan.halving, plan);
  CHECK(first_runs(ranked, true) == std::vector<std::size_t>{4});
}

TEST_CASE("tasks behind a rung wait for it, and each run has a task that brings it there") {
  const auto plan = halved({kAxis + "1e-3,2e-3"}, "1..2", "pretrain@5,sft@7,sft@9");
  // For each seed: pretraining to step 5 and to its end; for each run: two rungs and the rest.
  CHECK(plan.tasks.size() == 2 * 2 + 4 * 3);
  CHECK(plan.distinct_stages == 6);
  REQUIRE(plan.rung_tasks.size() == 3);
  for (std::size_t rung = 0; rung < 3; ++rung) {
    for (std::size_t run = 0; run < plan.runs.size(); ++run) {
      const Task& task = plan.tasks[plan.rung_tasks[rung][run]];
      CHECK(task.rung == rung);
      CHECK(task.rungs_before == rung);
      CHECK(plan.runs[task.run].seed == plan.runs[run].seed);
    }
  }
  CHECK(plan.rung_tasks[0][0] == plan.rung_tasks[0][2]);
  CHECK(plan.rung_tasks[1][0] != plan.rung_tasks[1][2]);
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    for (const std::size_t need : plan.tasks[t].needs) {
      CHECK(need < t);
      CHECK(plan.tasks[need].rungs_before <= plan.tasks[t].rungs_before);
    }
    if (plan.tasks[t].stage.empty()) CHECK(plan.tasks[t].rungs_before == 3);
  }
  // What only stopped runs need is not needed.
  const auto needed = tasks_of(plan, {true, true, false, false});
  CHECK(std::count(needed.begin(), needed.end(), true) == 2 * 2 + 2 * 3);
}

TEST_CASE("plan and verdicts come back from the folder, and another halving is another sweep") {
  const Folder folder;
  const auto plan = halved({kAxis + "1,2,3"}, "1..2", "pretrain@5,sft@7");
  save_plan(plan, folder / "s");
  const auto back = load_plan(folder / "s");
  CHECK(back.halving == plan.halving);
  CHECK(back.runs[0].resolved == plan.runs[0].resolved);
  CHECK(back.tasks.size() == plan.tasks.size());
  CHECK_THAT(config_error([&] { save_plan(halved({kAxis + "1,2,3"}, "1..2", "sft@7"), folder / "s"); }),
             ContainsSubstring("holds another sweep"));
  CHECK(load_verdicts(plan, folder / "s").empty());
  std::vector<Verdict> verdicts;
  verdicts.push_back(
      {plan.halving->rungs[0], rank_contenders(valued(contenders_at({"sft", 7}, plan, std::vector<bool>(6, true)),
                                                      {{0.1 + 0.2, 2}, {kNone, 1}, {kNone, kNone}}),
                                               *plan.halving, plan)});
  save_verdicts(verdicts, plan, folder / "s");
  const auto read = load_verdicts(plan, folder / "s");
  REQUIRE(read.size() == 1);
  REQUIRE(read[0].ranked.size() == 3);
  CHECK(read[0].ranked[0].values[0] == 0.1 + 0.2);
  CHECK(read[0].ranked[0].goes_on);
  CHECK((read[0].ranked[1].values == std::vector<std::optional<double>>{std::nullopt, 1.0}));
  CHECK(!read[0].ranked[2].mean);
  CHECK(reason_to_stop(read[0], 2, *plan.halving) ==
        "halving at pretrain@5: validation_loss is not known, rank 3 of 3; 2 go on");
  CHECK_THAT(summary_of(read[0], *plan.halving), ContainsSubstring("of 3 cells 2 go on, validation_loss 1.15 to 1"));
  folder.write("s/halving.json", "{\"rungs\": [");
  CHECK_THROWS_AS(load_verdicts(plan, folder / "s"), DataError);
}
