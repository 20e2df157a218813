// Fill in the middle: the three parts, their order, characters cut anywhere, and what is trained on.
#include "catch.h"
#include "fill_in_middle.h"
#include "support.h"

using namespace objective_test;
using fill_in_middle::FillInMiddle;
using fill_in_middle::FillInMiddleParams;

namespace {

struct Marks {
  std::int64_t prefix, suffix, middle;
};

Marks sentinel_marks(const Bytes& tokenizer) {
  const auto ids = tokenizer.sentinel_ids();
  return {ids[0], ids[1], ids[2]};
}

FillInMiddleParams always(double spm, const std::string& split = "token") {
  FillInMiddleParams params;
  params.fim_rate = 1;
  params.spm_rate = spm;
  params.split = split;
  return params;
}

/// All tokens of an example: its ids and the last label.
Ids sequence(const Example& example) {
  Ids all = example.ids;
  all.push_back(example.labels.back());
  return all;
}

std::size_t find(const Ids& ids, std::int64_t id) {
  REQUIRE(std::count(ids.begin(), ids.end(), id) == 1);
  return static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
}

Ids part(const Ids& ids, std::size_t begin, std::size_t end) {
  return Ids(ids.begin() + static_cast<std::ptrdiff_t>(begin), ids.begin() + static_cast<std::ptrdiff_t>(end));
}

Ids joined(Ids a, const Ids& b, const Ids& c = {}) {
  a.insert(a.end(), b.begin(), b.end());
  a.insert(a.end(), c.begin(), c.end());
  return a;
}

}  // namespace

TEST_CASE("PSM is prefix, suffix, middle and EOS, and the parts are the text") {
  const Bytes tokenizer(3);
  const Marks marks = sentinel_marks(tokenizer);
  const FillInMiddle objective(always(0), {&tokenizer, false, false});
  const auto text = document("the quick brown fox");
  Rng rng(1);
  for (int draw = 0; draw < 100; ++draw) {
    const Example example = objective.example(whole(text), rng);
    const Ids all = sequence(example);
    const auto s = find(all, marks.suffix), m = find(all, marks.middle);
    REQUIRE(all[0] == Bytes::kBos);
    REQUIRE(all[1] == marks.prefix);
    REQUIRE(s < m);
    REQUIRE(all.back() == Bytes::kEos);
    CHECK(joined(part(all, 2, s), part(all, m + 1, all.size() - 1), part(all, s + 1, m)) ==
          Ids(text.begin() + 1, text.end() - 1));
    CHECK(labels_follow(example));
    CHECK(example.labels.front() == kIgnoreLabel);
    CHECK(targets(example).size() == example.ids.size() - 1);
    CHECK(example.prefix == 0);
  }
}

TEST_CASE("SPM is suffix, then prefix and middle in one go") {
  const Bytes tokenizer(3);
  const Marks marks = sentinel_marks(tokenizer);
  const FillInMiddle objective(always(1), {&tokenizer, false, false});
  const auto text = letters(30);
  Rng rng(1);
  for (int draw = 0; draw < 100; ++draw) {
    const Ids all = sequence(objective.example(middle(text), rng));
    const auto m = find(all, marks.middle);
    REQUIRE(all[0] == marks.prefix);
    REQUIRE(all[1] == marks.suffix);
    CHECK(joined(part(all, m + 1, all.size() - 1), part(all, 2, m)) == Ids(text.begin(), text.end()));
  }
}

TEST_CASE("rates are what they say") {
  const Bytes tokenizer(3);
  FillInMiddleParams params;
  params.fim_rate = 0.4;
  params.spm_rate = 0.25;
  const FillInMiddle objective(params, {&tokenizer, false, false});
  const Marks marks = sentinel_marks(tokenizer);
  const auto text = letters(30);
  Rng rng(1);
  int fim = 0, spm = 0;
  for (int draw = 0; draw < 10'000; ++draw) {
    const Example example = objective.example(middle(text), rng);
    if (example.ids.front() != marks.prefix) {
      REQUIRE(example.ids == Ids(text.begin(), text.end()));
      REQUIRE(example.labels.back() == 'z');
      continue;
    }
    ++fim;
    spm += example.ids[1] == marks.suffix;
  }
  CHECK(std::abs(fim - 4000) < 250);
  // 1000 of SPM, and of the 3000 of PSM those with an empty prefix: the lower of two places of 31 is the first, 61 in 961.
  CHECK(std::abs(spm - 1190) < 180);
}

