// What a model does when it is asked about somebody without a text to look it up in: tells the truth, makes something up, or
// abstains. Used by hallucination.cpp for closed_book and unknown_person items.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace temper::hallucination {

enum class Outcome {
  kRight,       ///< the fact and no other; of somebody who does not exist, that nobody of that name is known and no more
  kWrong,       ///< anything else about somebody who exists
  kFabricated,  ///< anything else about somebody who does not exist
  kAbstained    ///< declines, does not know, or says nothing
};
std::string_view to_string(Outcome outcome);

Outcome outcome_of_unknown(const std::string& answer);
/// `attributes` may hold `choices`: texts that must not be told beside the right one.
Outcome outcome_of_known(const std::string& answer, const std::string& reference, const nlohmann::json& attributes);

}  // namespace temper::hallucination
