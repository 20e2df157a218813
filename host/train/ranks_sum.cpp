// Sums over ranks (see ranks_sum.h).
#include "host/train/ranks_sum.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

namespace temper {
namespace {

using Json = nlohmann::json;

/// Gradients travel in pieces of this size: large enough for the network, small beside the model.
constexpr std::int64_t kPieceElements = 4 << 20;

std::string to_bytes(const RankStep& step) {
  const BatchSums& sums = step.sums;
  // CBOR keeps every bit of a double, infinities too.
  const auto cbor = Json::to_cbor(
      {{"loss", sums.loss},
       {"counts", {sums.targets, sums.target_tokens, sums.target_bytes, sums.input_tokens, sums.source_tokens}},
       {"metrics", sums.metrics},
       {"cancelled", step.cancelled},
       {"with_gradient", step.with_gradient}});
  return {cbor.begin(), cbor.end()};
}

}  // namespace

AllSteps add_up(const RankStep& mine, Communicator& communicator) {
  AllSteps all;
  std::set<std::int64_t> gradients;
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
    for (const auto& number : json.at("with_gradient")) gradients.insert(number.get<std::int64_t>());
    ++rank;
  }
  all.with_gradient.assign(gradients.begin(), gradients.end());
  return all;
}

std::vector<std::int64_t> with_gradient(const std::vector<NamedParameter>& parameters) {
  std::vector<std::int64_t> numbers;
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].tensor.grad().defined()) numbers.push_back(static_cast<std::int64_t>(i));
  }
  return numbers;
}

void sum_gradients(const std::vector<NamedParameter>& parameters, const std::vector<std::int64_t>& numbers,
                   Communicator& communicator) {
  const at::NoGradGuard guard;
  std::vector<at::Tensor> gradients;
  for (const auto number : numbers) {
    at::Tensor tensor = parameters[static_cast<std::size_t>(number)].tensor;
    if (!tensor.grad().defined()) tensor.mutable_grad() = at::zeros_like(tensor);
    gradients.push_back(tensor.grad());
  }
  for (std::size_t first = 0; first < gradients.size();) {
    std::size_t last = first;
    std::vector<at::Tensor> flat;
    for (std::int64_t elements = 0; last < gradients.size() && (last == first || elements < kPieceElements); ++last) {
      flat.push_back(gradients[last].reshape(-1));
      elements += gradients[last].numel();
    }
    at::Tensor piece = at::cat(flat);
    communicator.all_reduce_sum(piece);
    std::int64_t begin = 0;
    for (; first < last; ++first) {
      gradients[first].copy_(piece.narrow(0, begin, gradients[first].numel()).view_as(gradients[first]));
      begin += gradients[first].numel();
    }
  }
}

}  // namespace temper
