// Random numbers: the same everywhere, independent by name, uniform; permutations that visit everything once.
#include <set>

#include "catch.h"
#include "temper/random.h"

using namespace temper;

TEST_CASE("equal seeds give equal numbers, and state is two integers") {
  Rng a(7), b(7);
  for (int i = 0; i < 10; ++i) CHECK(a.next() == b.next());
  Rng resumed(a.seed(), a.counter());
  CHECK(resumed.next() == a.next());
}

TEST_CASE("names make seeds of their own; P-REPRO-01 no two workers or epochs draw the same") {
  CHECK(derive_seed(1, {"a", "b"}) != derive_seed(1, {"b", "a"}));
  CHECK(derive_seed(1, {"ab", "c"}) != derive_seed(1, {"a", "bc"}));
  CHECK(derive_seed(1, {"a"}) != derive_seed(2, {"a"}));
  std::set<std::uint64_t> first;
  for (std::uint64_t worker = 0; worker < 4; ++worker) {
    for (std::uint64_t epoch = 0; epoch < 2; ++epoch) first.insert(Rng(derive_seed(derive_seed(1, epoch), worker)).next());
  }
  CHECK(first.size() == 8);
}

TEST_CASE("draws are uniform and normal") {
  Rng rng(3);
  double mean = 0, squares = 0, normal_mean = 0, normal_squares = 0;
  const int n = 100000;
  std::vector<int> counts(10);
  for (int i = 0; i < n; ++i) {
    const double u = rng.uniform();
    CHECK((u >= 0 && u < 1));
    mean += u / n;
    squares += u * u / n;
    const double z = rng.normal();
    normal_mean += z / n;
    normal_squares += z * z / n;
    ++counts[rng.below(10)];
  }
  CHECK(mean == Approx(0.5).margin(0.005));
  CHECK(squares == Approx(1.0 / 3).margin(0.005));
  CHECK(normal_mean == Approx(0).margin(0.015));
  CHECK(normal_squares == Approx(1).margin(0.02));
  for (const int count : counts) CHECK(std::abs(count - n / 10) < 500);
}

TEST_CASE("a permutation visits every index once and differs by seed") {
  for (const std::uint64_t size : {1ULL, 2ULL, 3ULL, 17ULL, 1000ULL, 4097ULL}) {
    const Permutation permutation(size, 11);
    std::set<std::uint64_t> seen;
    for (std::uint64_t i = 0; i < size; ++i) seen.insert(permutation(i));
    CHECK(seen.size() == size);
    CHECK(*seen.rbegin() == size - 1);
  }
  const Permutation a(1000, 1), b(1000, 2);
  int same = 0, fixed = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    same += a(i) == b(i);
    fixed += a(i) == i;
  }
  CHECK(same < 20);
  CHECK(fixed < 20);
}
