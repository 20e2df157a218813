// Scoring windows: every token once, with as much context as fits, by decoder-only and encoder-decoder models.
#include <ATen/ATen.h>

#include <cmath>

#include "byte_tokenizer.h"
#include "catch.h"
#include "host/infer/scorer.h"

using namespace temper;
using Ids = std::vector<std::int32_t>;

namespace {

/// Keeps the inputs that it is given, and finds all of its 8 tokens equally likely.
struct RecordingModel final : Architecture {
  explicit RecordingModel(ArchitectureTraits made_traits) : traits_(made_traits) {}
  ArchitectureTraits traits() const override { return traits_; }
  at::Tensor hidden(const ModelInput& input) override {
    inputs.push_back(input);
    return at::zeros({input.ids_BT.size(0), input.ids_BT.size(1), 2});
  }
  at::Tensor head() override { return at::zeros({8, 2}); }
  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 1; }

  ArchitectureTraits traits_;
  std::vector<ModelInput> inputs;
};

std::vector<std::int64_t> row(const at::Tensor& tensor_BT, std::int64_t b) {
  const at::Tensor one = tensor_BT[b].contiguous();
  return {one.data_ptr<std::int64_t>(), one.data_ptr<std::int64_t>() + one.numel()};
}

}  // namespace

TEST_CASE("P-EVAL-04 rolling windows score every token once") {
  ScoreRequest request{{99}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}};
  const auto windows = score_windows(request, 4);
  REQUIRE(windows.size() == 3);
  CHECK(windows[0].input == Ids{99, 0, 1, 2});
  CHECK(windows[0].targets == Ids{0, 1, 2, 3});
  CHECK(windows[1].input == Ids{3, 4, 5, 6});
  CHECK(windows[1].targets == Ids{4, 5, 6, 7});
  CHECK(windows[2].input == Ids{5, 6, 7, 8});
  CHECK(windows[2].targets == Ids{8, 9});
}

TEST_CASE("a short continuation keeps the nearest context") {
  const auto windows = score_windows({{1, 2, 3, 4, 5, 6}, {7, 8}}, 4);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].input == Ids{4, 5, 6, 7});
  CHECK(windows[0].targets == Ids{7, 8});
  CHECK(score_windows({{1, 2}, {3}}, 0)[0].input == Ids{1, 2});
}

TEST_CASE("P-LOSS-07 a cut from the left moves the prompt's length too") {
  // Seven tokens have six inputs: two of the prompt's six tokens go, and all three of the answer's are still targets.
  const auto windows = score_windows({{1, 2, 3, 4, 5, 6}, {7, 8, 9}}, 6);
  REQUIRE(windows.size() == 1);
  CHECK(windows[0].input == Ids{3, 4, 5, 6, 7, 8});
  CHECK(windows[0].targets == Ids{7, 8, 9});
  CHECK(windows[0].context == 4);
}

TEST_CASE("nothing to score or to start from is an error") {
  CHECK_THROWS_AS(score_windows({{1}, {}}, 4), DataError);
  CHECK_THROWS_AS(score_windows({{}, {1}}, 4), DataError);
}

TEST_CASE("windows say how much of their input is context") {
  const auto windows = score_windows({{99, 98}, {0, 1, 2, 3, 4, 5}}, 4);
  REQUIRE(windows.size() == 2);
  // 99 fits no more: the first window holds as many targets as the limit has inputs.
  CHECK(windows[0].input == Ids{98, 0, 1, 2});
  CHECK(windows[0].context == 1);
  CHECK(windows[1].input == Ids{1, 2, 3, 4});
  CHECK(windows[1].targets == Ids{4, 5});
  CHECK(windows[1].context == 3);
  CHECK(score_windows({{1, 2, 3}, {4, 5}}, 0)[0].context == 3);
}

