// t5's full forward pass against Hugging Face's transformers, and the traps of its parts.
#include <cmath>

#include "support.h"
#include "temper/loss.h"

using namespace t5_test;

namespace {

t5::T5Params small_params(const std::string& feed_forward = "relu", bool tied = true) {
  t5::T5Params params;
  params.d_model = 32, params.d_kv = 8, params.num_heads = 4, params.d_ff = 64, params.num_layers = 2;
  params.feed_forward = feed_forward;
  params.tied_head = tied;
  params.max_positions = 64;
  return params;
}

}  // namespace

TEST_CASE("t5 1.0 and 1.1 give the logits of transformers") {
  const at::NoGradGuard guard;
  for (const std::string form : {"t5_v1_0", "t5_v1_1"}) {
    INFO(form);
    const auto model = reference_model(form);
    const at::Tensor logits_BTV = model->logits(reference_input());
    const auto& expected = reference()[form];
    CHECK(gap(logits_BTV.select(1, 0), matrix(expected["logits_first"])) < 1e-4);
    CHECK(gap(logits_BTV.select(1, 7), matrix(expected["logits_middle"])) < 1e-4);
    CHECK(gap(logits_BTV.select(1, 59), matrix(expected["logits_last"])) < 1e-4);
    CHECK(logits_BTV.to(at::kDouble).square().sum().item<double>() ==
          Approx(expected["sum_of_squares"].get<double>()).epsilon(1e-5));
  }
}

TEST_CASE("P-T5-06 relative position buckets") {
  const auto ids = [](const at::Tensor& tensor) {
    return std::vector<std::int64_t>(tensor.data_ptr<std::int64_t>(), tensor.data_ptr<std::int64_t>() + tensor.numel());
  };
  const at::Tensor trap = at::tensor({0, 1, -1, 8, -8, 20, -20, 127, -127, 300, -300}, at::kLong);
  CHECK(ids(t5::bucket_of(trap, {32, 128, true})) == std::vector<std::int64_t>{0, 17, 1, 24, 8, 26, 10, 31, 15, 31, 15});
  const auto differences = reference()["differences"].get<std::vector<std::int64_t>>();
  const at::Tensor all = at::tensor(differences, at::kLong);
  CHECK(ids(t5::bucket_of(all, {32, 128, true})) == reference()["buckets_both_ways"].get<std::vector<std::int64_t>>());
  CHECK(ids(t5::bucket_of(all, {32, 128, false})) == reference()["buckets_one_way"].get<std::vector<std::int64_t>>());
  // The bias has the value of the difference's bucket, and gives the table its gradient.
  at::Tensor table_RH = at::arange(64, at::kFloat).view({32, 2}).requires_grad_();
  const at::Tensor bias = t5::relative_bias(table_RH, 5, {32, 128, true});
  REQUIRE(bias.sizes() == at::IntArrayRef({1, 2, 5, 5}));
  CHECK(bias[0][1][0][4].item<float>() == table_RH[20][1].item<float>());
  CHECK(bias[0][0][3][1].item<float>() == table_RH[2][0].item<float>());
  bias.sum().backward();
  CHECK(table_RH.grad()[0][0].item<float>() == 5);
  CHECK(table_RH.grad()[17][0].item<float>() == 4);
  CHECK(table_RH.grad()[4][1].item<float>() == 1);
}

TEST_CASE("P-T5-07 only a tied head is scaled by d^-0.5") {
  // With every weight but the embedding at zero the decoder's last norm sees the embedding of the token itself.
  const at::NoGradGuard guard;
  for (const bool tied : {true, false}) {
    t5::T5Params params = small_params("relu", tied);
    params.d_model = 8, params.norm_epsilon = 1e-12;
    t5::T5 model(params, {3, 1});
    model.train(false);
    for (auto& parameter : model.parameters()) {
      if (parameter.tensor.dim() == 2) parameter.tensor.zero_();
      if (parameter.name == "shared.weight" || parameter.name == "lm_head.weight") parameter.tensor[1][0].fill_(1.0);
    }
    ModelInput input;
    input.ids_BT = input.source_ids_BS = at::ones({1, 1}, at::kLong);
    // The norm makes h = [sqrt(8), 0, ...].
    CHECK(model.logits(input)[0][0][1].item<double>() == Approx(tied ? 1.0 : std::sqrt(8.0)).epsilon(1e-5));
    CHECK(model.logits(input)[0][0][2].item<double>() == 0.0);
  }
}

