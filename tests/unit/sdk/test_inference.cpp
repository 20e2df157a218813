// The decoding kernels against LibTorch's operators, at sizes that leave remainders everywhere.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/core/grad_mode.h>

#include <cmath>

#include "catch.h"
#include "temper/cache.h"
#include "temper/inference.h"

using namespace temper;

namespace {

at::Tensor random(at::IntArrayRef sizes, std::uint64_t seed) {
  auto generator = at::detail::createCPUGenerator(seed);
  return at::normal(0.0, 1.0, sizes, generator, at::kFloat);
}

double worst(const at::Tensor& a, const at::Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  return (a.to(at::kDouble) - b.to(at::kDouble)).abs().max().item<double>();
}

}  // namespace

TEST_CASE("a float32 layer equals at::linear for any number of rows") {
  const at::NoGradGuard guard;
  for (const std::int64_t inputs : {5, 64, 100, 576}) {
    for (const std::int64_t outputs : {1, 2, 3, 7, 130}) {
      const at::Tensor w = random({outputs, inputs}, 1), b = random({outputs}, 2);
      const InferenceLinear with(w, b, WeightFormat::kFloat32), without(w, {}, WeightFormat::kFloat32);
      for (const std::int64_t rows : {1, 2, 3, 4, 5, 9, 24, 25, 70}) {
        const at::Tensor x = random({rows, inputs}, 3);
        const at::Tensor exact = at::linear(x.to(at::kDouble), w.to(at::kDouble));
        CHECK(worst(without(x), exact) < 1e-4);
        CHECK(worst(with(x), exact + b) < 1e-4);
      }
    }
  }
}

TEST_CASE("a row's result does not depend on the other rows") {
  const at::NoGradGuard guard;
  for (const auto format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    const InferenceLinear layer(random({130, 192}, 1), random({130}, 2), format);
    const at::Tensor x = random({11, 192}, 3), all = layer(x);
    for (const std::int64_t row : {0, 4, 9, 10}) CHECK(layer(x.narrow(0, row, 1)).equal(all.narrow(0, row, 1)));
    CHECK(layer(x.narrow(0, 3, 6)).equal(all.narrow(0, 3, 6)));
  }
}

TEST_CASE("several layers of one input give the bits that each gives alone") {
  const at::NoGradGuard guard;
  for (const auto format : {WeightFormat::kFloat32, WeightFormat::kInt8}) {
    const InferenceLinear wide(random({1031, 192}, 1), {}, format), one(random({1, 192}, 2), random({1}, 3), format),
        narrow(random({66, 192}, 4), random({66}, 5), format);
    for (const std::int64_t rows : {1, 2, 5, 24, 25}) {
      const at::Tensor x = random({rows, 192}, 6);
      const auto all = InferenceLinear::of_one_input(x, {&narrow, &one, &wide});
      REQUIRE(all.size() == 3);
      CHECK(all[0].equal(narrow(x)));
      CHECK(all[1].equal(one(x)));
      CHECK(all[2].equal(wide(x)));
      CHECK(worst(all[2], at::linear(x.to(at::kDouble), wide.weight().to(at::kDouble))) < 1e-4);
    }
  }
  const InferenceLinear layer(random({8, 192}, 1), {}, WeightFormat::kFloat32);
  CHECK_THROWS(layer(random({2, 96}, 2)));
}

