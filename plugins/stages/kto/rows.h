// Answers marked good or bad, each with a second dialogue that has the same prompt and somebody else's answer: what kto's
// baseline is measured on. Both sides of a pair are rows of their own.
// Shapes: B rows of a batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogues.h"
#include "temper/dataset.h"

namespace temper::kto {

struct Rows {
  std::vector<stages::Dialogue> dialogues;
  std::vector<stages::Dialogue> mismatched;  ///< row i's prompt with the answer of another prompt's row
  std::vector<bool> desirable;
  at::Tensor reference, mismatched_reference;  ///< summed log-probabilities, one a row
  std::int64_t cut = 0;                        ///< dialogues that did not fit the context whole

  std::int64_t size() const { return static_cast<std::int64_t>(dialogues.size()); }
  std::int64_t desirable_rows() const;
};

/// Without the reference's numbers. The rows are put in an order drawn by `seed`; a row's mismatched answer is that of the
/// next row with another prompt. Throws DataError if all rows have one prompt.
Rows make_rows(const std::vector<PreferencePair>& feedback, const std::string& template_name, std::int64_t context_length,
               std::uint64_t seed, const Tokenizer& tokenizer, const ArchitectureTraits& traits);

/// Some rows; extra has reference_B, mismatched_reference_B, tokens_B and desirable_B, and rows_B, which rows they are.
Batch row_batch(const Rows& rows, const std::vector<std::int64_t>& chosen, const ArchitectureTraits& traits,
                std::int64_t pad_id, std::int64_t row_length);
/// The mismatched dialogues of a batch's rows.
Batch mismatched_batch(const Rows& rows, const Batch& batch, const ArchitectureTraits& traits, std::int64_t pad_id,
                       std::int64_t row_length);

}  // namespace temper::kto
