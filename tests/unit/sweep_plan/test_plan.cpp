// From cells to runs and stages: names that lose nothing (P-SWEEP-02), one identity for one experiment however it is
// spelt (P-SWEEP-03), and what runs share.
#include <cstdlib>
#include <set>

#include "support.h"

using namespace sweep_test;

TEST_CASE("names of runs hold numbers exactly, in one spelling") {
  const auto plan = plan_of({"stages.sft.learning_rate=1e-3,4e-3,1e-5,0.30000000000000004,0.3"});
  REQUIRE(plan.runs.size() == 5);
  const std::vector<double> rates = {1e-3, 4e-3, 1e-5, 0.1 + 0.2, 0.3};
  std::set<std::string> distinct;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::string& id = plan.runs[i].run_id;
    REQUIRE(id.rfind("learning_rate=", 0) == 0);
    CHECK(std::strtod(id.c_str() + 14, nullptr) == rates[i]);
    distinct.insert(id);
  }
  CHECK(distinct.size() == 5);
}

TEST_CASE("two spellings of one value are one run; what 1 and true mean depends on the parameter") {
  const auto rates = plan_of({"stages.sft.learning_rate=1e-5,0.00001,1.0e-05"});
  CHECK(rates.runs.size() == 1);
  REQUIRE(rates.notes.size() == 1);
  CHECK_THAT(rates.notes[0], ContainsSubstring("2 runs have the same settings"));
  CHECK(plan_of({"model.dropout=1,1.0"}).runs.size() == 1);
  CHECK_THAT(config_error([] { plan_of({"model.dropout=1,true"}); }), ContainsSubstring("cell model.dropout=true"));
  CHECK_THAT(config_error([] { plan_of({"model.tie=1"}); }), ContainsSubstring("cell model.tie=1"));
  CHECK(plan_of({"model.label=1,1.0,true"}).runs.size() == 3);
}

TEST_CASE("a value that is the default, or written in another order, is the same run with the same stages") {
  const auto plain = plan_of({});
  const auto spelt = plan_of({"stages.sft.learning_rate=0.001"});
  REQUIRE(plain.runs.size() == 1);
  REQUIRE(spelt.runs.size() == 1);
  CHECK(plain.runs[0].keys == spelt.runs[0].keys);
  const auto one = plan_of({"stages.sft.learning_rate=2e-3", "model.d_model=64"});
  const auto two = plan_of({"model.d_model=64", "stages.sft.learning_rate=0.002"});
  CHECK(one.runs[0].keys == two.runs[0].keys);
  CHECK(one.runs[0].keys != plain.runs[0].keys);
}

TEST_CASE("stages that runs share are computed once; seeds and what comes before share nothing") {
  // Two rates of the second stage, two seeds: the first stage once for each seed.
  const auto plan = plan_of({"stages.sft.learning_rate=1e-3,2e-3"}, "1..2");
  CHECK(plan.runs.size() == 4);
  CHECK(plan.all_stages == 8);
  CHECK(plan.distinct_stages == 6);
  CHECK(plan.tasks.size() == 6);
  for (std::size_t t = 0; t < plan.tasks.size(); ++t) {
    for (const std::size_t need : plan.tasks[t].needs) CHECK(need < t);
  }
  CHECK(plan_of({"model.d_model=32,64"}).distinct_stages == 4);
  CHECK(plan_of({"stages.pretrain.steps=10,20", "stages.sft.steps=5,6"}).distinct_stages == 6);
}

TEST_CASE("names are unique, of a bearable length, and have only what every file system can hold") {
  const std::string longer(150, 'x');
  const auto plan = plan_of({"model.label='a/b','a:b','a b'," + longer + "1," + longer + "2,'.'"}, "1..2");
  const auto ids = ids_of(plan);
  CHECK(std::set<std::string>(ids.begin(), ids.end()).size() == 12);
  for (const auto& id : ids) {
    CHECK(id.size() <= 110);
    CHECK(name_part(id) == [&] {
      std::string plain = id;
      for (char& c : plain) c = c == '=' ? '_' : c;
      return plain;
    }());
  }
}

TEST_CASE("axes of the same last word keep more of their keys in the names") {
  const auto ids = ids_of(plan_of({"stages.pretrain.steps=10", "stages.sft.steps=20", "model.d_model=64"}));
  CHECK(ids == std::vector<std::string>{"pretrain.steps=10-sft.steps=20-d_model=64-s7"});
}

TEST_CASE("the experiment's own section and the command line make one sweep") {
  const std::string section =
      "sweep:\n  vary: {model.d_model: [32, 64], stages.sft.steps: [1, 2]}\n  seeds: [1, 2]\n"
      "  exclude: [{model.d_model: 32, stages.sft.steps: 2}]\n";
  CHECK(plan_of({}, "", section).runs.size() == 6);
  // An axis of the command line replaces the section's; so do seeds.
  CHECK(ids_of(plan_of({"stages.sft.steps=1"}, "5", section)) ==
        std::vector<std::string>{"d_model=32-steps=1-s5", "d_model=64-steps=1-s5"});
}

TEST_CASE("a cell that does not fit the experiment is named") {
  CHECK_THAT(config_error([] { plan_of({"stages.sft.learning_rat=1"}); }), ContainsSubstring("did you mean"));
  CHECK_THAT(config_error([] { plan_of({"stages.sft.steps=1,x"}); }), ContainsSubstring("cell stages.sft.steps=x"));
}
