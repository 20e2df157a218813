// Completions and scores to JSON and back (see answer_json.h).
#include "host/infer/answer_json.h"

namespace temper {
namespace {

using Json = nlohmann::json;

// A text may be cut in the middle of a character, so it is bytes.
Json bytes_of(const std::string& text) { return Json::binary({text.begin(), text.end()}); }

std::string text_of(const Json& value) {
  const auto& bytes = value.get_binary();
  return {bytes.begin(), bytes.end()};
}

}  // namespace

Json to_json(const Completion& completion) {
  return {{"ids", completion.ids},
          {"log_probs", completion.log_probs},
          {"text", bytes_of(completion.text)},
          {"finished", completion.finished},
          {"stopped_by", bytes_of(completion.stopped_by)}};
}

Json to_json(const Score& score) {
  return {{"log_probs", score.log_probs}, {"sum", score.sum}, {"is_greedy", score.is_greedy}};
}

Completion completion_from(const Json& json) {
  return {json.at("ids").get<std::vector<std::int32_t>>(), json.at("log_probs").get<std::vector<float>>(),
          text_of(json.at("text")), json.at("finished").get<bool>(), text_of(json.at("stopped_by"))};
}

Score score_from(const Json& json) {
  return {json.at("log_probs").get<std::vector<float>>(), json.at("sum").get<double>(), json.at("is_greedy").get<bool>()};
}

}  // namespace temper