TEST_CASE("weights that came from fewer bits give the bits that float32 gives") {
  const at::NoGradGuard guard;
  const std::int64_t outputs = 70, inputs = 96;
  const bool has_kernels = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("f16c");
  const auto half = [](const at::Tensor& x) { return x.to(at::kHalf).to(at::kFloat); };
  const auto whole = [&](int low, int high) {
    auto generator = at::detail::createCPUGenerator(7);
    at::Tensor q = at::randint(low, high + 1, {outputs, inputs / 32, 32}, generator, at::kLong).to(at::kFloat);
    q.select(2, 5).fill_(low);  // quantisers give the widest weight the largest number
    q.select(2, 9).fill_(high);
    return q;
  };
  const at::Tensor step = half(random({outputs, inputs / 32, 1}, 8).abs() * 0.01), base = half(random(step.sizes(), 9));
  const std::vector<std::pair<const char*, at::Tensor>> from = {
      {"bfloat16", random({outputs, inputs}, 1).to(at::kBFloat16).to(at::kFloat)},
      {"float16", half(random({outputs, inputs}, 2))},
      {"Q8_0", (whole(-127, 127) * step).flatten(1)},
      {"Q4_0", (whole(-8, 7) * -step).flatten(1)},
      {"Q5_0", (whole(-16, 15) * step).flatten(1)},
      {"Q4_1", (whole(0, 15) * step + base).flatten(1)},
      {"Q5_1", (whole(0, 31) * step + base).flatten(1)},
      {"zeros", at::zeros({outputs, inputs})},
  };
  const at::Tensor bias = random({outputs}, 3);
  for (const auto& [name, w] : from) {
    INFO(name);
    const InferenceLinear layer(w, bias, WeightFormat::kFloat32);
    CHECK(layer.is_smaller() == has_kernels);
    CHECK(layer.weight().equal(w));
    // One weight off the grid keeps the layer as it is.
    at::Tensor off = w.clone();
    off[outputs - 1][inputs - 1] += 1.2345678F;
    const InferenceLinear plain(off, bias, WeightFormat::kFloat32);
    CHECK(!plain.is_smaller());
    for (const std::int64_t rows : {1, 2, 3, 4, 7, 24, 40}) {
      const at::Tensor x = random({rows, inputs}, 4);
      const at::Tensor small = layer(x), full = plain(x);
      CHECK(small.narrow(1, 0, outputs - 1).equal(full.narrow(1, 0, outputs - 1)));
      CHECK(worst(small, at::linear(x.to(at::kDouble), w.to(at::kDouble), bias.to(at::kDouble))) < 1e-4);
    }
  }
  // Neither trained weights, nor rows that groups do not fill, nor what is not a number.
  CHECK(!InferenceLinear(random({64, 64}, 1), {}, WeightFormat::kFloat32).is_smaller());
  CHECK(!InferenceLinear(at::zeros({64, 40}), {}, WeightFormat::kFloat32).is_smaller());
  CHECK(!InferenceLinear(at::full({4, 64}, std::nan("")), {}, WeightFormat::kFloat32).is_smaller());
}

TEST_CASE("an int8 layer computes with the weights it says it has") {
  const at::NoGradGuard guard;
  for (const std::int64_t outputs : {1, 3, 64}) {
    const at::Tensor w = random({outputs, 192}, 1), b = random({outputs}, 2);
    const InferenceLinear layer(w, b, WeightFormat::kInt8);
    CHECK(layer.weight().sizes() == w.sizes());
    // Rounding to 127 steps of the largest of 64 normal weights.
    CHECK(worst(layer.weight(), w) < 4.5 / 254);
    CHECK(worst(layer.weight(), w) > 0);
    for (const std::int64_t rows : {1, 2, 3, 4, 7, 40}) {
      const at::Tensor x = random({rows, 192}, 3);
      CHECK(worst(layer(x), at::linear(x, layer.weight(), b)) < 1e-4);
    }
  }
  const at::Tensor zero = at::zeros({4, 64});
  CHECK(InferenceLinear(zero, {}, WeightFormat::kInt8)(random({1, 64}, 1)).abs().max().item<float>() == 0);
  // A width that groups do not fill keeps float32.
  const at::Tensor odd = random({4, 50}, 1);
  CHECK(InferenceLinear(odd, {}, WeightFormat::kInt8).weight().equal(odd));
}

