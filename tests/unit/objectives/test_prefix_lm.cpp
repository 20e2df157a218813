// Examples of prefix language modelling: where texts are split, what is read and written, and which models it fits.
#include <set>

#include "catch.h"
#include "prefix_lm.h"
#include "support.h"

using namespace objective_test;
using prefix_lm::PrefixLm;
using prefix_lm::PrefixLmParams;

TEST_CASE("decoder-only: the ids are the piece, the prefix has no loss, and no target is lost at the cut") {
  const Bytes tokenizer(0);
  const PrefixLm objective({}, {&tokenizer, false, true});
  const auto text = letters(12);
  Rng rng(1);
  const Example example = objective.example(middle(text, 'z'), rng);
  CHECK(example.ids == Ids(text.begin(), text.end()));
  CHECK(example.labels.back() == 'z');
  REQUIRE(example.prefix >= 1);
  for (std::int64_t t = 0; t < 12; ++t) {
    const auto at = static_cast<std::size_t>(t);
    // The prefix's last position predicts the first token behind it.
    if (t < example.prefix - 1) CHECK(example.labels[at] == kIgnoreLabel);
    if (t >= example.prefix - 1 && t < 11) CHECK(example.labels[at] == text[at + 1]);
  }
}

TEST_CASE("a document's end is learnt as EOS, in both forms") {
  const Bytes tokenizer(0);
  Rng rng(1);
  const auto text = document("abcdef");
  const Example one = PrefixLm({}, {&tokenizer, false, true}).example(whole(text), rng);
  CHECK(one.ids.front() == Bytes::kBos);
  CHECK(one.labels.back() == Bytes::kEos);
  CHECK(one.ids.size() == text.size() - 1);
  const Example two = PrefixLm({}, {&tokenizer, true, false}).example(whole(text), rng);
  CHECK(two.labels.back() == Bytes::kEos);
  CHECK(two.source.back() == Bytes::kEos);
  CHECK(std::count(two.source.begin(), two.source.end(), Bytes::kBos) == 0);
  Ids joined(two.source.begin(), two.source.end() - 1);
  joined.insert(joined.end(), two.labels.begin(), two.labels.end());
  CHECK(joined == Ids(text.begin() + 1, text.end()));
}

TEST_CASE("encoder-decoder: prefix to the encoder, rest to the decoder, within the context") {
  const Bytes tokenizer(0);
  const PrefixLm objective({}, {&tokenizer, true, false});
  Rng rng(9);
  const std::int64_t context = 20;
  CHECK(objective.piece_length(context) == context);
  const auto text = letters(context);
  for (int draw = 0; draw < 200; ++draw) {
    const Example example = objective.example(middle(text, 'z'), rng);
    REQUIRE(static_cast<std::int64_t>(example.ids.size()) <= context);
    REQUIRE(static_cast<std::int64_t>(example.source.size()) <= context);
    CHECK(example.ids.front() == Bytes::kPad);
    CHECK(example.labels.back() == 'z');
    CHECK(example.prefix == 0);
  }
}

TEST_CASE("split points are uniform over the range that the parameters give") {
  const Bytes tokenizer(0);
  PrefixLmParams params;
  params.min_prefix = 0.25;
  params.max_prefix = 0.5;
  const PrefixLm objective(params, {&tokenizer, false, true});
  const auto text = letters(40);
  Rng rng(2);
  std::vector<int> seen(41);
  for (int draw = 0; draw < 11'000; ++draw) ++seen[static_cast<std::size_t>(objective.example(middle(text), rng).prefix)];
  for (std::size_t k = 0; k <= 40; ++k) {
    CAPTURE(k);
    if (k < 10 || k > 20) CHECK(seen[k] == 0);
    if (k >= 10 && k <= 20) CHECK(std::abs(seen[k] - 1000) < 160);  // five standard deviations
  }
}

TEST_CASE("the whole range leaves a token on each side") {
  const Bytes tokenizer(0);
  const PrefixLm objective({}, {&tokenizer, false, true});
  Rng rng(2);
  std::set<std::int64_t> seen;
  for (int draw = 0; draw < 300; ++draw) seen.insert(objective.example(middle(letters(5)), rng).prefix);
  CHECK(seen == std::set<std::int64_t>{1, 2, 3, 4});
  CHECK(targets(objective.example(middle(letters(1)), rng)).empty());
}

TEST_CASE("a causal model is refused with the key that mends it") {
  const Bytes tokenizer(0);
  CHECK_THROWS_AS(PrefixLm({}, {&tokenizer, false, false}), ConfigError);
  CHECK_THROWS_WITH(PrefixLm({}, {&tokenizer, false, false}), ContainsSubstring("set prefix_attention: true in the model"));
}
