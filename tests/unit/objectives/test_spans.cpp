// Counts, lengths and masks of removed spans against a NumPy port of the published algorithm
// (tests/reference/objectives), and the distribution of what is drawn.
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "spans.h"
#include "support.h"

using namespace objective_test;
using namespace temper::objectives;

namespace {

const nlohmann::json& reference() {
  static const auto numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/objectives/span_numbers.json");
    REQUIRE(file.good());
    return nlohmann::json::parse(file);
  }();
  return numbers;
}

std::vector<bool> mask_of(std::initializer_list<int> bits) {
  std::vector<bool> mask;
  for (const int bit : bits) mask.push_back(bit != 0);
  return mask;
}

const std::vector<std::int32_t> kSentinels = {999, 998, 997, 996, 995, 994, 993, 992, 991, 990};

Ids replaced(const std::vector<std::int32_t>& tokens, const std::vector<bool>& mask) {
  return replace_runs(tokens, mask, kSentinels);
}

}  // namespace

TEST_CASE("P-T5-04 P-T5-05 counts are the reference's for every length and noise") {
  int checked = 0;
  for (const auto& row : reference().at("counts")) {
    const SpanCounts counts = span_counts(row[0], {row[1], row[2]});
    CAPTURE(row.dump());
    CHECK(counts.noise == row[3]);
    CHECK(counts.spans == row[4]);
    ++checked;
  }
  CHECK(checked == 91);
  CHECK(span_counts(30, {0.15, 3}).noise == 4);  // 4.5 to the even 4
  CHECK(span_counts(50, {0.15, 3}).noise == 8);  // 7.5 to the even 8
  CHECK(span_counts(20, {0.55, 1}).noise == 11);
  CHECK(span_counts(20, {0.55, 1}).spans == 9);
}

TEST_CASE("P-T5-03 the text that fills an input exactly is as long as the reference's") {
  for (const auto& row : reference().at("lengths")) {
    const std::int64_t context = row[0];
    const Noise noise{row[1], row[2]};
    CAPTURE(row.dump());
    const std::int64_t length = longest_text(noise, [&](const SideLengths& sides) { return sides.source <= context; });
    CHECK(length == row[3]);
    CHECK(side_lengths(length, noise).target == row[4]);
    CHECK(side_lengths(length, noise).source == context);
  }
  CHECK(longest_text({0.15, 3}, [](const SideLengths& sides) { return sides.source <= 512; }) == 568);
  CHECK(side_lengths(568, {0.15, 3}).target == 114);
}

TEST_CASE("what given masks leave is the reference's") {
  for (const auto& row : reference().at("masks")) {
    std::vector<bool> mask;
    std::vector<std::int32_t> tokens;
    for (const int bit : row.at("mask").get<std::vector<int>>()) {
      tokens.push_back(100 + static_cast<std::int32_t>(mask.size()));
      mask.push_back(bit != 0);
    }
    CHECK(replaced(tokens, mask) == row.at("inputs").get<Ids>());
    CHECK(replaced(tokens, complement(mask)) == row.at("targets").get<Ids>());
  }
}

TEST_CASE("P-T5-01 P-T5-02 sentinels by the complement rule: one a run, none behind a text that ends removed") {
  const std::vector<std::int32_t> six = {0, 1, 2, 3, 4, 5}, four = {0, 1, 2, 3};
  const auto ends_removed = mask_of({0, 0, 1, 0, 1, 1});
  CHECK(replaced(six, ends_removed) == Ids{0, 1, 999, 3, 998});
  CHECK(replaced(six, complement(ends_removed)) == Ids{999, 2, 998, 4, 5});
  const auto adjacent = mask_of({0, 1, 1, 0});
  CHECK(replaced(four, adjacent) == Ids{0, 999, 3});
  CHECK(replaced(four, complement(adjacent)) == Ids{999, 1, 2, 998});
}

TEST_CASE("a mask needs as many sentinels as it has runs, and its text's length") {
  const std::vector<std::int32_t> three = {1, 2, 3}, one_sentinel = {9};
  CHECK_THROWS_AS(replace_runs(three, mask_of({1, 0, 1}), one_sentinel), PluginError);
  CHECK_THROWS_AS(replace_runs(three, mask_of({1, 0}), one_sentinel), PluginError);
}

TEST_CASE("every mask has exactly the counted tokens and spans, begins kept and ends removed") {
  Rng rng(3);
  for (const std::int64_t length : {2, 3, 7, 20, 64, 333}) {
    for (const Noise& noise : {Noise{0.15, 3}, Noise{0.5, 3}, Noise{0.55, 1}, Noise{0.9, 2}, Noise{0.15, 64}}) {
      const SpanCounts counts = span_counts(length, noise);
      for (int draw = 0; draw < 50; ++draw) {
        const auto mask = random_mask(length, noise, rng);
        REQUIRE(mask.size() == static_cast<std::size_t>(length));
        std::int64_t removed = 0, spans = 0;
        for (std::size_t i = 0; i < mask.size(); ++i) {
          removed += mask[i];
          spans += mask[i] && (i == 0 || !mask[i - 1]);
        }
        REQUIRE(removed == counts.noise);
        REQUIRE(spans == counts.spans);
        REQUIRE_FALSE(mask.front());
        REQUIRE(mask.back());
      }
    }
  }
  CHECK(random_mask(1, {0.15, 3}, rng) == std::vector<bool>{false});
  CHECK(random_mask(0, {0.15, 3}, rng).empty());
}

TEST_CASE("lengths of spans and places of removed tokens are distributed as in the reference") {
  for (const auto& row : reference().at("histograms")) {
    const std::int64_t length = row.at("length");
    const Noise noise{row.at("density"), row.at("mean_span")};
    constexpr int kDraws = 40'000;
    Rng rng(17);
    std::vector<double> spans(static_cast<std::size_t>(length) + 1), removed(static_cast<std::size_t>(length));
    double total = 0, tokens = 0;
    for (int draw = 0; draw < kDraws; ++draw) {
      const auto mask = random_mask(length, noise, rng);
      std::size_t run = 0;
      for (std::size_t i = 0; i <= mask.size(); ++i) {
        if (i < mask.size() && mask[i]) {
          ++run;
          removed[i] += 1.0 / kDraws;
        } else if (run > 0) {
          spans[run] += 1;
          total += 1;
          tokens += static_cast<double>(run);
          run = 0;
        }
      }
    }
    const SpanCounts counts = span_counts(length, noise);
    CHECK(tokens / total == Approx(static_cast<double>(counts.noise) / static_cast<double>(counts.spans)));
    const auto expected_spans = row.at("span_length").get<std::vector<double>>();
    for (std::size_t i = 0; i < expected_spans.size(); ++i) CHECK(std::abs(spans[i] / total - expected_spans[i]) < 0.01);
    // Four standard deviations of the difference of two proportions from 40,000 draws each are below 0.015.
    const auto expected_removed = row.at("removed").get<std::vector<double>>();
    for (std::size_t i = 0; i < removed.size(); ++i) CHECK(std::abs(removed[i] - expected_removed[i]) < 0.015);
  }
}