TEST_CASE("P-T5-10 the gate is GELU's tanh form of wi_0, times wi_1") {
  const at::NoGradGuard guard;
  t5::T5Params params = small_params("gated_gelu", false);
  params.d_model = 8, params.d_ff = 1, params.num_layers = 1, params.norm_epsilon = 1e-12;
  t5::T5 model(params, {3, 1});
  model.train(false);
  for (auto& parameter : model.parameters()) {
    if (parameter.tensor.dim() == 2) parameter.tensor.zero_();
    if (parameter.name == "shared.weight") parameter.tensor[1][0].fill_(1.0);
    // The normed input of the feed-forward layer is [sqrt(8), 0, ...].
    if (parameter.name == "decoder.block.0.layer.2.DenseReluDense.wi_0.weight")
      parameter.tensor[0][0].fill_(1 / std::sqrt(8.0));
    if (parameter.name == "decoder.block.0.layer.2.DenseReluDense.wi_1.weight")
      parameter.tensor[0][0].fill_(2 / std::sqrt(8.0));
    if (parameter.name == "decoder.block.0.layer.2.DenseReluDense.wo.weight") parameter.tensor[1][0].fill_(1.0);
  }
  ModelInput input;
  input.ids_BT = input.source_ids_BS = at::ones({1, 1}, at::kLong);
  const at::Tensor h_D = model.hidden(input)[0][0];
  // The residual stream is [1, y, 0, ...] before the last norm, which keeps the ratio.
  CHECK((h_D[1] / h_D[0]).item<double>() == Approx(1.682384).epsilon(1e-6));
}

TEST_CASE("packed documents and padding on any side change nothing") {
  const at::NoGradGuard guard;
  const auto model = reference_model("t5_v1_1");
  const auto ids = [](std::vector<std::int64_t> values) { return at::tensor(values, at::kLong).unsqueeze(0); };
  ModelInput first, second, packed;
  first.ids_BT = ids({0, 5, 6}), first.source_ids_BS = ids({9, 8, 7, 6, 1});
  second.ids_BT = ids({0, 11, 12, 13}), second.source_ids_BS = ids({21, 1});
  packed.ids_BT = ids({0, 0, 5, 6, 0, 11, 12, 13, 0});
  packed.segments_BT = ids({-1, 0, 0, 0, 1, 1, 1, 1, -1});
  packed.source_ids_BS = ids({3, 3, 9, 8, 7, 6, 1, 21, 1, 3});
  packed.source_segments_BS = ids({-1, -1, 0, 0, 0, 0, 0, 1, 1, -1});
  const at::Tensor logits_BTV = model->logits(packed);
  CHECK(at::isfinite(logits_BTV).all().item<bool>());
  CHECK(gap(logits_BTV.narrow(1, 1, 3), model->logits(first)) < 1e-5);
  CHECK(gap(logits_BTV.narrow(1, 4, 4), model->logits(second)) < 1e-5);
  // A document without a source sees no other document's.
  ModelInput lonely = packed;
  lonely.source_segments_BS = ids({-1, -1, 0, 0, 0, 0, 0, 0, 0, -1});
  ModelInput other = lonely;
  other.source_ids_BS = ids({3, 3, 30, 31, 32, 33, 34, 35, 36, 3});
  CHECK(gap(model->logits(lonely).narrow(1, 4, 4), model->logits(other).narrow(1, 4, 4)) < 1e-6);
  CHECK(gap(model->logits(lonely).narrow(1, 1, 3), model->logits(other).narrow(1, 1, 3)) > 1e-3);
}

TEST_CASE("P-T5-08 the loss of shifted labels is over the real targets and is not shifted again") {
  // Labels 5 6 1 of a padded batch: the decoder reads 0 5 6 1 0, position t predicts label t.
  const at::NoGradGuard guard;
  const auto model = reference_model("t5_v1_0");
  const Example example{{0, 5, 6}, {5, 6, 1}, {9, 8, 1}}, longer{{0, 5, 6, 7, 8}, {5, 6, 7, 8, 1}, {9, 1}};
  const Batch batch = pad_examples({example, longer}, 16, 0);
  CHECK(batch.input.ids_BT[0].equal(at::tensor({0, 5, 6, 0, 0}, at::kLong)));
  const SummedLoss loss =
      linear_cross_entropy(model->hidden(batch.input).flatten(0, 1), model->head(), batch.labels_BT.flatten());
  CHECK(loss.target_tokens == 8);
  double expected = 0;
  for (const auto& one : {example, longer}) {
    const Batch alone = pad_examples({one}, 16, 0);
    const at::Tensor log_probs_TV = at::log_softmax(model->logits(alone.input)[0], -1);
    for (std::size_t t = 0; t < one.labels.size(); ++t) {
      expected -= log_probs_TV[static_cast<std::int64_t>(t)][one.labels[t]].item<double>();
    }
  }
  CHECK(loss.sum.item<double>() == Approx(expected).epsilon(1e-5));
}

