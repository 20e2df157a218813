// Totals as text (see totals.h).
#include "totals.h"

#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>

namespace temper::stages {
namespace {

using Json = nlohmann::json;

/// Hexadecimal keeps every bit.
std::string hexadecimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%a", value);
  return text;
}

}  // namespace

std::string totals_text(const FitTotals& totals) {
  const Json json = {{"steps", totals.steps},
                     {"target_tokens", totals.target_tokens},
                     {"input_tokens", totals.input_tokens},
                     {"source_tokens", totals.source_tokens},
                     {"flops", hexadecimal(totals.flops)},
                     {"seconds", hexadecimal(totals.seconds)}};
  return json.dump();
}

FitTotals totals_from(const std::string& text, const std::string& whose) {
  FitTotals totals;
  try {
    const Json json = Json::parse(text);
    totals.steps = json.at("steps");
    totals.target_tokens = json.at("target_tokens");
    totals.input_tokens = json.at("input_tokens");
    totals.source_tokens = json.at("source_tokens");
    totals.flops = std::strtod(json.at("flops").get<std::string>().c_str(), nullptr);
    totals.seconds = std::strtod(json.at("seconds").get<std::string>().c_str(), nullptr);
  } catch (const Json::exception& error) {
    throw DataError("the checkpoint's state of " + whose + " is damaged: " + error.what());
  }
  return totals;
}

}  // namespace temper::stages
