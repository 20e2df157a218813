// Numbers in JSON output: what is not finite (an interval that could not be computed) is null.
#pragma once

#include <cmath>
#include <nlohmann/json.hpp>

namespace temper {

inline nlohmann::ordered_json json_number(double value) {
  return std::isfinite(value) ? nlohmann::ordered_json(value) : nlohmann::ordered_json(nullptr);
}

}  // namespace temper
