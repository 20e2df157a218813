// The loop that counts features of windows: both ways of it, and what it leaves to others.
#include <algorithm>
#include <array>
#include <cstdint>
#include <random>
#include <tuple>
#include <vector>

#include "catch.h"
#include "window_counts.h"

using namespace temper;

TEST_CASE("features are counted the same with vectors and without") {
  constexpr std::size_t kFeatures = 40, kBlocks = 600;
  std::mt19937_64 random(3);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  constexpr std::uint64_t kHalf = 0xFFFE;
  std::vector<Tally> tallies = {0};
  for (std::uint32_t row = 1; row < kFeatures; ++row) {
    const std::uint64_t counts = (row % 16 == 5 ? 120 + draw(135) : draw(60)) | draw(60) << 8;
    constexpr std::array<std::uint64_t, 6> kAges = {0, 0, 1, 1, 2, 40000};
    tallies.push_back(with_counts(new_tally(row == 7 ? 0xFFFFFFFF : row), kHalf - kAges[draw(kAges.size())], counts));
  }
  std::vector<std::uint32_t> numbers;
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const auto filled = 1 + draw(kFeatureBlock), first = draw(kFeatures);
    for (std::size_t k = 0; k < kFeatureBlock; ++k) {
      numbers.push_back(k < filled ? static_cast<std::uint32_t>((first + 9 * k) % kFeatures) : 0);
    }
  }
  std::vector<const std::uint32_t*> blocks;
  for (std::size_t i = 0; i < kBlocks; ++i) blocks.push_back(numbers.data() + i * kFeatureBlock);
  const auto counted = [&](const auto& run) {
    std::vector<Tally> mine = tallies;
    std::vector<Change> changes(blocks.size() * kFeatureBlock);
    std::vector<std::size_t> stops;
    CountLoop loop{blocks, mine.data(), kHalf, 512, changes.data()};
    while (!run(loop)) {
      stops.push_back(loop.block);
      ++loop.block;
    }
    changes.resize(loop.noted);
    return std::tuple(mine, changes, stops);
  };
  const auto [one_by_one, changes, stops] = counted([](CountLoop& loop) { return loop.run_one_by_one(); });
  CHECK(changes.size() > 500);
  CHECK(stops.size() > 10);
  CHECK(counted([](CountLoop& loop) { return loop.run(); }) == std::tuple(one_by_one, changes, stops));
}
