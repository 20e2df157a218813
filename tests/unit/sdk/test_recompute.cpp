// Blocks that are computed again in backward: the same values, gradients and random numbers, and less kept.
#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include "catch.h"
#include "temper/recompute.h"

using namespace temper;

namespace {

struct Gradients {
  at::Tensor out, x, w, u, v;
};

/// Two blocks on one another with dropout, the second with an input of its own that needs a gradient and one that does not.
Gradients run(bool again, bool bf16) {
  at::manual_seed(3);
  at::Tensor x = at::randn({4, 6}).requires_grad_(true), w = at::randn({6, 6}).requires_grad_(true),
             u = at::randn({6, 6}).requires_grad_(true);
  at::Tensor v = at::randn({6}).requires_grad_(true);
  const at::Tensor unused = at::randn({2}).requires_grad_(true), positions = at::arange(6);
  at::manual_seed(7);
  int calls = 0;
  const auto block = [&](const std::vector<at::Tensor>& inputs) {
    ++calls;
    const at::Tensor y = at::dropout(at::gelu(at::linear(inputs[0], inputs.size() > 1 ? u : w)), 0.5, true);
    return inputs.size() > 1 ? y * inputs[1] + inputs[2] : y;
  };
  at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
  at::autocast::set_autocast_enabled(at::kCPU, bf16);
  const auto apply = [&](const std::vector<at::Tensor>& inputs) {
    return again ? recomputed(inputs, {inputs.size() > 1 ? u : w, unused, at::Tensor()}, block) : block(inputs);
  };
  const at::Tensor out = apply({apply({x * 2}), v, positions});
  at::autocast::set_autocast_enabled(at::kCPU, false);
  at::autocast::clear_cache();
  CHECK(calls == 2);
  out.to(at::kFloat).square().sum().backward();
  CHECK(calls == (again ? 4 : 2));
  CHECK_FALSE(unused.grad().defined());
  return {out.detach(), x.grad(), w.grad(), u.grad(), v.grad()};
}

}  // namespace

TEST_CASE("a block computed again gives the same bits, with dropout, in float32 and under autocast") {
  for (const bool bf16 : {false, true}) {
    const Gradients plain = run(false, bf16), again = run(true, bf16);
    CHECK(at::equal(plain.out, again.out));
    CHECK(at::equal(plain.x, again.x));
    CHECK(at::equal(plain.v, again.v));
    CHECK(at::equal(plain.w, again.w));
    CHECK(at::equal(plain.u, again.u));
  }
}

TEST_CASE("random numbers after a backward that computed again are those that were next") {
  const auto next = [](bool again) {
    at::manual_seed(11);
    at::Tensor x = at::ones({50}).requires_grad_(true);
    const auto block = [](const std::vector<at::Tensor>& inputs) { return at::dropout(inputs[0], 0.3, true); };
    const at::Tensor y = again ? recomputed({x}, {}, block) : block({x});
    y.sum().backward();
    return at::rand({5});
  };
  CHECK(at::equal(next(false), next(true)));
}

TEST_CASE("without gradients the block is just called") {
  const at::NoGradGuard guard;
  int calls = 0;
  const at::Tensor x = at::ones({2});
  const at::Tensor y = recomputed({x}, {}, [&](const std::vector<at::Tensor>& inputs) {
    ++calls;
    return inputs[0] + 1;
  });
  CHECK(calls == 1);
  CHECK(at::equal(y, at::full({2}, 2.0F)));
}
