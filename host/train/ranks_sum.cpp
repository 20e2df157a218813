// Sums over ranks (see ranks_sum.h).
#include "host/train/ranks_sum.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace temper {
namespace {

using Json = nlohmann::json;

/// Tensors travel in pieces of this size: large enough for the network, small beside the model.
constexpr std::int64_t kPieceElements = 4 << 20;

std::string to_bytes(const RankStep& step) {
  const BatchSums& sums = step.sums;
  // CBOR keeps every bit of a double, infinities too.
  const auto cbor = Json::to_cbor(
      {{"loss", sums.loss},
       {"counts", {sums.targets, sums.target_tokens, sums.target_bytes, sums.input_tokens, sums.source_tokens}},
       {"metrics", sums.metrics},
       {"cancelled", step.cancelled}});
  return {cbor.begin(), cbor.end()};
}

}  // namespace

AllSteps add_up(const RankStep& mine, Communicator& communicator) {
  AllSteps all;
  int rank = 0;
  for (const auto& bytes : communicator.all_gather(to_bytes(mine))) {
    const Json json = Json::from_cbor(bytes);
    const double loss = json.at("loss").get<double>();
    if (!std::isfinite(loss)) all.not_finite.push_back(rank);
    const auto counts = json.at("counts").get<std::vector<std::int64_t>>();
    all.sums.loss += loss;
    all.sums.targets += counts.at(0);
    all.sums.target_tokens += counts.at(1);
    all.sums.target_bytes += counts.at(2);
    all.sums.input_tokens += counts.at(3);
    all.sums.source_tokens += counts.at(4);
    for (const auto& [name, value] : json.at("metrics").items()) all.sums.metrics[name] += value.get<double>();
    all.cancelled = all.cancelled || json.at("cancelled").get<bool>();
    ++rank;
  }
  return all;
}

void sum_over_ranks(const std::vector<at::Tensor>& tensors, Communicator& communicator) {
  const at::NoGradGuard guard;
  for (std::size_t first = 0; first < tensors.size();) {
    std::size_t last = first;
    std::vector<at::Tensor> flat;
    for (std::int64_t elements = 0; last < tensors.size() && (last == first || elements < kPieceElements); ++last) {
      flat.push_back(tensors[last].reshape(-1));
      elements += tensors[last].numel();
    }
    at::Tensor piece = at::cat(flat);
    communicator.all_reduce_sum(piece);
    std::int64_t begin = 0;
    for (; first < last; ++first) {
      tensors[first].copy_(piece.narrow(0, begin, tensors[first].numel()).view_as(tensors[first]));
      begin += tensors[first].numel();
    }
  }
}

}  // namespace temper