TEST_CASE("cached attention equals scaled dot-product attention, by place and length") {
  const at::NoGradGuard guard;
  const std::int64_t heads = 6, key_heads = 2, width = 16, room = 40;
  LayerCache cache{random({5, key_heads, room, width}, 1), random({5, key_heads, room, width}, 2)};
  // Several rows of one place, of different lengths, among others.
  const std::vector<std::int64_t> places = {3, 0, 0, 0, 4}, lengths = {1, 16, 17, 18, 40};
  const at::Tensor q_BHK = random({5, heads, width}, 3), bias_BHM = random({5, heads, room}, 4);
  const at::Tensor y = attend_cached(q_BHK, cache, places, lengths, 0.25),
                   z = attend_cached(q_BHK, cache, places, lengths, 1.0, bias_BHM);
  for (std::int64_t b = 0; b < 5; ++b) {
    const std::int64_t place = places[static_cast<std::size_t>(b)], length = lengths[static_cast<std::size_t>(b)];
    const at::Tensor k = cache.keys_PGMK[place].narrow(1, 0, length).repeat_interleave(3, 0);
    const at::Tensor v = cache.values_PGMK[place].narrow(1, 0, length).repeat_interleave(3, 0);
    const at::Tensor scores = at::matmul(k, q_BHK[b].unsqueeze(-1)).squeeze(-1);
    const auto mixed = [&](const at::Tensor& s) { return at::matmul(at::softmax(s, -1).unsqueeze(1), v).squeeze(1); };
    CHECK(worst(y[b], mixed(scores * 0.25)) < 1e-5);
    CHECK(worst(z[b], mixed(scores + bias_BHM[b].narrow(1, 0, length))) < 1e-5);
  }
  // Double has no kernel: the operators' path has to agree.
  LayerCache wide{cache.keys_PGMK.to(at::kDouble), cache.values_PGMK.to(at::kDouble)};
  const at::Tensor q_double_BHK = q_BHK.to(at::kDouble), bias_double_BHM = bias_BHM.to(at::kDouble);
  CHECK(worst(attend_cached(q_double_BHK, wide, places, lengths, 1.0, bias_double_BHM), z) < 1e-5);
  const std::vector<std::int64_t> apart = {3, 0, 4}, apart_lengths = {1, 18, 40};
  const at::Tensor rows = at::tensor({0, 3, 4}, at::kLong);
  CHECK(worst(attend_cached(q_double_BHK.index_select(0, rows), wide, apart, apart_lengths, 1.0,
                            bias_double_BHM.index_select(0, rows)),
              z.index_select(0, rows)) < 1e-5);
}

TEST_CASE("the softmax survives scores of any size") {
  const at::NoGradGuard guard;
  LayerCache cache{at::zeros({1, 1, 20, 8}), random({1, 1, 20, 8}, 1)};
  cache.keys_PGMK[0][0][7].fill_(100);
  const std::vector<std::int64_t> place = {0}, length = {20};
  const at::Tensor y = attend_cached(at::full({1, 1, 8}, 5.0), cache, place, length, 1.0);
  CHECK(worst(y[0][0], cache.values_PGMK[0][0][7]) < 1e-6);
}

TEST_CASE("RMS norm: epsilon inside the root, squares in float32 (P-MODEL-06), gradients as autograd's") {
  const at::Tensor one = at::ones({2});
  CHECK(worst(rms_norm(at::full({1, 2}, 0.001f), one, 1e-6), at::full({1, 2}, 0.707107)) < 1e-5);
  CHECK(worst(rms_norm(at::full({1, 2}, 300.0f).to(at::kHalf), one.to(at::kHalf), 1e-6), at::ones({1, 2})) < 1e-3);
  const at::Tensor x = random({3, 77}, 1), w = random({77}, 2);
  const at::Tensor expected = x * at::rsqrt(x.square().mean(-1, true) + 1e-5) * w;
  CHECK(worst(rms_norm(x, w, 1e-5), expected) < 1e-5);
  const at::Tensor trained = x.clone().requires_grad_();
  CHECK(rms_norm(trained, w, 1e-5).requires_grad());
  CHECK(worst(rms_norm(trained, w, 1e-5).detach(), expected) < 1e-5);
}

