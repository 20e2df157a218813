// Scoring windows: every token once, with as much context as fits.
#include "catch.h"
#include "host/infer/scorer.h"

using namespace temper;
using Ids = std::vector<std::int32_t>;

TEST_CASE("P-EVAL-04 rolling windows score every token once") {
  ScoreRequest request{{99}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const auto windows = score_windows(request, 4);
  REQUIRE(windows.size() == 3);
  CHECK(windows[0].input == Ids{99, 0, 1, 2});
  CHECK(windows[0].targets == Ids{0, 1, 2, 3});
  CHECK(windows[1].input == Ids{3, 4, 5, 6});
  CHECK(windows[1].targets == Ids{4, 5, 6, 7});
  CHECK(windows[2].input == Ids{5, 6, 7, 8});
  CHECK(windows[2].targets == Ids{8, 9});
}

TEST_CASE("a short continuation keeps the nearest context") {
  const auto windows = score_windows({{1, 2, 3, 4, 5, 6}, {7, 8}}, 4);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].input == Ids{4, 5, 6, 7});
  CHECK(windows[0].targets == Ids{7, 8});
  CHECK(score_windows({{1, 2}, {3}}, 0)[0].input == Ids{1, 2});
}

TEST_CASE("nothing to score or to start from is an error") {
  CHECK_THROWS_AS(score_windows({{1}, {}}, 4), DataError);
  CHECK_THROWS_AS(score_windows({{}, {1}}, 4), DataError);
}
