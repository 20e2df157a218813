// From examples to batches: padding and packing. Stages and the host's batch sources call it.
// Shapes: B rows, T positions.
#include "temper/batch.h"

#include <ATen/ATen.h>

#include <algorithm>

namespace temper {
namespace {

/// Host arrays of a batch under construction, filled with padding.
struct Rows {
  Rows(std::int64_t rows, std::int64_t length, std::int64_t pad_id)
      : ids_BT(at::full({rows, length}, pad_id, at::kLong)),
        positions_BT(at::zeros({rows, length}, at::kLong)),
        segments_BT(at::full({rows, length}, kPaddingSegment, at::kLong)),
        labels_BT(at::full({rows, length}, kIgnoreLabel, at::kLong)),
        prefix_BT(at::zeros({rows, length}, at::kLong)),
        length_(length) {}

  void place(const Example& example, std::int64_t row, std::int64_t column, std::int64_t count, std::int64_t segment) {
    const std::int64_t start = row * length_ + column;
    auto* ids = ids_BT.data_ptr<std::int64_t>() + start;
    auto* positions = positions_BT.data_ptr<std::int64_t>() + start;
    auto* segments = segments_BT.data_ptr<std::int64_t>() + start;
    auto* labels = labels_BT.data_ptr<std::int64_t>() + start;
    for (std::int64_t t = 0; t < count; ++t) {
      ids[t] = example.ids[static_cast<std::size_t>(t)];
      labels[t] = example.labels[static_cast<std::size_t>(t)];
      positions[t] = t;
      segments[t] = segment;
      targets += labels[t] != kIgnoreLabel;
    }
    const std::int64_t prefix = std::min(example.prefix, count);
    if (prefix > 0) std::fill_n(prefix_BT.data_ptr<std::int64_t>() + start, prefix, 1);
    any_prefix = any_prefix || prefix > 0;
    tokens += count;
  }

  at::Tensor ids_BT, positions_BT, segments_BT, labels_BT, prefix_BT;
  std::int64_t targets = 0, tokens = 0;
  bool any_prefix = false;

 private:
  std::int64_t length_;
};

void check(const std::vector<Example>& examples) {
  if (examples.empty()) throw DataError("cannot make a batch of no examples");
  for (std::size_t i = 0; i < examples.size(); ++i) {
    if (examples[i].ids.empty()) throw DataError("example " + std::to_string(i) + " of the batch is empty");
    if (examples[i].ids.size() != examples[i].labels.size()) {
      throw PluginError("example " + std::to_string(i) + " has " + std::to_string(examples[i].ids.size()) + " ids and " +
                        std::to_string(examples[i].labels.size()) + " labels; the two must be equally long");
    }
    if (examples[i].prefix < 0 || examples[i].prefix > static_cast<std::int64_t>(examples[i].ids.size())) {
      throw PluginError("example " + std::to_string(i) + " has a prefix of " + std::to_string(examples[i].prefix) +
                        " positions; it has " + std::to_string(examples[i].ids.size()) + " ids");
    }
  }
}

Batch finish(Rows rows, bool one_segment_rows) {
  Batch batch;
  batch.input.ids_BT = std::move(rows.ids_BT);
  batch.input.positions_BT = std::move(rows.positions_BT);
  if (!one_segment_rows) batch.input.segments_BT = std::move(rows.segments_BT);
  if (rows.any_prefix) batch.input.prefix_BT = std::move(rows.prefix_BT);
  batch.labels_BT = std::move(rows.labels_BT);
  batch.target_tokens = rows.targets;
  batch.input_tokens = rows.tokens;
  return batch;
}

}  // namespace

Batch pad_examples(const std::vector<Example>& examples, std::int64_t max_length, std::int64_t pad_id) {
  check(examples);
  std::int64_t length = 0, source_length = 0;
  for (const auto& example : examples) {
    length = std::max(length, std::min<std::int64_t>(max_length, static_cast<std::int64_t>(example.ids.size())));
    source_length = std::max(source_length, static_cast<std::int64_t>(example.source.size()));
  }
  const auto count = static_cast<std::int64_t>(examples.size());
  Rows rows(count, length, pad_id);
  for (std::int64_t b = 0; b < count; ++b) {
    const auto& example = examples[static_cast<std::size_t>(b)];
    rows.place(example, b, 0, std::min<std::int64_t>(length, static_cast<std::int64_t>(example.ids.size())), 0);
  }
  std::int64_t source_tokens = 0;
  at::Tensor source_ids_BS, source_segments_BS;
  if (source_length > 0) {
    source_ids_BS = at::full({count, source_length}, pad_id, at::kLong);
    source_segments_BS = at::full({count, source_length}, kPaddingSegment, at::kLong);
    for (std::int64_t b = 0; b < count; ++b) {
      const auto& source = examples[static_cast<std::size_t>(b)].source;
      std::copy(source.begin(), source.end(), source_ids_BS.data_ptr<std::int64_t>() + b * source_length);
      std::fill_n(source_segments_BS.data_ptr<std::int64_t>() + b * source_length, source.size(), 0);
      source_tokens += static_cast<std::int64_t>(source.size());
    }
  }
  Batch batch = finish(std::move(rows), /*one_segment_rows=*/true);
  batch.input.source_ids_BS = source_ids_BS;
  batch.input.source_segments_BS = source_segments_BS;
  batch.input_tokens += source_tokens;
  batch.source_tokens = source_tokens;
  return batch;
}

Batch pack_examples(const std::vector<Example>& examples, std::int64_t length, std::int64_t pad_id) {
  check(examples);
  struct Place {
    std::int64_t row, column, count, segment;
  };
  std::vector<Place> places;
  std::int64_t row = 0, column = 0, segment = 0;
  bool one_segment_rows = true;
  for (const auto& example : examples) {
    if (!example.source.empty()) throw PluginError("encoder-decoder examples cannot be packed; pad them instead");
    const std::int64_t count = std::min<std::int64_t>(length, static_cast<std::int64_t>(example.ids.size()));
    if (column + count > length) {
      ++row;
      column = segment = 0;
    }
    if (segment > 0) one_segment_rows = false;
    places.push_back({row, column, count, segment++});
    column += count;
  }
  Rows rows(row + 1, length, pad_id);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    rows.place(examples[i], places[i].row, places[i].column, places[i].count, places[i].segment);
  }
  return finish(std::move(rows), one_segment_rows);
}

