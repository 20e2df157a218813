// t5 with a cache: greedy answers are those of transformers, every step is the full pass's.
#include <numeric>

#include "byte_tokenizer.h"
#include "host/infer/generator.h"
#include "host/infer/scorer.h"
#include "support.h"

using namespace t5_test;

namespace {

/// EOS is one that the models do not choose, so that answers go on.
test::ByteTokenizer numbers() { return test::ByteTokenizer(40, {1}); }

std::vector<std::int32_t> source_row(std::size_t row) {
  std::vector<std::int32_t> ids;
  const auto& all = reference()["source"][row];
  const auto& mask = reference()["mask"][row];
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (mask[i].get<int>() == 1) ids.push_back(all[i].get<std::int32_t>());
  }
  return ids;
}

}  // namespace

TEST_CASE("greedy decoding with a cache equals transformers and the full pass") {
  const test::ByteTokenizer tokenizer = numbers();
  for (const std::string form : {"t5_v1_0", "t5_v1_1"}) {
    INFO(form);
    const auto model = reference_model(form);
    BatchGenerator generator(*model, tokenizer, {});
    SamplingParams greedy;
    greedy.max_new_tokens = 20;
    // EOS is put behind once, whether or not the prompt has it (P-T5-09).
    std::vector<std::int32_t> without = source_row(1);
    REQUIRE(without.back() == 1);
    without.pop_back();
    const auto answers = generator.generate({{source_row(0), 1}, {source_row(1), 2}, {without, 3}}, greedy);
    const auto expected = reference()[form]["greedy"].get<std::vector<std::vector<std::int32_t>>>();
    CHECK(answers[0].ids == expected[0]);
    CHECK(answers[1].ids == expected[1]);
    CHECK(answers[2].ids == expected[1]);
    BatchScorer scorer(*model, tokenizer, {});
    for (std::size_t i = 0; i < 2; ++i) {
      const auto score = scorer.score({{source_row(i), answers[i].ids}})[0];
      CHECK(score.is_greedy);
      REQUIRE(score.log_probs.size() == answers[i].log_probs.size());
      for (std::size_t t = 0; t < score.log_probs.size(); ++t) {
        CHECK(answers[i].log_probs[t] == Approx(score.log_probs[t]).margin(1e-4));
      }
    }
  }
}

TEST_CASE("scores of an encoder-decoder equal its full pass over each window") {
  const at::NoGradGuard guard;
  auto params = params_of(reference()["t5_v1_1"]["config"].dump());
  params.max_positions = 4;
  t5::T5 model(params, {40, 9});
  const test::ByteTokenizer tokenizer = numbers();
  BatchScorer scorer(model, tokenizer, {});
  const auto scores = scorer.score({{{5, 6}, {7, 8, 9, 10, 11, 12}}, {{20, 21, 22, 23, 24}, {30}}, {{}, {33, 34}}});
  struct Window {
    std::vector<std::int64_t> source, input, targets;
  };
  const std::vector<std::vector<Window>> windows = {
      {{{5, 6, 1}, {0, 7, 8, 9}, {7, 8, 9, 10}}, {{8, 9, 10, 1}, {0, 11}, {11, 12}}},
      {{{22, 23, 24, 1}, {0}, {30}}},
      {{{1}, {0, 33}, {33, 34}}}};
  for (std::size_t i = 0; i < windows.size(); ++i) {
    std::vector<float> expected;
    for (const auto& window : windows[i]) {
      ModelInput input;
      input.source_ids_BS = at::tensor(window.source, at::kLong).unsqueeze(0);
      input.ids_BT = at::tensor(window.input, at::kLong).unsqueeze(0);
      const at::Tensor log_probs_TV = at::log_softmax(model.logits(input)[0], -1);
      for (std::size_t t = 0; t < window.targets.size(); ++t) {
        expected.push_back(log_probs_TV[static_cast<std::int64_t>(t)][window.targets[t]].item<float>());
      }
    }
    REQUIRE(scores[i].log_probs.size() == expected.size());
    for (std::size_t t = 0; t < expected.size(); ++t) CHECK(scores[i].log_probs[t] == Approx(expected[t]).margin(1e-4));
  }
}

