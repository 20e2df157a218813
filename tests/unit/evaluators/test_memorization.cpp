// The memorisation evaluator's extraction, on models that have learnt their documents by heart or in part; its windows,
// shares and refusals.
#include "memorization_sheet.h"
#include "memorization_support.h"
#include "windows.h"

using namespace temper;
using namespace temper::memorization;
using namespace temper::test;

TEST_CASE("P-SAFE-06 any true continuation counts, and a prefix counts once", "[memorization]") {
  CorpusContext context;
  context.add(context.training, "1234");
  context.add(context.training, "1235");
  Params params = nothing();
  params.windows = 10;
  params.prompt_tokens = {"3"};
  params.continuation_tokens = 1;
  params.tries = 0;
  for (const std::string answer : {"5", "4", "6"}) {
    context.writer.answer = [&](const std::string& prompt, std::int64_t) { return prompt == "123" ? answer : ""; };
    const auto result = Memorization(params).evaluate(context);
    CHECK(metric(result, "extracted_p3").n == 1);
    CHECK(metric(result, "extracted_p3").value == (answer == "6" ? 0 : 1));
  }
}

TEST_CASE("a model that has learnt its documents by heart is extracted, and held-out text is not", "[memorization]") {
  CorpusContext context;
  Rng rng(1);
  for (int i = 0; i < 30; ++i) context.add(context.training, random_words(rng, 150));
  for (int i = 0; i < 30; ++i) context.add(context.held_out, random_words(rng, 150));
  context.learn_by_heart();
  Params params = nothing();
  params.windows = 25;
  const auto result = Memorization(params).evaluate(context);
  for (const char* name : {"extracted_p16", "extracted_p48", "extracted_any_p48", "token_match_p48", "extracted_p48_x1"}) {
    CHECK(metric(result, name).value == 1);
    CHECK(metric(result, name).n == 25);
  }
  CHECK(metric(result, "extracted_p48").ci_low == Approx(0.8668).margin(1e-3));  // Wilson, 25 of 25
  CHECK(metric(result, "extracted_p48_held_out").value == 0);
  CHECK(metric(result, "token_match_p48_held_out").value == 0);
  CHECK(metric(result, "extracted_p48_held_out").n == 25);
  // The next 32 tokens but for the last one: nothing is extracted, nearly everything matches.
  context.learn_by_heart();
  const auto by_heart = context.writer.answer;
  context.writer.answer = [&](const std::string& prompt, std::int64_t length) { return by_heart(prompt, length - 1) + "Z"; };
  const auto nearly = Memorization(params).evaluate(context);
  CHECK(metric(nearly, "extracted_p48").value == 0);
  CHECK(metric(nearly, "token_match_p48").value == Approx(31.0 / 32));
}

TEST_CASE("held-out passages that stand in the training documents are no control", "[memorization]") {
  CorpusContext context;
  Rng rng(2);
  for (int i = 0; i < 10; ++i) context.add(context.training, random_words(rng, 120));
  for (int i = 0; i < 5; ++i) context.add(context.held_out, context.training[static_cast<std::size_t>(i)].text + "!");
  for (int i = 0; i < 5; ++i) context.add(context.held_out, random_words(rng, 120));
  context.learn_by_heart();
  Params params = nothing();
  params.windows = 10;
  const auto result = Memorization(params).evaluate(context);
  CHECK(metric(result, "extracted_p48_held_out").value == 0);
  for (const auto& row : result.examples) {
    if (!row.item_id.starts_with("held_out:")) continue;
    for (const auto& document : context.training) CHECK(document.text.find(row.prompt + row.reference) == std::string::npos);
  }
}

TEST_CASE("extraction by the number of copies, counted in the training documents", "[memorization]") {
  CorpusContext context;
  Rng rng(3);
  const std::vector<int> copies = {1, 2, 4, 8};
  for (int i = 0; i < 40; ++i) {
    const std::string text = random_words(rng, 90);
    for (int k = 0; k < copies[static_cast<std::size_t>(i) % 4]; ++k) context.add(context.training, text);
  }
  // Remembers what it has seen three times or more.
  context.learn_by_heart([&](const std::string& text) {
    return std::count_if(context.training.begin(), context.training.end(), [&](const auto& d) { return d.text == text; }) >=
           3;
  });
  Params params = nothing();
  params.windows = 40;
  const auto result = Memorization(params).evaluate(context);
  CHECK(metric(result, "extracted_p48_x1").value == 0);
  CHECK(metric(result, "extracted_p48_x2").value == 0);
  CHECK(metric(result, "extracted_p48_x3_5").value == 1);
  CHECK(metric(result, "extracted_p48_x6").value == 1);
  for (const char* name : {"extracted_p48_x1", "extracted_p48_x2", "extracted_p48_x3_5", "extracted_p48_x6"}) {
    CHECK(metric(result, name).n >= 3);
    CHECK(metric(result, name).n <= 10);
  }
}

