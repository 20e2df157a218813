// Examples of span corruption for both kinds of models: what is read, what is written, that nothing is lost, and that it
// fits.
#include "catch.h"
#include "span_corruption.h"
#include "support.h"

using namespace objective_test;
using span_corruption::SpanCorruption;
using span_corruption::SpanCorruptionParams;

namespace {

Objective::Args args(const Tokenizer& tokenizer, bool encoder_decoder) { return {&tokenizer, encoder_decoder, false}; }

/// Puts the spans of `written` back into `read`; both without their end tokens.
Ids restored(const Ids& read, const Ids& written, const Bytes& tokenizer) {
  const auto sentinels = tokenizer.sentinel_ids();
  const auto is_sentinel = [&](std::int64_t id) { return id > sentinels.back() - 1 && id <= sentinels.front(); };
  Ids text;
  for (const auto id : read) {
    if (!is_sentinel(id)) {
      text.push_back(id);
      continue;
    }
    auto at = std::find(written.begin(), written.end(), id);
    REQUIRE(at != written.end());
    for (++at; at != written.end() && !is_sentinel(*at); ++at) text.push_back(*at);
  }
  return text;
}

}  // namespace

TEST_CASE("P-T5-03 a piece of an encoder-decoder fills its context: 568 tokens for 512, 114 targets") {
  const Bytes tokenizer(100);
  const SpanCorruption objective({}, args(tokenizer, true));
  REQUIRE(objective.piece_length(512) == 568);
  const auto text = letters(568);
  Rng rng(1);
  const Example example = objective.example(middle(text), rng);
  CHECK(example.source.size() == 512);
  CHECK(example.labels.size() == 114);
  CHECK(example.source.back() == Bytes::kEos);
  CHECK(example.labels.back() == Bytes::kEos);
}

TEST_CASE("P-T5-08 the decoder starts with padding and its labels are the targets, shifted once") {
  const Bytes tokenizer(100);
  const SpanCorruption objective({}, args(tokenizer, true));
  Rng rng(5);
  const Example example = objective.example(middle(letters(100)), rng);
  REQUIRE(example.ids.size() == example.labels.size());
  CHECK(example.ids.front() == Bytes::kPad);
  CHECK(Ids(example.ids.begin() + 1, example.ids.end()) == Ids(example.labels.begin(), example.labels.end() - 1));
  CHECK(example.labels.front() == tokenizer.sentinel_ids()[0]);
  CHECK(example.prefix == 0);
}

TEST_CASE("the two sides together are the text, for any length and noise") {
  const Bytes tokenizer(100);
  Rng rng(8);
  for (const double density : {0.15, 0.5, 0.8}) {
    for (const std::int64_t length : {2, 3, 10, 31, 100}) {
      const auto text = letters(length);
      const Ids wanted(text.begin(), text.end());
      const SpanCorruption seq({density, 3}, args(tokenizer, true)), one({density, 3}, args(tokenizer, false));
      const Example pair = seq.example(middle(text), rng);
      CHECK(restored({pair.source.begin(), pair.source.end() - 1}, {pair.labels.begin(), pair.labels.end() - 1},
                     tokenizer) == wanted);
      const Example joined = one.example(middle(text), rng);
      const Ids read(joined.ids.begin(), joined.ids.begin() + joined.prefix), written = targets(joined);
      CHECK(read.back() == Bytes::kEos);
      CHECK(written.back() == Bytes::kEos);
      CHECK(restored({read.begin(), read.end() - 1}, {written.begin(), written.end() - 1}, tokenizer) == wanted);
    }
  }
}

