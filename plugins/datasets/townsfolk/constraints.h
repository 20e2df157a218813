// Constraints on the form of an answer that a program can check, under the ids and arguments of IFEval (Zhou et al. 2023,
// arXiv:2311.07911): which exist, how a prompt words them, and whether an answer keeps them. The generator checks every
// demonstration with satisfies() before it lets it out; the evaluator that scores models has its own checkers.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "people.h"

namespace temper::townsfolk {

struct Constraint {
  std::string id;  ///< IFEval's: "change_case:english_lowercase"
  nlohmann::json kwargs = nlohmann::json::object();
  std::string wording;  ///< what the prompt says
};

/// Every kind that the town uses, in the order in which items go through them.
const std::vector<std::string_view>& constraint_kinds();

/// One constraint of kind `kind` with random arguments. `facts` (two or more) are those that the answer may tell, `request`
/// is what a repeated prompt has to repeat.
Constraint make_constraint(std::string_view kind, const Person& person, const std::vector<std::size_t>& facts,
                           const std::string& request, Rng& rng);
/// Whether the two can be asked for together without one spoiling the other's demonstration.
bool compatible(std::string_view first, std::string_view second);
bool satisfies(const std::string& answer, const Constraint& constraint);

/// Words as runs of ASCII letters, digits and underscores: the town's English has no others.
std::vector<std::string> words_of(const std::string& text);
std::string lower(std::string text);
std::string upper(std::string text);

}  // namespace temper::townsfolk
