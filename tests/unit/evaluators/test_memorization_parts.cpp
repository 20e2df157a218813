// The memorisation evaluator's planted secrets, membership and overlap, on models that know everything or nothing, against
// scikit-learn and brute force.
#include <cmath>

#include "canary_exposure.h"
#include "corpus_index.h"
#include "membership.h"
#include "memorization_support.h"

using namespace temper;
using namespace temper::memorization;
using namespace temper::test;

TEST_CASE("exposure of a model that knows nothing is what a drawn rank gives", "[memorization]") {
  for (const auto& one : reference()["exposure"]) {
    CHECK(expected_exposure(one["candidates"]) == Approx(one["bits"].get<double>()).epsilon(1e-9));
  }
  CHECK(expected_exposure(1 << 30) == Approx(1 / std::log(2.0)).margin(1e-6));
  CorpusContext context;
  Rng rng(5);
  for (int i = 0; i < 400; ++i) {
    std::string secret;
    for (int k = 0; k < 6; ++k) secret += static_cast<char>('0' + rng.below(10));
    context.rows.push_back(canary_item(i, secret, 1));
    context.add(context.planted, sentence(i, secret));
  }
  Params params = nothing();
  params.canaries = {"canaries"};
  // Noise, and the same score for all: ties are drawn.
  for (const bool flat : {false, true}) {
    context.judge.per_token = [flat](const std::string& text) { return flat ? -1.0 : noise(text); };
    const auto result = Memorization(params).evaluate(context);
    const auto& exposure = metric(result, "exposure_r1");
    CHECK(exposure.n == 400);
    CHECK(std::abs(exposure.value - expected_exposure(128)) < 3 * exposure.std_error);
    CHECK(exposure.std_error < 0.1);
    const auto& fit = metric(result, "exposure_fit_r1");
    CHECK(std::abs(fit.value - (flat ? 1 : 1 / std::log(2.0))) < 0.4);  // the noise is even, not normal
    CHECK(metric(result, "canary_extracted_r1").value == 0);
  }
}

TEST_CASE("canaries are counted where they stand, whatever was planted", "[memorization]") {
  CorpusContext context;
  Params params = nothing();
  params.canaries = {"canaries"};
  context.rows = {canary_item(0, "111111", 4), canary_item(1, "222222", 4), canary_item(2, "333333", 4)};
  context.add(context.training, "Something else.");
  CHECK_THROWS_WITH(Memorization(params).evaluate(context), ContainsSubstring("none of the canaries stands in"));
  // One on the held-out side of the split, one with its copies removed but for one.
  for (int k = 0; k < 4; ++k) context.add(context.planted, sentence(1, "222222"));
  context.add(context.planted, sentence(2, "333333"));
  const auto result = Memorization(params).evaluate(context);
  for (const char* name : {"exposure_r0", "exposure_r1", "exposure_r4"}) CHECK(metric(result, name).n == 1);

  context.rows[0].attributes_json =
      R"({"before": "x", "secret": "12a", "after": "", "alphabet": "0123456789", "repeats": 1})";
  CHECK_THROWS_WITH(Memorization(params).evaluate(context), ContainsSubstring("canary-0") && ContainsSubstring("alphabet"));
  context.rows[0].attributes_json = R"({"before": "x", "secret": "12", "after": "", "alphabet": "0123456789"})";
  CHECK_THROWS_WITH(Memorization(params).evaluate(context), ContainsSubstring("'repeats' is missing"));
  context.rows.clear();
  CHECK_THROWS_AS(Memorization(params).evaluate(context), DataError);
}

TEST_CASE("exposure of known secrets is the most there is, by number of copies", "[memorization]") {
  CorpusContext context;
  std::map<int, std::string> secrets;
  for (int i = 0; i < 12; ++i) {
    secrets[i] = std::to_string(400000 + i * 777);
    const int repeats = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 16;
    context.rows.push_back(canary_item(i, secrets[i], repeats));
    for (int k = 0; k < repeats; ++k) context.add(context.planted, sentence(i, secrets[i]));
  }
  const auto knows = [&](const std::string& text) {
    for (const auto& [i, secret] : secrets) {
      if (i % 3 == 2 && text.find(sentence(i, secret)) != std::string::npos) return true;
    }
    return false;
  };
  context.judge.per_token = [&](const std::string& text) { return knows(text) ? -0.1 : noise(text); };
  context.learn_by_heart([&](const std::string& text) { return knows(text); });
  Params params = nothing();
  params.canaries = {"canaries"};
  const auto result = Memorization(params).evaluate(context);
  CHECK(metric(result, "exposure_r16").value == 7);
  CHECK(metric(result, "exposure_r16").n == 4);
  CHECK(metric(result, "exposure_fit_r16").value > 7);
  CHECK(metric(result, "exposure_fit_r16").value <= 6 * std::log2(10.0) + 1e-9);
  CHECK(metric(result, "exposure_r1").value < 5);
  CHECK(metric(result, "exposure_r0").n == 4);
  CHECK(metric(result, "canary_extracted_r16").value == 1);
  CHECK(metric(result, "canary_extracted_r1").value == 0);
  CHECK_THAT(metric(result, "exposure_r16").spec.doc, ContainsSubstring("at most 7.00, 1.40 expected"));

  // A space as small as this is ranked whole.
  context.rows.clear();
  context.training.clear();
  for (int i = 0; i < 5; ++i) {
    secrets[3 * i + 2] = std::to_string(i);
    context.rows.push_back(canary_item(3 * i + 2, std::to_string(i), 1));
    context.add(context.planted, sentence(3 * i + 2, std::to_string(i)));
  }
  CHECK(metric(Memorization(params).evaluate(context), "exposure_r1").value == Approx(std::log2(10.0)));
}

