// What goes into a model and what it is trained on, the same for decoder-only and encoder-decoder models.
// Shapes: B rows, T decoder positions, S encoder positions. All tensors are int64, on one device: for a model, on its own.
// Labels are already shifted: labels_BT[b][t] is the token that position t has to predict; -100 marks "no loss".
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/Device.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "temper/error.h"

namespace temper {

inline constexpr std::int64_t kIgnoreLabel = -100;
inline constexpr std::int64_t kPaddingSegment = -1;

/// Input of one forward pass. Several documents may share a row: `segments_BT` numbers them from 0 within the row, and a
/// position attends only to positions of its own segment (block-diagonal); padding has segment -1.
struct ModelInput {
  at::Tensor ids_BT;
  at::Tensor positions_BT;  ///< position within the document, from 0; padding may hold anything in range
  at::Tensor segments_BT;   ///< undefined: every row is one document without padding on the left
  /// 1 where a position belongs to its segment's prefix, whose positions see one another in both directions; undefined:
  /// no prefixes. Honoured by models with prefix_attention, meaningless to others.
  at::Tensor prefix_BT;
  at::Tensor source_ids_BS, source_segments_BS;  ///< encoder side; undefined for decoder-only models
};

struct Batch {
  ModelInput input;
  at::Tensor labels_BT;
  std::int64_t target_tokens = 0;  ///< labels that are not kIgnoreLabel
  std::int64_t input_tokens = 0;   ///< real (not padding) positions, both sides
  std::int64_t source_tokens = 0;  ///< those of the encoder's side
  std::int64_t target_bytes = 0;   ///< UTF-8 bytes that the targets stand for; filled by the host's batch sources
  /// What a stage's own batch source adds for its loss (margins, reference log-probabilities).
  std::map<std::string, at::Tensor> extra;
};

/// One training example before batching; host arrays. `labels` has the length of `ids`.
struct Example {
  std::vector<std::int64_t> ids, labels;
  std::vector<std::int64_t> source;  ///< encoder side; empty for decoder-only
  std::int64_t prefix = 0;           ///< how many ids at the front are prefix (see ModelInput::prefix_BT)
};

/// Rows with right padding, one example a row, cut to `max_length` (decoder side, from the right).
/// `pad_id` fills; padded labels are kIgnoreLabel. Throws DataError for an empty list or an empty example.
TEMPER_API Batch pad_examples(const std::vector<Example>& examples, std::int64_t max_length, std::int64_t pad_id);
/// Several examples a row, first come first placed in order, rows of exactly `length`; examples longer than that are cut.
/// Uses as many rows as needed. Attention stays within an example and positions start anew in each.
TEMPER_API Batch pack_examples(const std::vector<Example>& examples, std::int64_t length, std::int64_t pad_id);

/// The same with all tensors on `device`; what is there already is shared, not copied. Sources make batches in main memory,
/// training loops move them to their model.
TEMPER_API ModelInput to_device(const ModelInput& input, c10::Device device);
TEMPER_API Batch to_device(Batch batch, c10::Device device);

/// Where the share of `part` of `parts` begins and ends in `count` things in order; the first shares are the larger ones.
inline std::pair<std::int64_t, std::int64_t> part_of(std::int64_t count, std::int64_t part, std::int64_t parts) {
  const std::int64_t each = count / parts, larger = count % parts;
  const std::int64_t begin = part * each + std::min(part, larger);
  return {begin, begin + each + (part < larger ? 1 : 0)};
}

/// Rows `begin` to `end` of a batch without `extra`. Target tokens are counted, the other counts shared out by rows, because
/// the tensors do not say them. No rows: a Batch without tensors.
TEMPER_API Batch rows_of(const Batch& batch, std::int64_t begin, std::int64_t end);

}  // namespace temper
