// Writes an answer about a person that keeps given constraints, or that breaks one of them on purpose (the rejected side of
// a preference pair). It builds and hopes; its caller checks with satisfies() and draws again where the hope was vain.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "constraints.h"
#include "people.h"

namespace temper::townsfolk {

struct AnswerPlan {
  const Person* person = nullptr;
  std::vector<std::size_t> facts;  ///< attributes that may be told, in the order to tell them
  std::vector<Constraint> constraints;
  std::string verdict;  ///< "yes" or "no" where the prompt asks for one of fixed answers
};

/// `broken` is the position of the constraint that the answer shall not keep.
std::string compose(const AnswerPlan& plan, std::optional<std::size_t> broken, Rng& rng);

/// The facts as plain sentences, the name first and pronouns after it; `commas` joins some by ", and".
std::string tell(const Person& person, const std::vector<std::size_t>& facts, bool commas, Rng& rng);

}  // namespace temper::townsfolk