namespace {

/// Through pinned memory to a GPU, so that the copy does not wait for what the GPU still computes.
at::Tensor moved(const at::Tensor& tensor, c10::Device device) {
  if (!tensor.defined() || tensor.device() == device) return tensor;
  if (!device.is_cuda() || !tensor.device().is_cpu()) return tensor.to(device);
  return tensor.pin_memory().to(device, tensor.scalar_type(), /*non_blocking=*/true);
}

}  // namespace

ModelInput to_device(const ModelInput& input, c10::Device device) {
  return {moved(input.ids_BT, device),    moved(input.positions_BT, device),  moved(input.segments_BT, device),
          moved(input.prefix_BT, device), moved(input.source_ids_BS, device), moved(input.source_segments_BS, device)};
}

Batch to_device(Batch batch, c10::Device device) {
  batch.input = to_device(batch.input, device);
  batch.labels_BT = moved(batch.labels_BT, device);
  for (auto& [name, tensor] : batch.extra) tensor = moved(tensor, device);
  return batch;
}

Batch rows_of(const Batch& batch, std::int64_t begin, std::int64_t end) {
  Batch part;
  if (begin >= end) return part;
  const auto rows = [&](const at::Tensor& tensor) { return tensor.defined() ? tensor.slice(0, begin, end) : tensor; };
  const ModelInput& all = batch.input;
  part.input = {rows(all.ids_BT),    rows(all.positions_BT),  rows(all.segments_BT),
                rows(all.prefix_BT), rows(all.source_ids_BS), rows(all.source_segments_BS)};
  part.labels_BT = rows(batch.labels_BT);
  part.target_tokens = part.labels_BT.ne(kIgnoreLabel).sum().item<std::int64_t>();
  // Differences of running shares, so that the parts add up to the whole.
  const std::int64_t rows_in_all = all.ids_BT.size(0);
  const auto share = [&](std::int64_t count) { return count * end / rows_in_all - count * begin / rows_in_all; };
  part.input_tokens = share(batch.input_tokens);
  part.source_tokens = share(batch.source_tokens);
  part.target_bytes = share(batch.target_bytes);
  return part;
}

}  // namespace temper
