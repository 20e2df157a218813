// When an answer has done what was asked, for each kind of task: rules over the text, no judge model. Made once from an item
// (bad items fail there), then asked about answers.
#pragma once

#include <array>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

namespace temper::helpfulness {

/// In the order in which metrics are listed.
inline constexpr std::array<std::string_view, 5> kTasks = {"instruction_following", "closed_book", "open_book",
                                                           "unknown_person", "exact_answer"};

/// The item's kind: its own word if that is one of kTasks; else instruction_following if there is an instruction_id_list,
/// exact_answer if the reference has "####"; else "" (not for this evaluator).
std::string task_of(const std::string& task, const std::string& reference, const nlohmann::json& attributes);

using SuccessTest = std::function<bool(const std::string& answer)>;

/// Throws DataError saying what is missing or wrong.
SuccessTest success_test(const std::string& task, const std::string& reference, const nlohmann::json& attributes);

}  // namespace temper::helpfulness
