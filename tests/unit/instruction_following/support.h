// Short ways to make and ask a check, for every test of instruction following.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "catch.h"
#include "check.h"
#include "temper/error.h"
#include "verdict.h"

namespace temper::instruction_following {

inline Instructions one_instruction(const std::string& id, const std::string& kwargs = "{}", Options options = {}) {
  nlohmann::json row;
  row["instruction_id_list"].push_back(id);
  row["kwargs"].push_back(nlohmann::json::parse(kwargs));
  return Instructions(row, options);
}

/// The strict verdict on one instruction.
inline bool follows(const std::string& response, const std::string& id, const std::string& kwargs = "{}",
                    Options options = {}) {
  return one_instruction(id, kwargs, options).judge(response).strict.at(0);
}

inline bool follows_loosely(const std::string& response, const std::string& id, const std::string& kwargs = "{}") {
  return one_instruction(id, kwargs).judge(response).loose.at(0);
}

}  // namespace temper::instruction_following
