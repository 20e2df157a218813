// Endless batches of documents for pretraining: documents are cut into pieces, the objective makes an example of each, and
// examples fill rows without padding. Every piece comes once an epoch, in an order of its own each epoch. The position is
// two numbers, because everything else follows from the seed. Stages get it from the stage context.
// Shapes: B rows, T positions.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "host/data/corpus.h"
#include "host/data/target_bytes.h"
#include "temper/context.h"
#include "temper/objective.h"

namespace temper {

struct DocumentBatchOptions {
  std::int64_t batch_size = 8, context = 256;
  std::uint64_t seed = 0;
  std::int32_t pad_id = 0;
  bool shuffle = true;
  int rank = 0, world = 1;  ///< this process takes every world-th piece of the common order
  TokenBytes token_bytes;   ///< for Batch::target_bytes; none: it stays 0
};

/// Decoder-only examples: rows of exactly `context`; what does not fit a row goes on in the next one as a segment of its
/// own, positions from 0. An example whose front is not trained (a prefix, a corrupted text) is never cut, because its
/// targets are about that front, unless it is longer than a row: it goes to the next row whole, and the row before is
/// padded. Encoder-decoder examples: one a row, padded.
class DocumentBatches final : public BatchSource {
 public:
  /// `objective` has to outlive this. Throws DataError if the corpora hold nothing to train on.
  DocumentBatches(std::vector<std::shared_ptr<const TokenCorpus>> corpora, const Objective& objective,
                  const DocumentBatchOptions& options);

  Batch next() override;
  double epochs_done() const override;
  std::string position() const override;
  /// "" is the beginning.
  void restore(const std::string& position) override;
  std::int64_t pieces() const { return static_cast<std::int64_t>(pieces_); }

 private:
  Example example_of(std::uint64_t turn) const;
  void load_current();
  void advance();
  Batch packed();
  Batch padded();
  bool keep_whole() const;
  std::string names() const;

  std::vector<std::shared_ptr<const TokenCorpus>> corpora_;
  const Objective& objective_;
  DocumentBatchOptions options_;
  std::int64_t piece_length_;
  std::vector<std::uint64_t> first_piece_;     ///< per document over all corpora, and the total at the end
  std::vector<std::uint64_t> first_document_;  ///< per corpus, and the total at the end
  std::uint64_t pieces_ = 0;
  std::uint64_t turn_ = 0;    ///< piece number in the endless common order: epoch * pieces + place in the epoch
  std::uint64_t offset_ = 0;  ///< how much of the current example is already in a batch
  Example current_;
};

}  // namespace temper