TEST_CASE("P-T5-09 an encoder-decoder reads the context with one EOS and the continuation after the padding id") {
  for (const Ids& context : {Ids{100, 200}, Ids{100, 200, 1}, Ids{100, 200, 1, 1}}) {
    const auto windows = score_windows_with_source({context, {5, 6, 7}}, 0, 0, 1);
    REQUIRE(windows.size() == 1);
    CHECK(windows[0].source == Ids{100, 200, 1});
    CHECK(windows[0].input == Ids{0, 5, 6});
    CHECK(windows[0].targets == Ids{5, 6, 7});
  }
  // Without a context there is still something to encode.
  CHECK(score_windows_with_source({{}, {5}}, 8, 0, 1)[0].source == Ids{1});
  CHECK_THROWS_AS(score_windows_with_source({{5}, {}}, 8, 0, 1), DataError);
}

TEST_CASE("a long continuation goes through an encoder-decoder in windows, each after what came before") {
  const auto windows = score_windows_with_source({{2, 3, 4, 5, 1}, {10, 11, 12, 13, 14, 15, 16, 17, 18}}, 4, 0, 1);
  REQUIRE(windows.size() == 3);
  CHECK(windows[0].source == Ids{3, 4, 5, 1});
  CHECK(windows[0].input == Ids{0, 10, 11, 12});
  CHECK(windows[0].targets == Ids{10, 11, 12, 13});
  CHECK(windows[1].source == Ids{11, 12, 13, 1});
  CHECK(windows[1].input == Ids{0, 14, 15, 16});
  CHECK(windows[2].source == Ids{15, 16, 17, 1});
  CHECK(windows[2].input == Ids{0});
  CHECK(windows[2].targets == Ids{18});
  // Room for EOS alone.
  CHECK(score_windows_with_source({{2}, {10, 11}}, 1, 0, 1)[1].source == Ids{1});
}

TEST_CASE("the scorer gives an encoder-decoder its sources and every token one score") {
  RecordingModel model({true, 8, 2, 4});
  const test::ByteTokenizer tokenizer(8, {1});
  BatchScorer scorer(model, tokenizer, {}, 8);
  const auto scores = scorer.score({{{2, 3}, {4}}, {{2, 3, 4, 5, 6}, {4, 5, 6, 7, 2, 3}}, {{7}, {6, 5}}});
  REQUIRE(scores.size() == 3);
  CHECK(scores[1].log_probs.size() == 6);
  for (const auto& score : scores) {
    for (const float value : score.log_probs) CHECK(value == Approx(-std::log(8.0)));
    CHECK(score.sum == Approx(-std::log(8.0) * static_cast<double>(score.log_probs.size())));
  }
  // Rows of at most four on either side, two of them a batch.
  REQUIRE(model.inputs.size() == 2);
  CHECK(row(model.inputs[0].source_ids_BS, 0) == std::vector<std::int64_t>{4, 5, 6, 1});
  CHECK(row(model.inputs[0].ids_BT, 0) == std::vector<std::int64_t>{0, 4, 5, 6});
  CHECK(row(model.inputs[0].source_ids_BS, 1) == std::vector<std::int64_t>{5, 6, 7, 1});
  CHECK(row(model.inputs[1].source_ids_BS, 0) == std::vector<std::int64_t>{2, 3, 1});
  CHECK(row(model.inputs[1].source_ids_BS, 1) == std::vector<std::int64_t>{7, 1, 0});
  CHECK(row(model.inputs[1].source_segments_BS, 1) == std::vector<std::int64_t>{0, 0, -1});
}

TEST_CASE("the context is marked as prefix for models that want it, and only for them") {
  const test::ByteTokenizer tokenizer(8, {1});
  for (const bool wanted : {true, false}) {
    RecordingModel model({false, 8, 2, 0, wanted});
    BatchScorer(model, tokenizer, {}).score({{{2, 3}, {4, 5, 6}}, {{7}, {6}}});
    REQUIRE(model.inputs.size() == 1);
    REQUIRE(model.inputs[0].prefix_BT.defined() == wanted);
    if (!wanted) continue;
    CHECK(row(model.inputs[0].prefix_BT, 0) == std::vector<std::int64_t>{1, 1, 0, 0});
    CHECK(row(model.inputs[0].prefix_BT, 1) == std::vector<std::int64_t>{1, 0, 0, 0});
  }
}
