// Who keeps what of an optimiser's state, and that a shared-out optimiser does what a whole one does.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <set>

#include "catch.h"
#include "host/train/optimizer.h"
#include "host/train/shards.h"
#include "thread_ranks.h"

using namespace temper;
using namespace temper::test;

namespace {

const std::vector<std::vector<std::int64_t>> kSizes{{7, 5}, {3}, {1}, {300, 1024}, {11}, {2, 2, 2}};

std::vector<NamedParameter> made_parameters() {
  std::vector<NamedParameter> parameters;
  for (std::size_t i = 0; i < kSizes.size(); ++i) {
    at::Tensor tensor = at::linspace(-1, 1, c10::multiply_integers(kSizes[i])).view(kSizes[i]);
    parameters.push_back({"p" + std::to_string(i), tensor.requires_grad_(true), tensor.dim() > 1});
  }
  return parameters;
}

std::vector<at::Tensor> tensors_of(const std::vector<NamedParameter>& parameters) {
  std::vector<at::Tensor> tensors;
  for (const auto& parameter : parameters) tensors.push_back(parameter.tensor);
  return tensors;
}

/// The whole gradient of one step; a rank's share is a fraction of it.
void set_gradients(const std::vector<NamedParameter>& parameters, int step, double share) {
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor& tensor = parameters[i].tensor;
    // A parameter that is not used now and then.
    if (i == 2 && step == 1) continue;
    tensor.mutable_grad() = at::sin(tensor.detach() * (step + 1) + static_cast<double>(i)) * share;
  }
}

}  // namespace

TEST_CASE("buckets hold every parameter once, from the last to the first, and none is too large") {
  std::vector<at::Tensor> parameters;
  for (const std::int64_t size : {10, 1 << 20, 4 << 20, 4 << 20, 100, 9 << 20, 5, 300 << 10}) {
    parameters.push_back(at::empty({size}));
  }
  parameters.push_back(at::empty({3}, at::kDouble));
  const Buckets buckets = gradient_buckets(parameters);
  std::vector<std::size_t> order;
  for (const auto& bucket : buckets) {
    std::int64_t bytes = 0;
    for (const auto number : bucket) {
      order.push_back(number);
      bytes += static_cast<std::int64_t>(parameters[number].nbytes());
      CHECK(parameters[number].scalar_type() == parameters[bucket.front()].scalar_type());
    }
    CHECK((bucket.size() == 1 || bytes <= 25 << 20));
  }
  CHECK(order == std::vector<std::size_t>{8, 7, 6, 5, 4, 3, 2, 1, 0});
  CHECK(buckets.size() > 3);
}

TEST_CASE("shards of all ranks are all elements, each once") {
  const auto parameters = tensors_of(made_parameters());
  const Buckets buckets = gradient_buckets(parameters);
  for (const int ranks : {1, 2, 3, 7, 40}) {
    std::vector<std::multiset<std::int64_t>> seen(parameters.size());
    for (int rank = 0; rank < ranks; ++rank) {
      for (const auto& pieces : shard_of(parameters, buckets, rank, ranks)) {
        for (const auto& piece : pieces) {
          for (std::int64_t e = piece.begin; e < piece.end; ++e) seen[piece.parameter].insert(e);
        }
      }
    }
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      INFO("parameter " << i << " of " << ranks << " ranks");
      CHECK(seen[i].size() == static_cast<std::size_t>(parameters[i].numel()));
      CHECK(std::set<std::int64_t>(seen[i].begin(), seen[i].end()).size() == seen[i].size());
    }
  }
}

