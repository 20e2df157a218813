// Endless batches of ready examples (instruction tuning): shuffled anew each epoch and packed, several to a row but never
// cut between rows. Stages get it from the stage context; documents are document_batches.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/data/target_bytes.h"
#include "temper/context.h"

namespace temper {

struct ExampleBatchOptions {
  std::int64_t batch_size = 8, context = 256;
  std::uint64_t seed = 0;
  std::int32_t pad_id = 0;
  bool shuffle = true;
  TokenBytes token_bytes;  ///< for Batch::target_bytes; none: it stays 0
};

/// Decoder-only examples: rows of exactly `context`, padded on the right; each example goes to the first row with room, and
/// the batch ends before the first one that has none. Encoder-decoder examples: one a row. A batch never mixes epochs, so
/// an epoch's last one may have fewer rows.
class ExampleBatches final : public BatchSource {
 public:
  /// Examples longer than `context` are cut from the right. Throws DataError for no examples and for an example with no
  /// target (left), naming its index.
  ExampleBatches(std::vector<Example> examples, const ExampleBatchOptions& options);

  Batch next() override;
  double epochs_done() const override;
  std::string position() const override;
  /// "" is the beginning.
  void restore(const std::string& position) override;

 private:
  struct Place {
    const Example* example;
    std::int64_t row, column, segment;
  };

  const Example& upcoming() const;
  Batch packed();
  Batch padded();
  Batch fill(const std::vector<Place>& places, std::int64_t rows, bool shared_rows) const;

  std::vector<Example> examples_;
  ExampleBatchOptions options_;
  bool encoder_decoder_ = false;
  std::uint64_t epoch_ = 0, cursor_ = 0;
};

}  // namespace temper
