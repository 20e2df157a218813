// How many bytes of text a batch's targets stand for, so that runs with different tokenizers and objectives can be compared
// by what they were trained on. Used by the batch sources; the table comes from the run's tokenizer.
// Shapes: B rows, T positions.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "temper/batch.h"
#include "temper/tokenizer.h"

namespace temper {

/// Tokenizer::byte_length of every id, made once and shared by all batch sources of a run.
using TokenBytes = std::shared_ptr<const std::vector<std::int64_t>>;

TokenBytes token_bytes(const Tokenizer& tokenizer);

/// Fills batch.target_bytes from its labels on the CPU. Throws PluginError for a label outside the vocabulary.
void count_target_bytes(Batch& batch, const TokenBytes& bytes);

}  // namespace temper