TEST_CASE("rotary embedding is the half-split one (P-MODEL-01)") {
  const at::Tensor angles = at::tensor({1.0, 0.01}).unsqueeze(0);
  const at::Tensor q = at::tensor({1.0f, 2.0f, 3.0f, 4.0f}).view({1, 1, 4});
  const at::Tensor y = rotary(q, angles.cos().to(at::kFloat), angles.sin().to(at::kFloat));
  CHECK(worst(y.flatten(), at::tensor({-1.984111, 1.959901, 2.462378, 4.0198})) < 1e-5);
  const at::Tensor x = random({5, 3, 32}, 1), a = random({5, 16}, 2);
  const at::Tensor fast = rotary(x, a.cos(), a.sin());
  const at::Tensor slow = rotary(x.clone().requires_grad_(), a.cos(), a.sin());
  CHECK(slow.requires_grad());
  CHECK(worst(fast, slow.detach()) < 1e-6);
}

TEST_CASE("silu times up") {
  const at::Tensor gate = random({3, 101}, 1) * 30, up = random({3, 101}, 2);
  CHECK(worst(silu_times(gate, up), at::silu(gate) * up) < 1e-5);
  CHECK(silu_times(gate.clone().requires_grad_(), up).requires_grad());
}

TEST_CASE("a cache holds what was written, by place") {
  const at::NoGradGuard guard;
  KeyValueCache cache(1, 3, 1, 4, 8, at::empty({0}));
  ModelInput prompts;
  prompts.ids_BT = at::zeros({2, 3}, at::kLong);
  prompts.segments_BT = at::tensor({0, 0, 0, 0, -1, -1}, at::kLong).view({2, 3});
  const std::vector<std::int64_t> places = {2, 0}, one = {0}, copied = {1};
  const at::Tensor keys = random({2, 1, 3, 8}, 1), values = random({2, 1, 3, 8}, 2);
  cache.write_prompts(0, places, keys, values);
  CHECK(cache.set_lengths(places, prompts).equal(at::tensor({3, 1}, at::kLong)));
  cache.copy_place(0, 1);
  CHECK(cache.advance(one) == std::vector<std::int64_t>{1});
  const at::Tensor new_key = random({1, 1, 8}, 3), new_value = random({1, 1, 8}, 4);
  cache.write_step(0, one, new_key, new_value);
  const at::Tensor q = random({1, 1, 8}, 5);
  CHECK(worst(cache.attend(0, copied, q, 1.0)[0][0], values[1][0][0]) < 1e-6);
  const at::Tensor weights = at::softmax(at::stack({(q * keys[1][0][0]).sum(), (q * new_key).sum()}), 0);
  CHECK(worst(cache.attend(0, one, q, 1.0)[0][0], weights[0] * values[1][0][0] + weights[1] * new_value[0][0]) < 1e-6);
  // Two tokens of one place in one step: the first does not see the second.
  const std::vector<std::int64_t> twice = {0, 0};
  CHECK(cache.advance(twice) == std::vector<std::int64_t>{2, 3});
  const at::Tensor two_keys = random({2, 1, 8}, 8), two_values = random({2, 1, 8}, 9), two_q = random({2, 1, 8}, 10);
  CHECK_THROWS_AS(cache.write_step(0, one, new_key, new_value), PluginError);
  cache.write_step(0, twice, two_keys, two_values);
  const at::Tensor all_keys = at::cat({keys[1][0].narrow(0, 0, 1), new_key[0], two_keys.flatten(0, 1)}),
                   all_values = at::cat({values[1][0].narrow(0, 0, 1), new_value[0], two_values.flatten(0, 1)});
  const at::Tensor both = cache.attend(0, twice, two_q, 1.0);
  for (std::int64_t b = 0; b < 2; ++b) {
    const at::Tensor seen = at::softmax(at::matmul(all_keys.narrow(0, 0, 3 + b), two_q[b][0]), 0);
    CHECK(worst(both[b][0], at::matmul(seen, all_values.narrow(0, 0, 3 + b))) < 1e-6);
  }
  const std::vector<std::int64_t> full = {2};
  cache.advance(full);
  CHECK_THROWS_AS(cache.advance(full), PluginError);
  CHECK_THROWS_AS(cache.write_prompts(0, one, random({1, 1, 5, 8}, 6), random({1, 1, 5, 8}, 7)), PluginError);
}