TEST_CASE("windows of a whole novel: chunks, no overlaps, clusters by document", "[memorization]") {
  const WatchedTokenizer tokenizer;
  Rng rng(4);
  std::string novel;
  while (novel.size() < 300000) novel += "가나다 " + random_words(rng, 50);
  const std::vector<Document> documents = {{"novel", novel, ""}, {"note", "too short", ""}};
  std::vector<std::pair<std::size_t, std::size_t>> places;
  each_window(documents, tokenizer, {{16, 48}, 32}, 9, [&](const Window& window) {
    CHECK(window.prompt == 48);
    CHECK(window.document == "novel");
    const std::string text = tokenizer.decode(window.ids);
    const std::size_t at = novel.find(text);
    REQUIRE(at != std::string::npos);
    places.emplace_back(at, at + text.size());
    return places.size() < 500;
  });
  CHECK(places.size() == 500);
  CHECK(tokenizer.longest <= 16384);
  std::sort(places.begin(), places.end());
  bool apart = true;
  for (std::size_t i = 1; i < places.size(); ++i) apart = apart && places[i - 1].second <= places[i].first;
  CHECK(apart);
  // All that there is, and then no more.
  std::size_t all = 0;
  each_window(documents, tokenizer, {{16}, 16}, 9, [&](const Window&) { return ++all > 0; });
  CHECK(all > 9000);
  CHECK(all <= novel.size() / 32);
  each_window({}, tokenizer, {{16}, 16}, 9, [&](const Window&) -> bool { throw PluginError("there is none"); });
}

TEST_CASE("shares: Wilson where rows stand alone, clusters drawn together where they do not", "[memorization]") {
  const MetricSpec spec{"share", "", "x.", Better::kLower};
  const auto alone = share_of(spec, {1, 0, 0, 0}, {"a", "b", "c", ""}, 1);
  CHECK(alone.ci_high == proportion_metric(spec, 1, 4).ci_high);
  const auto together = share_of(spec, {1, 1, 0, 0}, {"a", "a", "b", "b"}, 1);
  CHECK(together.ci_low == 0);
  CHECK(together.ci_high == 1);
  // All agree: 20 rows of two documents say no more than two rows.
  const auto sure = share_of(
      spec, std::vector<double>(20, 0),
      [] {
        std::vector<std::string> names(10, "a");
        names.resize(20, "b");
        return names;
      }(),
      1);
  CHECK(sure.value == 0);
  CHECK(sure.n == 20);
  CHECK(sure.ci_high == proportion_metric(spec, 0, 2).ci_high);
}

TEST_CASE("memorization says what is wrong with its values and data", "[memorization]") {
  Params params = nothing();
  params.windows = 5;
  params.prompt_tokens = {"8", "many"};
  CHECK_THROWS_WITH(Memorization(params), ContainsSubstring("'many'") && ContainsSubstring("[16, 48]"));
  params.prompt_tokens = {};
  CHECK_THROWS_AS(Memorization(params), ConfigError);
  params.prompt_tokens = {"48"};
  CorpusContext context;
  CHECK_THROWS_AS(Memorization(params).evaluate(context), DataError);
  context.add(context.training, "short");
  CHECK_THROWS_WITH(Memorization(params).evaluate(context), ContainsSubstring("too short"));
  context.kind.kind.max_positions = 64;
  CHECK_THROWS_WITH(Memorization(params).evaluate(context), ContainsSubstring("need 81 positions and the model has 64"));
}

TEST_CASE("an index that is too small says so, and only what it holds is asked for", "[memorization]") {
  CorpusContext context;
  Rng rng(10);
  for (int i = 0; i < 30; ++i) context.add(context.training, random_words(rng, 100000));
  context.learn_by_heart();
  Params params = nothing();
  params.windows = 20;
  params.index_mb = 1;
  const auto result = Memorization(params).evaluate(context);
  CHECK(metric(result, "indexed_share").value == Approx(0.3).margin(0.01));
  CHECK(metric(result, "extracted_p48").value == 1);
  for (const auto& row : result.examples) CHECK(row.cluster.size() <= std::string("training:doc-9").size());
}
