// Axes from the command line and from the experiment, and the cells that come of them.
#include <cstdlib>
#include <map>
#include <set>

#include "support.h"

using namespace sweep_test;

namespace {

using Cells = std::vector<std::vector<Assignment>>;

SweepSpec spec_of(const std::vector<std::string>& vary) {
  SweepSpec made;
  for (const auto& text : vary) made.axes.push_back(parse_axis(text));
  return made;
}

SweepSpec from_yaml(const std::string& text) { return read_spec(config::parse_yaml(text, {"x.yaml"})); }

std::string value_in(const std::vector<Assignment>& cell, const std::string& key) {
  for (const auto& [name, value] : cell) {
    if (name == key) return value;
  }
  return "";
}

}  // namespace

TEST_CASE("a grid crosses its axes in order, the last one fastest") {
  CHECK(expand(spec_of({"a=1,2", "b=x,y,z"}), 1) == Cells{{{"a", "1"}, {"b", "x"}},
                                                          {{"a", "1"}, {"b", "y"}},
                                                          {{"a", "1"}, {"b", "z"}},
                                                          {{"a", "2"}, {"b", "x"}},
                                                          {{"a", "2"}, {"b", "y"}},
                                                          {{"a", "2"}, {"b", "z"}}});
  CHECK(expand({}, 1) == Cells{{}});
}

TEST_CASE("commas in lists, maps and quotes do not part values") {
  CHECK(parse_axis("a=[1, 2],[3]").values == std::vector<std::string>{"[1, 2]", "[3]"});
  CHECK(parse_axis("a={x: 1, y: [2, 3]}, 'b,c'").values == std::vector<std::string>{"{x: 1, y: [2, 3]}", "'b,c'"});
  CHECK(parse_assignments("a=[1,2],b=3", "--cell") == std::vector<Assignment>{{"a", "[1,2]"}, {"b", "3"}});
}

TEST_CASE("zipped axes run in step and cross the others") {
  SweepSpec spec = spec_of({"a=1,2", "b=x,y", "c=8,9"});
  spec.zips = {{"a", "c"}};
  CHECK(expand(spec, 1) == Cells{{{"a", "1"}, {"c", "8"}, {"b", "x"}},
                                 {{"a", "1"}, {"c", "8"}, {"b", "y"}},
                                 {{"a", "2"}, {"c", "9"}, {"b", "x"}},
                                 {{"a", "2"}, {"c", "9"}, {"b", "y"}}});
  spec.axes[2].values.pop_back();
  CHECK_THAT(config_error([&] { expand(spec, 1); }), ContainsSubstring("same number of values"));
  spec.zips = {{"a", "d"}};
  CHECK_THAT(config_error([&] { expand(spec, 1); }), ContainsSubstring("zip names d, which the sweep does not vary"));
}

TEST_CASE("a list gives cells of its own, each crossed with the axes") {
  SweepSpec spec = spec_of({"c=8,9"});
  spec.list = {{{"a", "1"}, {"b", "x"}}, {{"a", "2"}}};
  CHECK(expand(spec, 1) == Cells{{{"a", "1"}, {"b", "x"}, {"c", "8"}},
                                 {{"a", "1"}, {"b", "x"}, {"c", "9"}},
                                 {{"a", "2"}, {"c", "8"}},
                                 {{"a", "2"}, {"c", "9"}}});
}

TEST_CASE("an axis with a condition is there only where earlier axes have these values") {
  const SweepSpec spec = from_yaml("vary: {method: [dpo, kto], beta: {values: [0.1, 0.2], when: {method: dpo}}}\n");
  CHECK(expand(spec, 1) ==
        Cells{{{"method", "dpo"}, {"beta", "0.1"}}, {{"method", "dpo"}, {"beta", "0.2"}}, {{"method", "kto"}}});
  CHECK_THAT(config_error([] { expand(from_yaml("vary: {beta: {values: [1], when: {method: dpo}}, method: [dpo]}\n"), 1); }),
             ContainsSubstring("has to be an axis before it"));
}

TEST_CASE("exclusions leave out cells that have all of their values") {
  SweepSpec spec = spec_of({"a=1,2", "b=x,y"});
  spec.excludes = {{{"a", "1"}, {"b", "y"}}};
  CHECK(expand(spec, 1) == Cells{{{"a", "1"}, {"b", "x"}}, {{"a", "2"}, {"b", "x"}}, {{"a", "2"}, {"b", "y"}}});
  spec.excludes = {{{"a", "1"}}, {{"a", "2"}}};
  CHECK_THAT(config_error([&] { expand(spec, 1); }), ContainsSubstring("everything is excluded"));
}

