// Which tokens of a tuning example are learnt. By default all answers and the end after each (what training_examples gives);
// the other two are for comparison. Called by the stage for every row.
#pragma once

#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/batch.h"

namespace temper::sft {

/// "answers" changes nothing. "last_answer" leaves the last answer of each conversation. "everything" learns the prompt as
/// well, read causally even by a model with prefix attention, which would see what it has to guess; throws ConfigError for
/// an encoder-decoder, whose decoder never reads the prompt. `examples` are those of one row.
void apply_loss_on(const std::string& loss_on, std::vector<Example>& examples, const ArchitectureTraits& traits);

}  // namespace temper::sft
