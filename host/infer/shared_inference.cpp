// Shares of requests and their results as CBOR (see shared_inference.h).
#include "host/infer/shared_inference.h"

#include <nlohmann/json.hpp>

#include "host/infer/answer_json.h"
#include "temper/batch.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::json;

void read(const Json& json, Completion& completion) { completion = completion_from(json); }
void read(const Json& json, Score& score) { score = score_from(json); }

/// This rank's share by `compute`, then everybody's. A rank that was asked to stop says so instead.
template <class Request, class Result, class Compute>
std::vector<Result> shared(const std::vector<Request>& requests, Communicator& communicator, Compute&& compute) {
  const auto [begin, end] =
      part_of(static_cast<std::int64_t>(requests.size()), communicator.rank(), communicator.world_size());
  Json mine = Json::array();
  try {
    if (begin < end) {
      for (const Result& result : compute({requests.begin() + begin, requests.begin() + end}))
        mine.push_back(to_json(result));
    }
  } catch (const Cancelled& cancelled) {
    mine = cancelled.what();
  }
  const auto bytes = Json::to_cbor(mine);
  std::vector<Result> results;
  std::string stopped;
  for (const auto& text : communicator.all_gather({bytes.begin(), bytes.end()})) {
    const Json part = Json::from_cbor(text);
    if (part.is_string()) {
      stopped = part.get<std::string>();
      continue;
    }
    for (const auto& item : part) {
      Result result;
      read(item, result);
      results.push_back(std::move(result));
    }
  }
  if (!stopped.empty()) throw Cancelled(stopped);
  return results;
}

Json parsed(const std::string& order) {
  try {
    return Json::parse(order);
  } catch (const Json::exception& error) {
    throw PluginError(std::string("an order of rank 0 cannot be read: ") + error.what());
  }
}

}  // namespace

std::vector<Completion> SharedGenerator::generate(const std::vector<GenerateRequest>& requests,
                                                  const SamplingParams& params) {
  if (requests.empty() || communicator_.world_size() == 1) return local_.generate(requests, params);
  if (announce_) announce_(requests, params);
  return shared<GenerateRequest, Completion>(
      requests, communicator_, [&](const std::vector<GenerateRequest>& part) { return local_.generate(part, params); });
}

std::vector<Score> SharedScorer::score(const std::vector<ScoreRequest>& requests) {
  if (requests.empty() || communicator_.world_size() == 1) return local_.score(requests);
  if (announce_) announce_(requests);
  return shared<ScoreRequest, Score>(requests, communicator_,
                                     [&](const std::vector<ScoreRequest>& part) { return local_.score(part); });
}

std::string to_order(const std::vector<GenerateRequest>& requests, const SamplingParams& params) {
  Json list = Json::array();
  for (const auto& request : requests) list.push_back({request.seed, request.prompt_ids});
  Json stops = Json::array();
  for (const auto& stop : params.stop) stops.push_back(std::vector<int>(stop.begin(), stop.end()));
  return Json{{"requests", list},
              {"max_new_tokens", params.max_new_tokens},
              {"temperature", params.temperature},
              {"top_k", params.top_k},
              {"top_p", params.top_p},
              {"min_p", params.min_p},
              {"repetition_penalty", params.repetition_penalty},
              {"stop", stops},
              {"weights", params.weights}}
      .dump();
}

std::string to_order(const std::vector<ScoreRequest>& requests) {
  Json list = Json::array();
  for (const auto& request : requests) list.push_back({request.context_ids, request.continuation_ids});
  return Json{{"requests", list}}.dump();
}

void read_order(const std::string& order, std::vector<GenerateRequest>& requests, SamplingParams& params) {
  const Json json = parsed(order);
  requests.clear();
  for (const auto& request : json.at("requests")) {
    requests.push_back({request.at(1).get<std::vector<std::int32_t>>(), request.at(0).get<std::uint64_t>()});
  }
  params.max_new_tokens = json.at("max_new_tokens");
  params.temperature = json.at("temperature");
  params.top_k = json.at("top_k");
  params.top_p = json.at("top_p");
  params.min_p = json.at("min_p");
  params.repetition_penalty = json.at("repetition_penalty");
  params.stop.clear();
  for (const auto& stop : json.at("stop")) {
    std::string text;
    for (const auto& byte : stop) text.push_back(static_cast<char>(byte.get<int>()));
    params.stop.push_back(text);
  }
  params.weights = json.at("weights");
}

void read_order(const std::string& order, std::vector<ScoreRequest>& requests) {
  const Json json = parsed(order);
  requests.clear();
  for (const auto& request : json.at("requests")) requests.push_back({request.at(0), request.at(1)});
}

}  // namespace temper
