// Totals of a stage with a loop of its own as one text of its resumable state, every bit kept.
#pragma once

#include <string>

#include "temper/train.h"

namespace temper::stages {

std::string totals_text(const FitTotals& totals);
/// Throws DataError if the text is not what totals_text() wrote; `whose` names the loop in the message.
FitTotals totals_from(const std::string& text, const std::string& whose);

}  // namespace temper::stages
