// What the comparing filters stand on: folding, shingles, Jaccard, MinHash.
#include <catch.h>

#include <cmath>

#include "minhash.h"
#include "shingles.h"
#include "support.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::filters;
using namespace temper::test;

TEST_CASE("texts that differ in Unicode form, case and spaces only are equal once folded (P-DEDUP-03)") {
  const std::string composed = "caf\xC3\xA9 au lait", decomposed = "cafe\xCC\x81 au lait", shouted = "CAF\xC3\x89  au lait";
  CHECK(folded(composed) == folded(decomposed));
  CHECK(folded(composed) == folded(shouted));
  const auto set = [](const std::string& text) { return shingle_set(text, Unit::kCharacter, 3); };
  CHECK(jaccard(set(composed), set(decomposed)) == 1);
  CHECK(jaccard(set(composed), set(shouted)) == 1);
  CHECK(folded(" \t\n") == "");
  CHECK(folded("a\xC2\xA0 b") == "a b");  // a no-break space is a space
}

TEST_CASE("a language without spaces is compared by characters (P-DEDUP-02)") {
  const std::string today =
      "\xEB\x82\x98\xEB\x8A\x94\xEC\x98\xA4\xEB\x8A\x98\xED\x95\x99\xEA\xB5\x90\xEC\x97\x90\xEA\xB0\x94\xEB\x8B\xA4";
  const std::string yesterday =
      "\xEB\x82\x98\xEB\x8A\x94\xEC\x96\xB4\xEC\xA0\x9C\xED\x95\x99\xEA\xB5\x90\xEC\x97\x90\xEA\xB0\x94\xEB\x8B\xA4";
  const auto a = shingle_set(today, Unit::kCharacter, 3), b = shingle_set(yesterday, Unit::kCharacter, 3);
  CHECK(a.size() == 7);
  CHECK(jaccard(a, b) == Approx(3.0 / 11).epsilon(1e-12));
}

TEST_CASE("words are runs of letters and digits, and single characters of scripts without spaces") {
  const auto count = [](const char* text) { return units_of(folded(text), Unit::kWord).hashes.size(); };
  CHECK(count("It's 2 o'clock, then.") == 6);
  CHECK(count("\xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E") == 3);   // three Han characters
  CHECK(count("\xEC\x95\x88\xEB\x85\x95 \xED\x95\x98") == 2);  // two Korean words
  CHECK(count("na\xC3\xAFve caf\xC3\xA9") == 2);
  CHECK(count("...") == 0);
  const auto places = words_with_places("One, TWO");
  CHECK(places.hashes == units_of("one two", Unit::kWord).hashes);
  CHECK(places.begins == std::vector<std::size_t>{0, 5});
  CHECK(places.ends == std::vector<std::size_t>{3, 8});
}

TEST_CASE("words of a raw text are those of the folded one, whatever stands where") {
  Rng rng(8);
  const std::string signs = "aZ09zA @[`{/:\t\n_-x";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const bool long_words = round % 3 == 0;
    for (std::uint64_t i = rng.below(200); i > 0; --i) {
      text += long_words && rng.below(20) > 0 ? static_cast<char>('A' + rng.below(26)) : signs[rng.below(signs.size())];
    }
    if (round % 5 == 4) text += "\xC3\x89";
    CAPTURE(text);
    CHECK(units_of_raw(text, Unit::kWord).hashes == units_of(folded(text), Unit::kWord).hashes);
  }
}

TEST_CASE("the linear hash keeps the product's upper half (P-DEDUP-05)") {
  const std::uint64_t a = (std::uint64_t{1} << 60) + 7, x = (std::uint64_t{1} << 31) + 5;
  CHECK(linear_mod61(a, x, 11) == 1152921520712974384ULL);
  CHECK(linear_mod61((std::uint64_t{1} << 61) - 1, 5, 0) == 0);  // the prime itself is zero
}

TEST_CASE("shingles roll to the same numbers as made one by one") {
  Rng rng(3);
  std::vector<std::uint64_t> units(50);
  for (auto& unit : units) unit = rng.next();
  const auto runs = shingles(units, 7);
  REQUIRE(runs.size() == 44);
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const std::vector<std::uint64_t> window(units.begin() + static_cast<std::ptrdiff_t>(i),
                                            units.begin() + static_cast<std::ptrdiff_t>(i) + 7);
    CHECK(shingles(window, 7) == std::vector<std::uint64_t>{runs[i]});
  }
  CHECK(shingles({}, 5).empty());
  CHECK(shingles({1, 2}, 5).size() == 1);
  CHECK(shingles({1, 2}, 5) != shingles({2, 1}, 5));
}

TEST_CASE("MinHash estimates Jaccard without bias and with the binomial's spread (P-DEDUP-04)") {
  std::vector<std::uint64_t> a, b;
  for (std::uint64_t i = 0; i < 100; ++i) a.push_back(i);
  for (std::uint64_t i = 50; i < 150; ++i) b.push_back(i);
  CHECK(jaccard(a, b) == Approx(1.0 / 3).epsilon(1e-12));
  double sum = 0, squares = 0;
  constexpr int kSeeds = 200;
  for (int seed = 0; seed < kSeeds; ++seed) {
    const MinHash minhash(128, static_cast<std::uint64_t>(seed));
    const double value = estimate(minhash.signature(a), minhash.signature(b));
    sum += value;
    squares += value * value;
  }
  const double mean = sum / kSeeds, spread = std::sqrt((squares - sum * mean) / (kSeeds - 1));
  INFO("mean " << mean << ", standard deviation " << spread);
  CHECK(std::abs(mean - 1.0 / 3) < 0.01);
  CHECK(spread > 0.033);
  CHECK(spread < 0.050);
}

TEST_CASE("bands find pairs as often as the formula says") {
  const std::size_t bands = 16, rows = 8;
  int found = 0;
  constexpr int kPairs = 400;
  for (int pair = 0; pair < kPairs; ++pair) {
    std::vector<std::uint64_t> a, b;
    for (std::uint64_t i = 0; i < 100; ++i) a.push_back(static_cast<std::uint64_t>(pair) * 1000 + i);
    for (std::uint64_t i = 0; i < 100; ++i) b.push_back(static_cast<std::uint64_t>(pair) * 1000 + i + 20);  // 80 of 120
    const MinHash minhash(128, 7);
    const auto x = band_hashes(minhash.signature(a), bands), y = band_hashes(minhash.signature(b), bands);
    for (std::size_t band = 0; band < bands; ++band) {
      if (x[band] != y[band]) continue;
      ++found;
      break;
    }
  }
  const double expected = candidate_probability(80.0 / 120, bands, rows);
  CHECK(found / double{kPairs} == Approx(expected).margin(4 * std::sqrt(expected * (1 - expected) / kPairs)));
}
