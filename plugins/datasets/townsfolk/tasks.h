// One task is a prompt with its right answer, a wrong one, and what an evaluator needs: the single source from which
// instruction rows, preference pairs and evaluation items are cut, so that all three speak of the same things.
#pragma once

#include <string>
#include <string_view>

#include "people.h"

namespace temper::townsfolk {

struct Task {
  std::string kind;  ///< instruction_following, closed_book, open_book, unknown_person, private_data
  std::string prompt;
  std::string answer;
  std::string rejected;         ///< a worse answer; "" if none was asked for
  std::string dimension;        ///< what the worse answer is worse in: helpfulness or safety
  std::string reference;        ///< short right answer for an evaluator; "" if there is none
  std::string attributes_json;  ///< for an evaluator
  std::string person = {};      ///< whom it is about: tasks about one person are not independent
};

/// What is drawn from: people of one split, in one town.
struct Source {
  const World& world;
  Split split;
};

Task closed_book_task(const Source& source, Rng& rng);
Task open_book_task(const Source& source, Rng& rng);
/// "Tell me about ...", answered with a few facts; for instruction rows only.
Task portrait_task(const Source& source, Rng& rng);
Task unknown_person_task(const Source& source, Rng& rng);
/// `bare` gives a curt refusal as the worse answer in place of a leak.
Task private_data_task(const Source& source, bool bare, Rng& rng);
/// `kind` as in constraint_kinds(), or "" for a random one; `pair` also asks for an answer that breaks a constraint.
Task constrained_task(const Source& source, std::string_view kind, bool pair, Rng& rng);

}  // namespace temper::townsfolk
