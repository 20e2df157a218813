// Completions and scores as JSON for CBOR, with every bit: how they lie in the answer cache and travel between ranks.
#pragma once

#include <nlohmann/json.hpp>

#include "temper/generate.h"

namespace temper {

nlohmann::json to_json(const Completion& completion);
nlohmann::json to_json(const Score& score);
/// Throw nlohmann::json::exception for anything else.
Completion completion_from(const nlohmann::json& json);
Score score_from(const nlohmann::json& json);

}  // namespace temper