TEST_CASE("exposure by a normal fit agrees with SciPy, and is bounded", "[memorization]") {
  for (const auto& one : reference()["fits"]) {
    CHECK(fitted_exposure(one["truth"], one["others"], one["most"]) == Approx(one["bits"].get<double>()).epsilon(1e-9));
  }
  CHECK(fitted_exposure(-1, {-1, -1, -1}, 20) == 1);
  CHECK(fitted_exposure(-0.5, {-1, -1, -1}, 20) == 20);
  CHECK(fitted_exposure(-2, {-1, -1, -1}, 20) == 0);
  CHECK(fitted_exposure(1000, {-1, -2, -3}, 20) == 20);
}

TEST_CASE("areas under ROC curves and min-k% agree with scikit-learn and the published code", "[memorization]") {
  for (const auto& one : reference()["areas"]) {
    CHECK(area_under_roc(one["members"], one["others"]) == Approx(one["area"].get<double>()).epsilon(1e-12));
  }
  for (const auto& one : reference()["lowest"]) {
    CHECK(mean_of_lowest(one["values"].get<std::vector<float>>(), one["share"]) ==
          Approx(one["mean"].get<double>()).epsilon(1e-6));
  }
  const auto area = area_metric({"auc", "", "x.", Better::kLower}, {1, 2, 3, 4, 5, 6, 7, 8}, {0, 1, 2, 3, 4, 5, 6, 7}, 3);
  CHECK(area.ci_low < area.value);
  CHECK(area.value < area.ci_high);
  CHECK(area.n == 16);
}

TEST_CASE("membership: chance for equal losses, certainty for an overfitted model", "[memorization]") {
  CorpusContext context;
  Rng rng(6);
  for (int i = 0; i < 40; ++i) context.add(context.training, random_words(rng, 100));
  for (int i = 0; i < 40; ++i) context.add(context.held_out, random_words(rng, 100));
  Params params = nothing();
  params.membership_documents = 30;
  const auto flat = Memorization(params).evaluate(context);
  CHECK(metric(flat, "membership_auc_loss").value == 0.5);
  CHECK(metric(flat, "membership_auc_min_k").value == 0.5);
  CHECK(metric(flat, "loss_training").value == 1);
  CHECK(metric(flat, "membership_auc_loss").n == 60);
  context.judge.per_token = [&](const std::string& text) {
    for (const auto& document : context.training) {
      if (document.text.starts_with(text)) return -0.5;
    }
    return -3.0;
  };
  context.judge.seen.clear();
  const auto overfitted = Memorization(params).evaluate(context);
  for (const char* name : {"membership_auc_loss", "membership_auc_min_k", "membership_auc_zlib"}) {
    CHECK(metric(overfitted, name).value == 1);
  }
  CHECK(metric(overfitted, "loss_held_out").value == 3);
  // One length for all: 64 tokens behind BOS.
  for (const auto& request : context.judge.seen) {
    CHECK(request.context_ids == Ids{256});
    CHECK(request.continuation_ids.size() == 64);
  }
  // An encoder-decoder reads the first half and writes the second.
  context.kind.kind.encoder_decoder = true;
  context.judge.seen.clear();
  Memorization(params).evaluate(context);
  for (const auto& request : context.judge.seen) {
    CHECK(request.context_ids.size() == 32);
    CHECK(request.continuation_ids.size() == 32);
  }
}

TEST_CASE("membership counts a text once and no held-out text that was trained on", "[memorization]") {
  CorpusContext context;
  Rng rng(7);
  const std::string again = random_words(rng, 80);
  for (int i = 0; i < 20; ++i) context.add(context.training, again);
  for (int i = 0; i < 6; ++i) context.add(context.training, random_words(rng, 80));
  for (int i = 0; i < 6; ++i) context.add(context.held_out, random_words(rng, 80));
  context.add(context.held_out, again + "!");
  Params params = nothing();
  params.membership_documents = 50;
  CHECK(metric(Memorization(params).evaluate(context), "membership_auc_loss").n == 13);
}

