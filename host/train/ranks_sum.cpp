// Sums over ranks (see ranks_sum.h).
#include "host/train/ranks_sum.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <set>

namespace temper {
namespace {

using Json = nlohmann::json;

/// Gradients travel in pieces of this size: large enough for the network, small beside the model.
constexpr std::int64_t kPieceElements = 4 << 20;

/// Every bit of a double survives as hexadecimal text.
std::string hexadecimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

double number_from(const Json& text) { return std::strtod(text.get<std::string>().c_str(), nullptr); }

std::string to_text(const RankStep& step) {
  const BatchSums& sums = step.sums;
  Json metrics = Json::object();
  for (const auto& [name, value] : sums.metrics) metrics[name] = hexadecimal(value);
  return Json{{"loss", hexadecimal(sums.loss)},
              {"counts", {sums.targets, sums.target_tokens, sums.target_bytes, sums.input_tokens, sums.source_tokens}},
              {"metrics", metrics},
              {"cancelled", step.cancelled},
              {"with_gradient", step.with_gradient}}
      .dump();
}

}  // namespace

AllSteps add_up(const RankStep& mine, Communicator& communicator) {
  AllSteps all;
  std::set<std::int64_t> gradients;
  int rank = 0;
  for (const auto& text : communicator.all_gather(to_text(mine))) {
    const Json json = Json::parse(text);
    const double loss = number_from(json.at("loss"));
    if (!std::isfinite(loss)) all.not_finite.push_back(rank);
    const auto counts = json.at("counts").get<std::vector<std::int64_t>>();
    all.sums.loss += loss;
    all.sums.targets += counts.at(0);
    all.sums.target_tokens += counts.at(1);
    all.sums.target_bytes += counts.at(2);
    all.sums.input_tokens += counts.at(3);
    all.sums.source_tokens += counts.at(4);
    for (const auto& [name, value] : json.at("metrics").items()) all.sums.metrics[name] += number_from(value);
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
