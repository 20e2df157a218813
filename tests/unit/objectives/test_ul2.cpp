// The mixture: rates, denoisers, mode tokens, and that every kind of text fits.
#include <map>

#include "catch.h"
#include "support.h"
#include "ul2.h"

using namespace objective_test;
using ul2::parse_denoiser;
using ul2::Ul2;
using ul2::Ul2Params;

namespace {

const std::vector<std::string> kModes = {"[NLU]", "[S2S]", "[NLG]"};

Ul2Params with_pieces() {
  Ul2Params params;
  params.mode_tokens = "pieces";
  return params;
}

}  // namespace

TEST_CASE("mode tokens come by rate, in front of what is read") {
  const Bytes tokenizer(200, kModes);
  const Ul2 objective(with_pieces(), {&tokenizer, true, false});
  const auto text = letters(objective.piece_length(64));
  Rng rng(3);
  std::map<std::string, int> seen;
  constexpr int kDraws = 7000;
  for (int draw = 0; draw < kDraws; ++draw) {
    const Example example = objective.example(middle(text), rng);
    ++seen[tokenizer.piece(static_cast<std::int32_t>(example.source.front()))];
  }
  // 2 : 1 : 4; five standard deviations are below 210.
  CHECK(std::abs(seen["[NLU]"] - 2000) < 210);
  CHECK(std::abs(seen["[S2S]"] - 1000) < 210);
  CHECK(std::abs(seen["[NLG]"] - 4000) < 210);
  CHECK(seen.size() == 3);
}

TEST_CASE("each kind removes what it says") {
  const Bytes tokenizer(200, kModes);
  Rng rng(5);
  const auto share = [&](Ul2Params params) {
    params.mode_tokens = "pieces";
    const Ul2 objective(params, {&tokenizer, true, false});
    const auto text = letters(200);
    double removed = 0, spans = 0;
    const auto sentinels = tokenizer.sentinel_ids();
    for (int draw = 0; draw < 400; ++draw) {
      const Example example = objective.example(middle(text), rng);
      for (const auto label : example.labels) {
        removed += label < 256;
        spans += label <= sentinels.front() && label >= sentinels.back();
      }
    }
    return std::pair{removed / 400, spans / 400};
  };
  Ul2Params r, x, s;
  r.s_rate = r.x_rate = x.r_rate = x.s_rate = s.r_rate = s.x_rate = 0;
  // R: 30 of 200 tokens, in 10 spans (mean 3) or 4 (mean 8, 3.75).
  CHECK(share(r).first == Approx(30));
  CHECK(share(r).second == Approx(7).margin(0.6));
  // X: half of them at 3 and 8 and 64, and 30 at 64: 100, 100, 30, 100 in 33, 12, 1, 2 spans.
  CHECK(share(x).first == Approx(82.5).margin(6));
  CHECK(share(x).second == Approx(12).margin(2.5));
  // S: from 1 to 100 tokens of the end and the token behind the piece, no sentinel.
  CHECK(share(s).first == Approx(51.5).margin(6));
  CHECK(share(s).second == 0);
}

TEST_CASE("the sequential denoiser removes the end") {
  const Bytes tokenizer(0);
  Ul2Params params;
  params.r_rate = params.x_rate = 0;
  const Ul2 objective(params, {&tokenizer, false, false});
  const auto text = document("a document that goes on for a while");
  Rng rng(1);
  const Example example = objective.example(whole(text), rng);
  CHECK(example.ids == Ids(text.begin(), text.end() - 1));
  CHECK(example.labels.back() == Bytes::kEos);
  CHECK(example.prefix >= static_cast<std::int64_t>(text.size()) / 2 - 1);
  CHECK(labels_follow(example));
}

TEST_CASE("all kinds fit the context, with mode tokens and without, for both kinds of models") {
  const Bytes tokenizer(600, kModes);
  Rng rng(6);
  for (const bool encoder_decoder : {true, false}) {
    for (const std::string mode : {"none", "sentinels", "pieces"}) {
      Ul2Params params;
      params.mode_tokens = mode;
      const Ul2 objective(params, {&tokenizer, encoder_decoder, false});
      for (const std::int64_t context : {16, 64, 256}) {
        const std::int64_t length = objective.piece_length(context);
        for (int draw = 0; draw < 200; ++draw) {
          auto text = letters(length - draw % 3);
          const bool begins = draw % 2 == 0, ends = draw % 5 == 0;
          if (begins) text.front() = Bytes::kBos;
          if (ends) text.back() = Bytes::kEos;
          const Example example = objective.example({text, ends ? -1 : 'z', begins, ends}, rng);
          REQUIRE(static_cast<std::int64_t>(example.ids.size()) <= context);
          REQUIRE(static_cast<std::int64_t>(example.source.size()) <= context);
          REQUIRE(example.source.empty() == !encoder_decoder);
          REQUIRE_FALSE(targets(example).empty());
        }
      }
    }
  }
}

TEST_CASE("mode sentinels are the last three, and no span uses them") {
  const Bytes tokenizer(60);
  Ul2Params params;
  params.mode_tokens = "sentinels";
  const Ul2 objective(params, {&tokenizer, true, false});
  const auto sentinels = tokenizer.sentinel_ids();
  Rng rng(6);
  const auto text = letters(objective.piece_length(64));
  for (int draw = 0; draw < 200; ++draw) {
    const Example example = objective.example(middle(text), rng);
    CHECK(example.source.front() <= sentinels[57]);
    CHECK(example.source.front() >= sentinels[59]);
    for (const auto label : example.labels) CHECK_FALSE((label <= sentinels[57] && label >= sentinels[59]));
  }
}

TEST_CASE("what cannot work is refused with the key that mends it") {
  const Bytes none(0), few(20);
  CHECK_THROWS_WITH(Ul2({}, {&none, true, false}), ContainsSubstring("set tokenizer.sentinels to at least 1"));
  CHECK_THROWS_WITH(Ul2({}, {&few, true, false}).piece_length(256),
                    ContainsSubstring("at a context of 256 needs 43 sentinels"));
  CHECK_THROWS_WITH(Ul2(with_pieces(), {&few, true, false}), ContainsSubstring("the vocabulary has no token '[NLU]'"));
  for (const char* text : {"3", "3:", "0:0.5", "3:0.95", "3:0.5x", "x:0.5", "3;0.5", "", "nan:0.5"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_denoiser(text), ConfigError);
  }
  CHECK(parse_denoiser("64:0.5").mean_span == 64);
  CHECK(parse_denoiser("64:0.5").density == 0.5);
}
