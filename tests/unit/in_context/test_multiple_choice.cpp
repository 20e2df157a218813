// Splitting context and continuation, and what wins. Values of P-EVAL-01, -02, -03 and -12 are those of the trap list;
// the others follow lm-evaluation-harness 0.4.13 (lm_eval/api/model.py, _encode_pair).
#include <algorithm>
#include <cmath>
#include <numeric>

#include "catch.h"
#include "fakes.h"
#include "multiple_choice.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::evaluators;
using Ids = std::vector<std::int32_t>;

TEST_CASE("P-EVAL-01 a merge over the border leaves no option without tokens") {
  const test::PieceTokenizer toy({"hello", " wor", " world", "ld"});
  REQUIRE(toy.encode("hello world") == Ids{0, 2});
  const ScoreRequest swallowed = continuation_request("hello wor", "ld", toy);
  CHECK(swallowed.context_ids == Ids{0, 1});
  CHECK(swallowed.continuation_ids == Ids{3});
  // Without a merge the joined text's tokens are used.
  const ScoreRequest plain = continuation_request("hello", " world", toy);
  CHECK(plain.context_ids == Ids{0});
  CHECK(plain.continuation_ids == Ids{2});
}

TEST_CASE("P-EVAL-01 a merge that swallows a part of the option does not shift the rest") {
  // Joined: "ab", "c"; the context alone is "a", so a cut behind one token would score "c" without its "b".
  const test::PieceTokenizer toy({"a", "b", "ab", "c"});
  const ScoreRequest request = continuation_request("a", "bc", toy);
  CHECK(request.context_ids == Ids{0});
  CHECK(request.continuation_ids == Ids{1, 3});
}

TEST_CASE("white space at the context's end belongs to the continuation") {
  const test::PieceTokenizer toy({"A:", " ", " yes", "yes", "\n"});
  const ScoreRequest request = continuation_request("A: ", "yes", toy);
  CHECK(request.context_ids == Ids{0});
  CHECK(request.continuation_ids == Ids{2});
  CHECK(continuation_request("A:\n", "yes", toy).continuation_ids == Ids{4, 3});
  // An encoder-decoder reads both sides apart.
  CHECK(continuation_request("A: ", "yes", toy, true).continuation_ids == Ids{2});
  CHECK_THROWS_AS(continuation_request("A: ", "", toy), DataError);
}

TEST_CASE("what stands in front of the context") {
  const std::vector<std::string> pieces = {"A", "b"};
  const test::PieceTokenizer with_bos(pieces, 97), without(pieces);
  CHECK(continuation_request("A", "b", with_bos).context_ids == Ids{97, 0});
  CHECK(continuation_request("A", "b", without).context_ids == Ids{0});
  CHECK(continuation_request("", "b", with_bos).context_ids == Ids{97});
  CHECK(continuation_request("", "b", without).context_ids == Ids{99});
  CHECK(continuation_request("", "b", without, true).context_ids.empty());
}

TEST_CASE("P-EVAL-12 behind a chat template's tokens an option has no space in front") {
  const test::PieceTokenizer toy({"<assistant>\n", "Paris", " Paris"});
  const ScoreRequest request = continuation_request(toy.encode("<assistant>\n"), "Paris", toy);
  CHECK(request.context_ids == Ids{0});
  CHECK(request.continuation_ids == Ids{1});
}

TEST_CASE("P-EVAL-02 a tie is not a win, wherever the right option stands") {
  for (std::size_t gold = 0; gold < 4; ++gold) CHECK_FALSE(is_right({-3, -3, -3, -3}, {gold}));
  CHECK(best_option({-3, -3, -3, -3}).tied);
  CHECK(mc1(-3, {-3, -3, -3}) == 0);
  CHECK(mc1(-3, {-3.5, -4}) == 1);
  CHECK(mc1(-3, {-2.5, -4}) == 0);
  // Shuffled options give the same verdicts.
  Rng rng(11);
  const std::vector<double> scores = {-1, -2, -2, -1, -4};
  for (int round = 0; round < 50; ++round) {
    std::vector<std::size_t> order(scores.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[rng.below(i)]);
    std::vector<double> shuffled;
    for (const auto index : order) shuffled.push_back(scores[index]);
    for (std::size_t gold = 0; gold < scores.size(); ++gold) {
      const auto at = static_cast<std::size_t>(std::find(order.begin(), order.end(), gold) - order.begin());
      CHECK(is_right(shuffled, {at}) == is_right(scores, {gold}));
    }
  }
}

TEST_CASE("one of several right options has to beat all wrong ones") {
  CHECK(is_right({-1, -1, -2}, {0, 1}));
  CHECK(is_right({-5, -1, -2}, {0, 1}));
  CHECK_FALSE(is_right({-1, -5, -1}, {0, 1}));
  CHECK_FALSE(is_right({-5, std::nan(""), -9}, {0}));
}

TEST_CASE("P-EVAL-03 MC2 is the right options' share of the summed probability") {
  CHECK(mc2({{-1, -2}, {-1.5}}) == Approx(0.692804).epsilon(1e-6));
  // Sums far below the range of a double's exponential keep their ratio.
  CHECK(mc2({{-1001, -1002}, {-1001.5}}) == Approx(0.692804).epsilon(1e-6));
}

TEST_CASE("acc_norm divides by the option's bytes") {
  const auto normed = per_byte({-6, -6}, {"na\xC3\xAFve", "cat"});
  CHECK(normed[0] == -1);
  CHECK(normed[1] == -2);
  CHECK(best_option(normed).index == 0);
}
