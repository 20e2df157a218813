// Penalties, scaling and clipping of scores, and the states that are saved between batches.
#include "support.h"
#include "temper/policy_gradient.h"
#include "temper/reward_shaping.h"

using namespace temper;
using namespace temper::test;

TEST_CASE("P-PPO-16 subtract and replace are two penalties") {
  const at::Tensor scores = vec({0.8, 0.8}), finished = ids({0, 1}) > 0;
  check_close(penalise_missing_eos(scores, finished, MissingEos::kSubtract, 1), vec({-0.2, 0.8}));
  check_close(penalise_missing_eos(scores, finished, MissingEos::kReplace, 1), vec({-1.0, 0.8}));
  check_close(penalise_missing_eos(scores, finished, MissingEos::kNone, 1), scores);
  CHECK_THROWS_AS(penalise_missing_eos(scores, finished, MissingEos::kReplace, -1), ConfigError);
}

TEST_CASE("the length penalty starts after the free tokens and stops at its limit") {
  check_close(length_penalty(ids({1, 10, 12, 40}), {0.1, 10, 1.5}), vec({0, 0, 0.2, 1.5}), 1e-6);
  check_close(length_penalty(ids({3}), {0.5}), vec({1.5}));
  CHECK_THROWS_AS(length_penalty(ids({3}), {-0.5}), ConfigError);
}

TEST_CASE("moments of batches are those of all values") {
  RunningMoments parts;
  CHECK(parts.standard_deviation() == 0);
  const at::Tensor all = at::sin(at::arange(1, 41, at::kDouble) * 3) * 5 + 1000;
  parts.add(all.narrow(0, 0, 1));
  CHECK(parts.standard_deviation(1) == 0);
  parts.add(vec({}));
  for (int i = 1; i < 40; i += 13) parts.add(all.narrow(0, i, 13));
  CHECK(parts.count == 40);
  CHECK(parts.mean == Approx(all.mean().item<double>()).epsilon(1e-13));
  CHECK(parts.standard_deviation(1) == Approx(all.std(true).item<double>()).epsilon(1e-12));
  CHECK(parts.standard_deviation(0) == Approx(all.std(false).item<double>()).epsilon(1e-12));
  const RunningMoments before = parts;
  CHECK_THROWS_AS(parts.add(vec({1, kNan})), DataError);
  CHECK(parts.save() == before.save());
}

TEST_CASE("scores are scaled by what has been seen, then clipped, and both are told") {
  RunningMoments seen;
  const ShapedScores first = shape_scores(vec({1}), {true, 5.0}, seen);
  CHECK(first.divisor == 1);  // no deviation yet
  check_close(first.scores_B, vec({1}));
  const ShapedScores second = shape_scores(vec({3, 11, -20}), {true, 1.0}, seen);
  const double deviation = vec({1, 3, 11, -20}).std(true).item<double>();
  CHECK(second.divisor == Approx(deviation));
  check_close(second.scores_B, vec({3 / deviation, 11 / deviation, -1}));
  CHECK(second.clipped_low == 1);
  CHECK(second.clipped_high == 0);
  const ShapedScores plain = shape_scores(vec({3, 11}), {false, 4.0}, seen);
  CHECK(seen.count == 4);  // not scaled, not added
  CHECK(plain.clipped_high == 1);
  check_close(plain.scores_B, vec({3, 4}));
  check_close(shape_scores(vec({3, 11}), {}, seen).scores_B, vec({3, 11}));
  CHECK_THROWS_AS(shape_scores(vec({1}), {false, 0.0}, seen), ConfigError);
}

TEST_CASE("a fixed coefficient stays, an adaptive one follows the KL with bounded steps") {
  KlController fixed{0.1, std::nullopt};
  fixed.update(1e9, 64);
  CHECK(fixed.coefficient == 0.1);
  KlController adaptive{0.2, 6.0, 10000};
  adaptive.update(600, 64);  // error clipped to 0.2
  CHECK(adaptive.coefficient == Approx(0.2 * (1 + 0.2 * 64 / 10000)));
  KlController below{0.2, 6.0, 10000};
  below.update(5.4, 64);
  CHECK(below.coefficient == Approx(0.2 * (1 - 0.1 * 64 / 10000)));
  const double before = below.coefficient;
  CHECK_THROWS_AS(below.update(kNan, 64), DataError);
  CHECK_THROWS_AS(fixed.update(kInfinity, 64), DataError);
  CHECK(below.coefficient == before);
  KlController wrong{0.2, 0.0};
  CHECK_THROWS_AS(wrong.update(1, 64), ConfigError);
}

TEST_CASE("states come back bit for bit, and damaged ones not at all") {
  KlController controller{0.1, 6.0 / 7, 1e4 / 3};
  for (int i = 0; i < 50; ++i) controller.update(0.1 * i, 7);
  KlController copy = KlController::restore(controller.save());
  CHECK(copy.coefficient == controller.coefficient);
  CHECK(copy.target == controller.target);
  CHECK(copy.horizon == controller.horizon);
  copy.update(1.7, 3);
  controller.update(1.7, 3);
  CHECK(copy.coefficient == controller.coefficient);
  CHECK_FALSE(KlController::restore(KlController{0.3, std::nullopt}.save()).target.has_value());

  RunningMoments moments;
  moments.add(at::rand({100}, at::kDouble) / 3 + 1e6);
  const RunningMoments again = RunningMoments::restore(moments.save());
  CHECK(again.count == moments.count);
  CHECK(again.mean == moments.mean);
  CHECK(again.squares == moments.squares);

  const std::string line = controller.save();
  for (const std::string& damaged : {std::string(), line.substr(0, line.size() - 20), line + " more=1", line + "x",
                                     moments.save(), std::string("kl_controller coefficient=none target=none horizon=1")}) {
    CAPTURE(damaged);
    CHECK_THROWS_AS(KlController::restore(damaged), DataError);
  }
}
