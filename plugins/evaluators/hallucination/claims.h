// Which names, numbers and dates an answer states, and which of them its source does not have: closed-domain hallucination
// as InstructGPT's labellers were asked about it (Ouyang et al., 2022), by rules instead of people. Used by
// hallucination.cpp; what is a source is its business.
#pragma once

#include <string>
#include <vector>

namespace temper::hallucination {

enum class ClaimKind {
  kEntity,    ///< a run of capitalised words ("Rosa Carmichael", "University of Leeds")
  kNumber,    ///< 1,234.5 or twenty-nine
  kQuantity,  ///< a number with its unit ("5 km", "12 %")
  kDate       ///< a day or year of a month ("3 May 1990")
};

struct Claim {
  ClaimKind kind = ClaimKind::kEntity;
  std::string text;  ///< as the answer has it
  bool supported = false;
};

/// The claims of `answer` in its order, each judged against `source`, which may hold several texts. A single capitalised
/// word at the beginning of a sentence is a claim only if the source has it as a name, because most such words are none.
std::vector<Claim> claims_of(const std::string& answer, const std::string& source);

}  // namespace temper::hallucination
