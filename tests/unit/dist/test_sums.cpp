// Sums over ranks, with threads of this process as ranks.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <limits>

#include "catch.h"
#include "host/train/ranks_sum.h"
#include "thread_ranks.h"

using namespace temper;
using namespace temper::test;

TEST_CASE("data-parallel loss is weighted by tokens, P-LOSS-02") {
  // Rank 0: three tokens with a summed loss of 3; rank 1: one token with a loss of 5. Right is 8/4 = 2, not (1 + 5)/2 = 3.
  std::vector<double> losses(2), gradients(2);
  on_ranks(2, [&](ThreadRank& rank) {
    const auto number = static_cast<std::size_t>(rank.rank());
    at::Tensor weight = at::ones({1}, at::kDouble).requires_grad_(true);
    (weight * (rank.rank() == 0 ? 3.0 : 5.0)).sum().backward();
    RankStep mine;
    mine.sums.loss = rank.rank() == 0 ? 3 : 5;
    mine.sums.targets = mine.sums.target_tokens = rank.rank() == 0 ? 3 : 1;
    const AllSteps all = add_up(mine, rank);
    sum_over_ranks({weight.grad()}, rank);
    losses[number] = all.sums.loss / static_cast<double>(all.sums.targets);
    gradients[number] = weight.grad().item<double>() / static_cast<double>(all.sums.targets);
  });
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(losses[i] == 2.0);
    CHECK(gradients[i] == 2.0);
  }
}

TEST_CASE("sums are the same bits everywhere, a rank without rows gives nothing, and who has no finite loss is named") {
  std::vector<AllSteps> seen(3);
  on_ranks(3, [&](ThreadRank& rank) {
    RankStep mine;
    if (rank.rank() == 0) mine.sums = {0.1, 2, 2, 9, 5, 1, {{"accuracy", 0.3}}};
    if (rank.rank() == 1) mine.sums.loss = std::numeric_limits<double>::quiet_NaN();
    if (rank.rank() == 2) mine.sums = {0.2, 1, 1, 4, 3, 0, {{"accuracy", 0.7}, {"margin", -1e-300}}};
    mine.cancelled = rank.rank() == 2;
    seen[static_cast<std::size_t>(rank.rank())] = add_up(mine, rank);
  });
  for (const auto& all : seen) {
    CHECK(std::isnan(all.sums.loss));
    CHECK(all.not_finite == std::vector<int>{1});
    CHECK(all.sums.targets == 3);
    CHECK(all.sums.target_bytes == 13);
    CHECK(all.sums.input_tokens == 8);
    CHECK(all.sums.metrics.at("accuracy") == 0.3 + 0.7);
    CHECK(all.sums.metrics.at("margin") == -1e-300);
    CHECK(all.cancelled);
  }
}

TEST_CASE("tensors of many sizes are summed in place") {
  // Larger than one piece, so that pieces are cut between tensors.
  const std::vector<std::int64_t> sizes{3, 5 << 20, 1, 3 << 20, 2 << 20, 4};
  std::vector<std::vector<at::Tensor>> results(2);
  on_ranks(2, [&](ThreadRank& rank) {
    std::vector<at::Tensor> tensors;
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      tensors.push_back(at::full({sizes[i]}, static_cast<double>(i + 1) * (rank.rank() + 1)));
    }
    sum_over_ranks(tensors, rank);
    results[static_cast<std::size_t>(rank.rank())] = tensors;
  });
  for (const auto& sums : results) {
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      INFO("tensor " << i);
      CHECK(at::equal(sums[i], at::full({sizes[i]}, static_cast<double>(i + 1) * 3)));
    }
  }
}