TEST_CASE("steps of ragged prompts in any places equal the full pass") {
  const at::NoGradGuard guard;
  for (const std::string form : {"t5_v1_0", "t5_v1_1"}) {
    const auto model = reference_model(form);
    ModelInput all = reference_input();
    const at::Tensor full_BTD = model->hidden(all);
    model->prepare_decoding(WeightFormat::kFloat32);
    const auto state = model->make_state(5, 60, 70);
    const std::vector<std::int64_t> places = {4, 1}, lengths = {6, 3};
    ModelInput prompts = all;
    prompts.ids_BT = all.ids_BT.narrow(1, 0, 6).clone();
    prompts.segments_BT = at::zeros_like(prompts.ids_BT);
    prompts.segments_BT[1].narrow(0, 3, 3).fill_(kPaddingSegment);
    prompts.ids_BT[1].narrow(0, 3, 3).fill_(39);
    const at::Tensor first_BD = model->prefill(*state, places, prompts);
    for (std::int64_t b = 0; b < 2; ++b) {
      CHECK(gap(first_BD[b], full_BTD[b][lengths[static_cast<std::size_t>(b)] - 1]) < 1e-5);
    }
    // From its copy in another place, a sequence goes on like the one it was copied from.
    state->copy_place(1, 0);
    const std::vector<std::int64_t> three = {0, 4, 1};
    for (std::int64_t step = 0; step < 54; ++step) {
      const at::Tensor ids_B = at::stack({all.ids_BT[1][3 + step], all.ids_BT[0][6 + step], all.ids_BT[1][3 + step]});
      const at::Tensor next_BD = model->step(*state, three, ids_B);
      CHECK(gap(next_BD[1], full_BTD[0][6 + step]) < 1e-4);
      CHECK(gap(next_BD[2], full_BTD[1][3 + step]) < 1e-4);
      CHECK(gap(next_BD[0], next_BD[2]) < 1e-5);
    }
    const std::vector<std::int64_t> full_place = {4};
    CHECK_THROWS_AS(model->step(*state, full_place, at::zeros({1}, at::kLong)), PluginError);
  }
}

TEST_CASE("sources padded on the left decode like those padded on the right") {
  const at::NoGradGuard guard;
  const auto model = reference_model("t5_v1_0");
  model->prepare_decoding(WeightFormat::kFloat32);
  const auto state = model->make_state(2, 8, 6);
  ModelInput prompts;
  prompts.ids_BT = at::zeros({2, 1}, at::kLong);
  prompts.source_ids_BS = at::tensor({3, 3, 9, 8, 7, 1, 9, 8, 7, 1, 3, 3}, at::kLong).view({2, 6});
  prompts.source_segments_BS = at::tensor({-1, -1, 0, 0, 0, 0, 0, 0, 0, 0, -1, -1}, at::kLong).view({2, 6});
  const std::vector<std::int64_t> places = {0, 1};
  const at::Tensor first_BD = model->prefill(*state, places, prompts);
  CHECK(gap(first_BD[0], first_BD[1]) < 1e-5);
  const at::Tensor next_BD = model->step(*state, places, at::tensor({5, 5}, at::kLong));
  CHECK(gap(next_BD[0], next_BD[1]) < 1e-5);
}

TEST_CASE("int8 weights stay close") {
  const at::NoGradGuard guard;
  t5::T5Params params;
  params.d_model = 128, params.d_kv = 32, params.d_ff = 256, params.num_layers = 2;
  t5::T5 model(params, {200, 5});
  ModelInput prompts;
  prompts.ids_BT = at::zeros({1, 1}, at::kLong);
  prompts.source_ids_BS = at::arange(20, at::kLong).unsqueeze(0);
  const std::vector<std::int64_t> place = {0};
  std::vector<at::Tensor> results;
  for (const auto format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    model.prepare_decoding(format);
    const auto state = model.make_state(1, 4, 20);
    model.prefill(*state, place, prompts);
    results.push_back(model.step(*state, place, at::tensor({7}, at::kLong)));
  }
  const double relative = ((results[0] - results[1]).norm() / results[0].norm()).item<double>();
  CHECK(relative < 0.05);
  CHECK(relative > 0);
}