TEST_CASE("random axes are drawn by the seed, each by its own name, inside their range and evenly on their scale") {
  SweepSpec spec = spec_of({"rate=log_uniform(1e-5,1e-1)", "drop=uniform(0.25,0.75)", "kind=choice(a,b,c)"});
  spec.draws = 400;
  const auto cells = expand(spec, 11);
  REQUIRE(cells.size() == 400);
  CHECK(expand(spec, 11) == cells);
  CHECK(expand(spec, 12) != cells);
  int small = 0, low = 0;
  std::map<std::string, int> kinds;
  for (const auto& cell : cells) {
    const double rate = std::strtod(value_in(cell, "rate").c_str(), nullptr);
    const double drop = std::strtod(value_in(cell, "drop").c_str(), nullptr);
    CHECK((rate >= 1e-5 && rate <= 1e-1));
    CHECK((drop >= 0.25 && drop <= 0.75));
    small += rate < 1e-3;
    low += drop < 0.5;
    ++kinds[value_in(cell, "kind")];
  }
  // Half lie below the middle of the scale: 400 draws miss 200 by more than 50 once in two million times.
  CHECK((small > 150 && small < 250));
  CHECK((low > 150 && low < 250));
  CHECK(kinds.size() == 3);
  // Another axis beside them changes no draw, and more draws keep the first ones.
  SweepSpec wider = spec_of({"other=uniform(0,1)", "rate=log_uniform(1e-5,1e-1)"});
  wider.draws = 500;
  CHECK(value_in(expand(wider, 11)[7], "rate") == value_in(cells[7], "rate"));
  spec.draws = 0;
  CHECK_THAT(config_error([&] { expand(spec, 11); }), ContainsSubstring("--draws"));
}

TEST_CASE("a random axis with a condition is drawn only where it applies") {
  SweepSpec spec = from_yaml("vary: {kind: [a, b], drop: {uniform: [0, 1], when: {kind: b}}}\ndraws: 3\n");
  const auto cells = expand(spec, 1);
  // Draws of a cell without a random axis are the same cell; the plan merges them.
  for (const auto& cell : cells) CHECK(cell.size() == (value_in(cell, "kind") == "b" ? 2 : 1));
  CHECK(std::set(cells.begin(), cells.end()).size() == 4);
}

TEST_CASE("seeds are ranges, lists or both, each once") {
  CHECK(parse_seeds("1..3,7", "--seeds") == std::vector<std::uint64_t>{1, 2, 3, 7});
  CHECK(parse_seeds("0", "--seeds") == std::vector<std::uint64_t>{0});
  for (const std::string text : {"3..1", "", "a", "1..", "-1", "1.5", "1,,2", "1..3,2", "99999999999999999999"}) {
    INFO(text);
    CHECK_THAT(config_error([&] { parse_seeds(text, "--seeds"); }), ContainsSubstring("--seeds " + text));
  }
}

TEST_CASE("what is no axis is refused in words") {
  for (const auto& [text, words] :
       std::vector<std::pair<std::string, std::string>>{{"a", "expected KEY=VALUE"},
                                                        {"=1", "expected KEY=VALUE"},
                                                        {"a=", "expected KEY=VALUE"},
                                                        {"a=1,,2", "a value is empty"},
                                                        {"a=uniform(1)", "takes two numbers"},
                                                        {"a=uniform(2,1)", "below the second"},
                                                        {"a=uniform(x,1)", "'x' is not a number"},
                                                        {"a=log_uniform(0,1)", "above 0"}}) {
    INFO(text);
    CHECK_THAT(config_error([&text = text] { parse_axis(text); }), ContainsSubstring(words));
  }
  CHECK_THAT(config_error([] { expand(spec_of({"a=1", "a=2"}), 1); }), ContainsSubstring("varies a twice"));
  CHECK_THAT(config_error([] { from_yaml("vary: {a: 1}\n"); }), ContainsSubstring("sweep.vary.a must be a list"));
  CHECK_THAT(config_error([] { from_yaml("varry: {a: [1]}\n"); }), ContainsSubstring("unknown key 'sweep.varry'"));
  CHECK_THAT(config_error([] { from_yaml("vary: {a: {value: [1]}}\n"); }), ContainsSubstring("unknown key 'value'"));
}