TEST_CASE("what ranks have of their shards is put together in pieces that are small beside a large bucket") {
  const std::vector<std::int64_t> sizes{7, 5'000'001, 3, 2'500'000, 1};
  std::vector<at::Tensor> parameters;
  for (const auto size : sizes) parameters.push_back(at::arange(size, at::kFloat).remainder(9973) - 0.5);
  const Buckets buckets = gradient_buckets(parameters);
  for (const int ranks : {2, 3}) {
    std::vector<std::vector<at::Tensor>> results(static_cast<std::size_t>(ranks));
    std::vector<std::int64_t> largest(results.size(), 0), taken(results.size(), 0);
    on_ranks(ranks, [&](ThreadRank& rank) {
      const auto number = static_cast<std::size_t>(rank.rank());
      for (const auto size : sizes) results[number].push_back(at::zeros({size}));
      gather_shards(
          parameters, buckets, rank,
          [&](const ShardSlice& slice) { return parameters[slice.parameter].slice(0, slice.begin, slice.end); },
          [&](const ShardSlice& slice, const at::Tensor& part) {
            results[number][slice.parameter].slice(0, slice.begin, slice.end).copy_(part);
            largest[number] = std::max(largest[number], part.numel());
            taken[number] += part.numel();
          });
    });
    for (std::size_t i = 0; i < results.size(); ++i) {
      for (std::size_t p = 0; p < sizes.size(); ++p) CHECK(at::equal(results[i][p], parameters[p]));
      CHECK(taken[i] == 7'500'012);
      CHECK(largest[i] * 4 * ranks <= kPieceBytes);
    }
  }
}

TEST_CASE("a shared-out optimiser moves weights as a whole one does, keeps a part of the moments, and saves them whole") {
  TrainParams params;
  params.weight_decay = 0.1;
  auto whole_parameters = made_parameters();
  AdamW whole(whole_parameters, params, nullptr);
  for (int step = 0; step < 4; ++step) {
    set_gradients(whole_parameters, step, 1);
    whole.step(1e-2, 3);
  }
  StateDict expected;
  whole.save(expected);

  const int ranks = 3;
  params.shard_optimizer = true;
  std::vector<std::vector<NamedParameter>> weights(ranks);
  std::vector<StateDict> states(ranks), again(ranks);
  std::vector<double> norms(ranks);
  on_ranks(ranks, [&](ThreadRank& rank) {
    const auto number = static_cast<std::size_t>(rank.rank());
    auto parameters = made_parameters();
    {
      AdamW first(parameters, params, &rank);
      for (int step = 0; step < 2; ++step) {
        set_gradients(parameters, step, (rank.rank() + 1) / 6.0);
        first.all_reduce_gradients();
        norms[number] = first.grad_norm();
        first.step(1e-2, 3);
      }
      first.save(states[number]);
    }
    // Another one goes on from what rank 0 saved.
    rank.barrier();
    AdamW second(parameters, params, &rank);
    second.load(states[0]);
    for (int step = 2; step < 4; ++step) {
      set_gradients(parameters, step, (rank.rank() + 1) / 6.0);
      second.all_reduce_gradients();
      second.step(1e-2, 3);
    }
    second.save(again[number]);
    weights[number] = parameters;
  });
  for (int rank = 0; rank < ranks; ++rank) {
    const auto number = static_cast<std::size_t>(rank);
    for (std::size_t i = 0; i < whole_parameters.size(); ++i) {
      INFO("parameter " << i << ", rank " << rank);
      CHECK(at::allclose(weights[number][i].tensor, whole_parameters[i].tensor, 1e-5, 1e-6));
      CHECK(at::equal(weights[number][i].tensor, weights[0][i].tensor));
    }
    CHECK(norms[number] == norms[0]);
    CHECK((rank == 0 || states[number].tensors.count("exp_avg.p0") == 0));
  }
  for (const auto& [name, tensor] : expected.tensors) {
    INFO(name);
    REQUIRE(again[0].tensors.count(name) == 1);
    CHECK(again[0].tensors.at(name).sizes() == tensor.sizes());
    CHECK(at::allclose(again[0].tensors.at(name), tensor, 1e-5, 1e-7));
  }
}

TEST_CASE("the gradient norm of a shared-out optimiser is that of all gradients") {
  TrainParams params;
  auto whole_parameters = made_parameters();
  AdamW whole(whole_parameters, params, nullptr);
  set_gradients(whole_parameters, 0, 1);
  const double expected = whole.grad_norm();
  params.shard_optimizer = true;
  std::vector<double> norms(2);
  on_ranks(2, [&](ThreadRank& rank) {
    auto parameters = made_parameters();
    AdamW optimizer(parameters, params, &rank);
    set_gradients(parameters, 0, 0.5);
    optimizer.all_reduce_gradients();
    norms[static_cast<std::size_t>(rank.rank())] = optimizer.grad_norm();
  });
  CHECK(norms[0] == Approx(expected).epsilon(1e-5));
  CHECK(norms[0] == norms[1]);
}