TEST_CASE("a decoder-only model reads the corrupted text as its prefix, with the loss on what was removed only") {
  const Bytes tokenizer(100);
  const SpanCorruption objective({}, args(tokenizer, false));
  const auto text = document("some words of a document that is long enough");
  Rng rng(2);
  const Example example = objective.example(whole(text), rng);
  CHECK(example.source.empty());
  REQUIRE(example.prefix > 1);
  const auto prefix = static_cast<std::size_t>(example.prefix);
  CHECK(example.ids.front() == Bytes::kBos);
  CHECK(example.ids[prefix - 1] == Bytes::kEos);
  for (std::size_t t = 0; t + 1 < prefix; ++t) CHECK(example.labels[t] == kIgnoreLabel);
  for (std::size_t t = prefix - 1; t < example.labels.size(); ++t) CHECK(example.labels[t] != kIgnoreLabel);
  CHECK(labels_follow(example));
}

TEST_CASE("P-T5-09 an encoder reads no BOS and one EOS") {
  const Bytes tokenizer(100);
  const SpanCorruption objective({}, args(tokenizer, true));
  Rng rng(2);
  const Example example = objective.example(whole(document("some words")), rng);
  CHECK(std::count(example.source.begin(), example.source.end(), Bytes::kBos) == 0);
  CHECK(std::count(example.source.begin(), example.source.end(), Bytes::kEos) == 1);
  CHECK(std::count(example.labels.begin(), example.labels.end(), Bytes::kEos) == 1);
}

TEST_CASE("pieces fit the context of both kinds of models, at any context and noise") {
  const Bytes tokenizer(1000);
  Rng rng(4);
  for (const bool encoder_decoder : {true, false}) {
    for (const std::int64_t context : {8, 9, 10, 16, 33, 128, 256}) {
      for (const SpanCorruptionParams& params :
           {SpanCorruptionParams{0.15, 3}, SpanCorruptionParams{0.5, 3}, SpanCorruptionParams{0.9, 1}}) {
        const SpanCorruption objective(params, args(tokenizer, encoder_decoder));
        const std::int64_t length = objective.piece_length(context);
        REQUIRE(length >= 1);
        for (std::int64_t shorter = 0; shorter < std::min<std::int64_t>(length, 6); ++shorter) {
          const auto text = letters(length - shorter);
          for (const Piece& piece : {middle(text), Piece{text, -1, true, true}}) {
            const Example example = objective.example(piece, rng);
            REQUIRE(static_cast<std::int64_t>(example.ids.size()) <= context);
            REQUIRE(static_cast<std::int64_t>(example.source.size()) <= context);
          }
        }
        // A document's beginning, with BOS as its first token.
        auto text = letters(length);
        text.front() = Bytes::kBos;
        REQUIRE(static_cast<std::int64_t>(objective.example({text, 'z', true, false}, rng).ids.size()) <= context);
      }
    }
  }
}

TEST_CASE("too few sentinels are refused with how many the context needs") {
  const Bytes none(0), few(20), enough(28);
  CHECK_THROWS_WITH(SpanCorruption({}, args(none, true)),
                    ContainsSubstring("needs 1 sentinels, but the tokenizer has 0; set tokenizer.sentinels to at least 1"));
  const SpanCorruption objective({}, args(few, true));
  CHECK_THROWS_WITH(objective.piece_length(512),
                    ContainsSubstring("at a context of 512 needs 28 sentinels, but the tokenizer has 20; set "
                                      "tokenizer.sentinels to at least 28, or lower context"));
  CHECK_THROWS_AS(objective.piece_length(512), ConfigError);
  CHECK(objective.piece_length(128) == 141);
  CHECK(SpanCorruption({}, args(enough, true)).piece_length(512) == 568);
}

TEST_CASE("a piece of one token has nothing to remove and no label") {
  const Bytes tokenizer(10);
  Rng rng(1);
  for (const bool encoder_decoder : {true, false}) {
    const SpanCorruption objective({}, args(tokenizer, encoder_decoder));
    CHECK(targets(objective.example(middle(letters(1)), rng)).empty());
    CHECK(targets(objective.example(whole({Bytes::kBos, Bytes::kEos}), rng)).empty());
  }
}