TEST_CASE("loss on the middle only marks all before it as prefix") {
  const Bytes tokenizer(3);
  const Marks marks = sentinel_marks(tokenizer);
  for (const double spm : {0.0, 1.0}) {
    FillInMiddleParams params = always(spm);
    params.loss = "middle";
    const FillInMiddle objective(params, {&tokenizer, false, false});
    Rng rng(4);
    const auto text = letters(25);
    for (int draw = 0; draw < 50; ++draw) {
      const Example example = objective.example(middle(text), rng);
      const Ids all = sequence(example);
      const Ids wanted = targets(example);
      CHECK(wanted.back() == Bytes::kEos);
      CHECK(wanted == part(all, static_cast<std::size_t>(example.prefix), all.size()));
      if (spm == 0) CHECK(all[static_cast<std::size_t>(example.prefix) - 1] == marks.middle);
    }
  }
}

TEST_CASE("cuts fall between characters, never inside one, and also inside tokens") {
  const Bytes tokenizer(3);
  const Marks marks = sentinel_marks(tokenizer);
  const FillInMiddle objective(always(0, "character"), {&tokenizer, false, false});
  const auto text = document(
      "\xC3\xA4\xC3\xB6\xC3\xBC"
      "abc");  // two bytes a letter, one token a byte
  Rng rng(1);
  for (int draw = 0; draw < 200; ++draw) {
    const Ids all = sequence(objective.example(whole(text), rng));
    const auto s = find(all, marks.suffix), m = find(all, marks.middle);
    for (const std::size_t start : {std::size_t{2}, s + 1, m + 1}) CHECK((all[start] & 0xC0) != 0x80);
    CHECK(joined(part(all, 2, s), part(all, m + 1, all.size() - 1), part(all, s + 1, m)) ==
          Ids(text.begin() + 1, text.end() - 1));
  }
}

TEST_CASE("a text with half a character is cut between tokens, and keeps its tokens") {
  const Bytes tokenizer(3);
  const Marks marks = sentinel_marks(tokenizer);
  const FillInMiddle objective(always(0, "character"), {&tokenizer, false, false});
  std::vector<std::int32_t> text = letters(10);
  text.insert(text.begin(), 0xA4);
  Rng rng(1);
  for (int draw = 0; draw < 50; ++draw) {
    const Ids all = sequence(objective.example(middle(text), rng));
    const auto s = find(all, marks.suffix), m = find(all, marks.middle);
    CHECK(joined(part(all, 1, s), part(all, m + 1, all.size() - 1), part(all, s + 1, m)) == Ids(text.begin(), text.end()));
  }
}

TEST_CASE("texts fit the context at any size") {
  const Bytes tokenizer(3);
  Rng rng(7);
  for (const std::string split : {"token", "character"}) {
    const FillInMiddle objective(always(0.5, split), {&tokenizer, false, false});
    for (const std::int64_t context : {8, 9, 16, 40, 256}) {
      auto text = letters(objective.piece_length(context));
      for (int draw = 0; draw < 50; ++draw) {
        REQUIRE(static_cast<std::int64_t>(objective.example(middle(text), rng).ids.size()) <= context);
      }
      text.front() = Bytes::kBos;
      REQUIRE(static_cast<std::int64_t>(objective.example({text, 'z', true, false}, rng).ids.size()) <= context);
    }
  }
}

TEST_CASE("marks are the named tokens, the vocabulary's own, or the first sentinels") {
  const Bytes named(3, {"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<A>", "<B>", "<C>"});
  Rng rng(1);
  const auto text = letters(20);
  const auto first = [&](const FillInMiddleParams& params, const Bytes& tokenizer) {
    const auto id = FillInMiddle(params, {&tokenizer, false, false}).example(middle(text), rng).ids.front();
    return tokenizer.piece(static_cast<std::int32_t>(id));
  };
  CHECK(first(always(0), named) == "<|fim_prefix|>");
  FillInMiddleParams params = always(0);
  params.prefix_token = "<A>";
  params.suffix_token = "<B>";
  params.middle_token = "<C>";
  CHECK(first(params, named) == "<A>");
  params.middle_token = "<D>";
  CHECK_THROWS_WITH(first(params, named), ContainsSubstring("the vocabulary has no token '<D>'"));
  const Bytes none(2);
  CHECK_THROWS_WITH(first(always(0), none), ContainsSubstring("set tokenizer.sentinels to at least 3"));
  CHECK_THROWS_AS(FillInMiddle(always(0), {&named, true, false}), ConfigError);
}

TEST_CASE("a document of BOS and EOS alone has no label") {
  const Bytes tokenizer(3);
  Rng rng(1);
  const FillInMiddle objective(always(0), {&tokenizer, false, false});
  CHECK(targets(objective.example(whole({Bytes::kBos, Bytes::kEos}), rng)).empty());
}