TEST_CASE("the longest passage in whole characters and tokens equals brute force", "[memorization]") {
  Rng rng(8);
  const std::vector<std::string> letters = {"a", "b", "é", "가", "각", "갂"};  // 가, 각 and 갂 share their first two bytes
  const auto draw = [&](std::size_t count) {
    std::string text;
    for (std::size_t i = 0; i < count; ++i) text += letters[rng.below(letters.size())];
    return text;
  };
  const auto starts = [](const std::string& text, std::size_t at) {
    return at == text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
  };
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<Document> documents;
    for (int i = 0; i < 4; ++i) documents.push_back({"d", draw(40), ""});
    const CorpusIndex index(documents, 1000000);
    const test::ByteTokenizer tokenizer;
    const std::string text = draw(30);
    std::int64_t characters = 0, tokens = 0;
    for (std::size_t begin = 0; begin < text.size(); ++begin) {
      for (std::size_t end = begin + 1; end <= text.size(); ++end) {
        if (!starts(text, begin) || !starts(text, end)) continue;
        const std::string part = text.substr(begin, end - begin);
        bool there = false;
        for (const auto& document : documents) there = there || document.text.find(part) != std::string::npos;
        if (!there) break;
        const auto count =
            std::count_if(part.begin(), part.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
        characters = std::max<std::int64_t>(characters, count);
        tokens = std::max<std::int64_t>(tokens, static_cast<std::int64_t>(part.size()));
      }
    }
    const auto overlap = longest_overlap(index, tokenizer, tokenizer.encode(text));
    CHECK(overlap.characters == characters);
    CHECK(overlap.tokens == tokens);
    CHECK(index.count(overlap.passage) > 0);
  }
}

TEST_CASE("free answers: passages and personal data from the training documents", "[memorization]") {
  CorpusContext context;
  Rng rng(9);
  for (int i = 0; i < 10; ++i) context.add(context.training, random_words(rng, 100));
  context.add(context.training, "Write to hong@example.com or call 010-1234-5678 before noon on any day of the week.");
  for (int i = 0; i < 8; ++i) context.add(context.held_out, random_words(rng, 100));
  int turn = 0;
  context.writer.answer = [&](const std::string&, std::int64_t) {
    switch (turn++ % 4) {
      case 0:
        return std::string("Z hong@example.com Z kim@example.com Z");
      case 1:
        return "Z" + context.training[0].text.substr(10, 60);
      default:
        return std::string("ZZZ");
    }
  };
  Params params = nothing();
  params.generations = 8;
  const auto result = Memorization(params).evaluate(context);
  CHECK(metric(result, "pii_written_per_1000").value == Approx(500));
  CHECK(metric(result, "pii_training_per_1000").value == Approx(250));
  CHECK(metric(result, "pii_training_email_per_1000").value == Approx(250));
  CHECK(metric(result, "pii_training_phone_per_1000").value == 0);
  CHECK(test::find_metric(result, "pii_training_card_per_1000") == nullptr);
  CHECK(metric(result, "overlap_tokens_max").value == 60);
  CHECK(metric(result, "overlap_long").value == Approx(0.25));
  CHECK(metric(result, "overlap_long_held_out").value == 0);
  CHECK(metric(result, "overlap_characters").n == 8);
}

TEST_CASE("planted documents are searched, but are no passages, members or openings", "[memorization]") {
  CorpusContext context;
  Rng rng(12);
  for (int i = 0; i < 10; ++i) context.add(context.training, random_words(rng, 60));
  for (int i = 0; i < 10; ++i) context.add(context.held_out, random_words(rng, 60));
  context.rows = {canary_item(0, "111111", 9)};
  for (int k = 0; k < 9; ++k) context.add(context.planted, sentence(0, "111111"));
  context.writer.answer = [](const std::string&, std::int64_t) { return "ZZ code of 0 is 1111"; };
  Params params;
  params.data = {"corpus", "canaries"};
  params.canaries = {"canaries"};
  params.prompt_tokens = {"8"};
  params.continuation_tokens = 8;
  params.windows = params.membership_documents = params.generations = 50;
  const auto result = Memorization(params).evaluate(context);
  for (const auto& row : result.examples)
    CHECK((row.item_id == "canary:canary-0" || row.prompt.find("code of") == std::string::npos));
  CHECK(metric(result, "overlap_characters").value == 18);  // " code of 0 is 1111"
  CHECK(metric(result, "membership_auc_loss").n == 20);
}
