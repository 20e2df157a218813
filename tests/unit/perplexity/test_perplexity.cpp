// The perplexity evaluator on a scorer that gives every token the same probability: totals, bytes, cuts, empty input.
#include <cmath>

#include "byte_tokenizer.h"
#include "catch.h"
#include "perplexity.h"
#include "silent_progress.h"
#include "temper/error.h"

using namespace temper;
using perplexity::Perplexity;
using perplexity::PerplexityParams;

namespace {

class FlatScorer final : public Scorer {
 public:
  double nll_per_token = std::log(2.0);
  std::vector<ScoreRequest> seen;
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    seen = requests;
    std::vector<Score> scores;
    for (const auto& request : requests) {
      Score score;
      score.log_probs.assign(request.continuation_ids.size(), static_cast<float>(-nll_per_token));
      score.sum = -nll_per_token * static_cast<double>(request.continuation_ids.size());
      scores.push_back(score);
    }
    return scores;
  }
};

/// All that the evaluator asks a model for is what kind it is.
class KindOnly final : public Architecture {
 public:
  bool encoder_decoder = false;
  ArchitectureTraits traits() const override { return {encoder_decoder, 258, 8, 0}; }
  at::Tensor hidden(const ModelInput&) override { throw PluginError("not used"); }
  at::Tensor head() override { throw PluginError("not used"); }
  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 1; }
};

class FakeContext final : public EvalContext {
 public:
  std::vector<Document> documents;
  FlatScorer flat;
  /// One id a byte, then BOS and EOS.
  test::ByteTokenizer bytes{258, {257}, 256, 256};
  KindOnly kind;
  std::uint64_t seed() const override { return 7; }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  Architecture& model() override { return kind; }
  const Tokenizer& tokenizer() const override { return bytes; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { throw PluginError("not used"); }
  Scorer& scorer() override { return flat; }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return documents; }
  std::vector<Document> training_documents(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return {}; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return {}; }
  Architecture& frozen_model(const std::string&) override { return model(); }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return false; }

 private:
  std::string template_;
  test::SilentProgress progress_;
};

double metric(const EvalResult& result, const std::string& name) {
  for (const auto& value : result.metrics) {
    if (value.spec.name == name) return value.value;
  }
  throw PluginError("no metric " + name);
}

}  // namespace

TEST_CASE("P-EVAL-05 bits per byte counts UTF-8 bytes") {
  FakeContext context;
  context.documents = {{"a", "na\u00efve", ""}};  // 5 characters, 6 bytes
  REQUIRE(context.documents[0].text.size() == 6);
  context.flat.nll_per_token = 4.158883 / 6;
  const EvalResult result = Perplexity({}).evaluate(context);
  CHECK(metric(result, "bits_per_byte") == Approx(1).epsilon(1e-6));
}

TEST_CASE("a model that gives every byte one half has perplexity 2, and items sum up to the metrics") {
  FakeContext context;
  context.documents = {{"a", "hello", ""}, {"b", "some longer text", ""}, {"empty", "", ""}};
  const EvalResult result = Perplexity({}).evaluate(context);
  CHECK(metric(result, "perplexity") == Approx(2));
  CHECK(metric(result, "bits_per_byte") == Approx(1));
  REQUIRE(result.examples.size() == 2);
  CHECK(result.score_names.size() == result.examples[0].scores.size());
  CHECK(context.flat.seen[0].context_ids == std::vector<std::int32_t>{256});
  CHECK(context.flat.seen[0].continuation_ids.size() == 5);
}

TEST_CASE("without BOS the first token is context only") {
  FakeContext context;
  context.bytes = test::ByteTokenizer(258, {257}, 256, /*bos=*/-1);
  context.documents = {{"a", "hello", ""}};
  Perplexity({}).evaluate(context);
  CHECK(context.flat.seen[0].context_ids.size() == 1);
  CHECK(context.flat.seen[0].continuation_ids.size() == 4);
}

TEST_CASE("long documents are cut at max_tokens; the shown text never ends inside a character (P-HDF5-05)") {
  FakeContext context;
  std::string text;
  for (int i = 0; i < 100; ++i) text += "\uac00";
  context.documents = {{"a", text, ""}};
  PerplexityParams params;
  params.max_tokens = 30;
  const EvalResult result = Perplexity(params).evaluate(context);
  CHECK(context.flat.seen[0].continuation_ids.size() == 30);
  CHECK(result.examples[0].scores[3] == 30);
  CHECK(result.examples[0].prompt.size() == 198);
}

TEST_CASE("no documents, or only empty ones, is an error") {
  FakeContext context;
  CHECK_THROWS_AS(Perplexity({}).evaluate(context), DataError);
  context.documents = {{"a", "", ""}};
  CHECK_THROWS_AS(Perplexity({}).evaluate(context), DataError);
}

TEST_CASE("an encoder-decoder writes every token once, window by window, with the window before as source") {
  FakeContext context;
  context.kind.encoder_decoder = true;
  context.documents = {{"a", "abcdefgh", ""}, {"b", "xy", ""}, {"empty", "", ""}};
  PerplexityParams params;
  params.window = 3;
  const EvalResult result = Perplexity(params).evaluate(context);
  const auto ids = [](const std::string& text) { return std::vector<std::int32_t>(text.begin(), text.end()); };
  REQUIRE(context.flat.seen.size() == 4);
  CHECK(context.flat.seen[0].context_ids.empty());
  CHECK(context.flat.seen[0].continuation_ids == ids("abc"));
  CHECK(context.flat.seen[1].context_ids == ids("abc"));
  CHECK(context.flat.seen[1].continuation_ids == ids("def"));
  CHECK(context.flat.seen[2].context_ids == ids("def"));
  CHECK(context.flat.seen[2].continuation_ids == ids("gh"));
  CHECK(context.flat.seen[3].context_ids.empty());
  REQUIRE(result.examples.size() == 2);
  CHECK(result.examples[0].scores[1] == 8);
  CHECK(result.examples[0].scores[3] == 8);
  CHECK(metric(result, "perplexity") == Approx(2));
  CHECK(metric(result, "bits_per_byte") == Approx(1));
  CHECK_THAT(result.metrics[0].spec.doc, ContainsSubstring("not the measure of a causal model"));
}

TEST_CASE("windows of a cut document count the bytes of what they hold") {
  FakeContext context;
  context.kind.encoder_decoder = true;
  context.documents = {{"a", "abcdefgh", ""}};
  PerplexityParams params;
  params.window = 3;
  params.max_tokens = 5;
  const EvalResult result = Perplexity(params).evaluate(context);
  CHECK(result.examples[0].scores[1] == 5);
  CHECK(result.examples[0].scores[3] == 5);
}
