// Batches as plain arrays, for comparing.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

#include "temper/context.h"

namespace temper::test {

using Row = std::vector<std::int64_t>;

inline Row row_of(const at::Tensor& tensor, std::int64_t row) {
  const auto* data = tensor.data_ptr<std::int64_t>() + row * tensor.size(1);
  return {data, data + tensor.size(1)};
}

inline bool same(const at::Tensor& a, const at::Tensor& b) {
  return a.defined() == b.defined() && (!a.defined() || at::equal(a, b));
}

inline bool same(const Batch& a, const Batch& b) {
  return same(a.input.ids_BT, b.input.ids_BT) && same(a.input.positions_BT, b.input.positions_BT) &&
         same(a.input.segments_BT, b.input.segments_BT) && same(a.input.source_ids_BS, b.input.source_ids_BS) &&
         same(a.input.source_segments_BS, b.input.source_segments_BS) && same(a.labels_BT, b.labels_BT) &&
         a.target_tokens == b.target_tokens && a.input_tokens == b.input_tokens;
}

/// From every batch on, a fresh source restored to that place goes on like the straight run.
template <class MakeSource>
bool every_restore_equals_the_straight_run(MakeSource make, int batches) {
  auto straight = make();
  std::vector<Batch> expected;
  std::vector<std::string> positions;
  for (int i = 0; i < batches; ++i) {
    positions.push_back(straight->position());
    expected.push_back(straight->next());
  }
  for (int start = 0; start < batches; ++start) {
    auto resumed = make();
    resumed->restore(positions[static_cast<std::size_t>(start)]);
    if (resumed->position() != positions[static_cast<std::size_t>(start)]) return false;
    for (int i = start; i < batches; ++i) {
      if (!same(resumed->next(), expected[static_cast<std::size_t>(i)])) return false;
    }
    resumed->restore("");
    if (!same(resumed->next(), expected[0])) return false;
  }
  return true;
}

}  // namespace temper::test