TEST_CASE("dropout acts in training only") {
  t5::T5Params params = small_params();
  params.dropout = 0.5;
  t5::T5 model(params, {40, 3});
  const ModelInput input = reference_input();
  const at::NoGradGuard guard;
  const at::Tensor once = model.hidden(input);
  CHECK(once.equal(model.hidden(input)));
  model.train(true);
  CHECK_FALSE(model.hidden(input).equal(once));
  model.train(false);
  CHECK(once.equal(model.hidden(input)));
}

TEST_CASE("configurations of transformers come and go") {
  CHECK_FALSE(t5::t5_from_hugging_face(R"({"model_type": "gpt2"})").has_value());
  CHECK_FALSE(t5::t5_from_hugging_face(R"({"model_type": "umt5"})").has_value());
  CHECK_THROWS_WITH(t5::t5_from_hugging_face(R"({"model_type": "t5", "feed_forward_proj": "gated-silu"})"),
                    ContainsSubstring("feed_forward_proj") && ContainsSubstring("gated-silu"));
  CHECK_THROWS_AS(t5::t5_from_hugging_face(R"({"model_type": "t5", "feed_forward_proj": "gelu"})"), ConfigError);
  CHECK_THROWS_AS(t5::t5_from_hugging_face(R"({"model_type": "t5", "is_encoder_decoder": false})"), ConfigError);
  // t5-small's own file, in short.
  const auto small = params_of(
      R"({"model_type": "t5", "d_ff": 2048, "d_kv": 64, "d_model": 512, "dropout_rate": 0.1, "n_positions": 512,
          "num_heads": 8, "num_layers": 6, "relative_attention_num_buckets": 32, "vocab_size": 32128})");
  CHECK(small.feed_forward == "relu");
  CHECK(small.tied_head);
  CHECK(small.num_decoder_layers == 0);
  for (const bool tied : {true, false}) {
    t5::T5Params params = small_params(tied ? "relu" : "gated_gelu", tied);
    params.num_decoder_layers = 3;
    const std::string config = t5::T5(params, {40, 1}).hugging_face_config();
    const auto back = params_of(config);
    CHECK(back.d_model == params.d_model);
    CHECK(back.d_kv == params.d_kv);
    CHECK(back.num_heads == params.num_heads);
    CHECK(back.d_ff == params.d_ff);
    CHECK(back.num_layers == 2);
    CHECK(back.num_decoder_layers == 3);
    CHECK(back.feed_forward == params.feed_forward);
    CHECK(back.tied_head == tied);
    CHECK(back.max_positions == params.max_positions);
    CHECK(t5::t5_from_hugging_face(config)->vocab_size == 40);
  }
}

TEST_CASE("a fresh model guesses evenly, in either form and at any width") {
  const at::NoGradGuard guard;
  for (const bool tied : {true, false}) {
    for (const std::int64_t width : {std::int64_t{32}, std::int64_t{256}}) {
      t5::T5Params params = small_params(tied ? "relu" : "gated_gelu", tied);
      params.d_model = width;
      t5::T5 model(params, {500, 3});
      auto generator = at::detail::createCPUGenerator(5);
      const auto random = [&](std::int64_t length) { return at::randint(0, 500, {4, length}, generator, at::kLong); };
      ModelInput input;
      input.ids_BT = random(30), input.source_ids_BS = random(40);
      const SummedLoss loss = linear_cross_entropy(model.hidden(input).flatten(0, 1), model.head(), random(30).flatten());
      CHECK(loss.sum.item<double>() / 120 == Approx(std::log(500.0)).margin(0.4));
    }
  }
}

TEST_CASE("encoder and decoder positions are counted apart") {
  const t5::T5 model(small_params(), {40, 1});
  const double d = 32, inner = 32, wide = 64;
  const double source = 6 * (2 * (4 * d * inner + 2 * d * wide) + 2 * 2 * d * inner + 2 * 2 * inner * 10);
  const double target = 6 * (2 * (6 * d * inner + 2 * d * wide) + 40 * d + 2 * 4 * inner * 10);
  CHECK(model.train_flops(7, 0, 10) == Approx(7 * target));
  CHECK(model.train_flops(0, 5, 10) == Approx(5 * source));
  CHECK(model.train_flops(7, 5, 10) == Approx(7 * target + 5 * source));
  CHECK(model.train_flops_per_token(10) == Approx(target));
}

TEST_CASE("a missing source and too long a row say what to do") {
  t5::T5 model(small_params(), {40, 1});
  ModelInput input;
  input.ids_BT = at::zeros({1, 65}, at::kLong);
  CHECK_THROWS_WITH(model.hidden(input), ContainsSubstring("encoder-decoder"));
  input.source_ids_BS = at::ones({1, 80}, at::kLong);
  CHECK_THROWS_WITH(model.hidden(input), ContainsSubstring("max_positions = 64"));
  CHECK_THROWS_AS(model.hidden(input), ConfigError);
  input.ids_BT = at::zeros({1, 64}, at::kLong);
  CHECK(model.hidden(input).size(1) == 64);
}
