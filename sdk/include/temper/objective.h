// A pretraining objective: turns a run of document tokens into a training example, and a batch into a loss.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "temper/architecture.h"
#include "temper/batch.h"
#include "temper/loss.h"
#include "temper/random.h"
#include "temper/tokenizer.h"

namespace temper {

/// A run of tokens cut from one document. `next` is the token that follows the run, or -1 at the document's end.
/// The host has put BOS (if the tokenizer has one) in front of a document and EOS behind it.
struct Piece {
  std::span<const std::int32_t> tokens;
  std::int32_t next = -1;
  bool starts_document = false, ends_document = false;
};

/// Both methods are const and keep no mutable state: the host may build examples on one thread while another computes a
/// loss. [any]
class TEMPER_API Objective {
 public:
  static constexpr std::string_view kKind = "objective";
  struct Args {
    const Tokenizer* tokenizer = nullptr;  ///< valid as long as the objective
    bool encoder_decoder = false;
    bool prefix_attention = false;  ///< of the model; see ArchitectureTraits
  };
  virtual ~Objective();

  /// How many document tokens make an example of `context` decoder positions (and at most `context` encoder positions).
  virtual std::int64_t piece_length(std::int64_t context) const = 0;
  /// Builds the example for one piece. All randomness comes from `rng`.
  virtual Example example(const Piece& piece, Rng& rng) const = 0;
  /// Summed loss over the batch's targets. The default is next-token cross-entropy over `labels_BT`.
  virtual SummedLoss loss(Architecture& model, const Batch& batch) const;
};

}  // namespace temper
