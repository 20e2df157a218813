// Whether a generated answer is right: extraction, normalisation, and comparison as text or as a number. Used by
// in_context.cpp for generation tasks.
#pragma once

#include <string>
#include <vector>

#include "task.h"

namespace temper::in_context {

struct Verdict {
  std::string extracted;  ///< what was compared, "" if nothing was found
  bool right = false;
};
/// White space around both sides never counts (P-EVAL-08). As numbers: the answer's last one against the gold's (behind
/// "####", if that is there), in one spelling (P-EVAL-09). Throws DataError if a gold number is asked for and there is none.
Verdict judge(const std::string& answer, const std::vector<std::string>& gold, const Task& task);

}  // namespace temper::in_context
