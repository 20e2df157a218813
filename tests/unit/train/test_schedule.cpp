// Learning-rate schedules.
#include "catch.h"
#include "temper/train.h"

using namespace temper;

TEST_CASE("P-LOSS-09 warm-up starts above zero, cosine is clamped at its end") {
  TrainParams params;
  params.learning_rate = 1;
  params.min_learning_rate_ratio = 0.1;
  params.warmup_steps = 4;
  const double expected[] = {0.25, 0.5, 0.75, 1};
  for (int s = 0; s < 4; ++s) CHECK(learning_rate_at(params, s, 12) == expected[s]);
  CHECK(learning_rate_at(params, 4, 12) == 1);
  CHECK(learning_rate_at(params, 8, 12) == Approx(0.55));
  CHECK(learning_rate_at(params, 11, 12) == Approx(0.134254).epsilon(1e-5));
  CHECK(learning_rate_at(params, 12, 12) == Approx(0.1));
  CHECK(learning_rate_at(params, 20, 12) == Approx(0.1));
  for (int s = 4; s < 20; ++s) CHECK(learning_rate_at(params, s, 12) <= learning_rate_at(params, s - 1, 12));
}

TEST_CASE("linear falls evenly, constant stays") {
  TrainParams params;
  params.learning_rate = 2;
  params.min_learning_rate_ratio = 0;
  params.warmup_steps = 0;
  params.schedule = "linear";
  CHECK(learning_rate_at(params, 0, 10) == 2);
  CHECK(learning_rate_at(params, 5, 10) == Approx(1));
  CHECK(learning_rate_at(params, 10, 10) == Approx(0));
  params.schedule = "constant";
  CHECK(learning_rate_at(params, 9, 10) == 2);
}
