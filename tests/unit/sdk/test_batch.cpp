// Padding and packing.
#include <ATen/ATen.h>

#include "catch.h"
#include "temper/batch.h"

using namespace temper;

namespace {
std::vector<std::int64_t> row(const at::Tensor& tensor, std::int64_t index) {
  const at::Tensor values = tensor[index].contiguous();
  return {values.data_ptr<std::int64_t>(), values.data_ptr<std::int64_t>() + values.numel()};
}
}  // namespace

TEST_CASE("P-LOSS-05 packing 3 and 2 gives positions 0 1 2 0 1, 9 allowed pairs and 3 targets") {
  const Batch batch = pack_examples({{{5, 6, 7}, {6, 7, -100}, {}}, {{8, 9}, {9, -100}, {}}}, 5, 0);
  CHECK(row(batch.input.positions_BT, 0) == std::vector<std::int64_t>{0, 1, 2, 0, 1});
  CHECK(row(batch.input.segments_BT, 0) == std::vector<std::int64_t>{0, 0, 0, 1, 1});
  CHECK(batch.target_tokens == 3);
  const auto segments = row(batch.input.segments_BT, 0);
  int pairs = 0;
  for (std::size_t q = 0; q < 5; ++q) {
    for (std::size_t k = 0; k <= q; ++k) pairs += segments[q] == segments[k];
  }
  CHECK(pairs == 9);
}

TEST_CASE("packing opens rows as needed and cuts what is too long") {
  const Batch batch =
      pack_examples({{{1, 2, 3}, {2, 3, 4}, {}}, {{5, 6}, {6, 7}, {}}, {{1, 2, 3, 4, 5, 6}, {2, 3, 4, 5, 6, 7}, {}}}, 4, 9);
  CHECK(batch.input.ids_BT.size(0) == 3);
  CHECK(row(batch.input.ids_BT, 0) == std::vector<std::int64_t>{1, 2, 3, 9});
  CHECK(row(batch.labels_BT, 0) == std::vector<std::int64_t>{2, 3, 4, -100});
  CHECK(row(batch.input.ids_BT, 2) == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK_FALSE(batch.input.segments_BT.defined());
  CHECK(batch.input_tokens == 9);
}

TEST_CASE("padding keeps sources beside their targets") {
  const Batch batch = pad_examples({{{1, 2}, {2, 3}, {7, 8, 9}}, {{4}, {5}, {6}}}, 8, 0);
  CHECK(row(batch.input.source_ids_BS, 1) == std::vector<std::int64_t>{6, 0, 0});
  CHECK(row(batch.input.source_segments_BS, 1) == std::vector<std::int64_t>{0, -1, -1});
  CHECK(row(batch.labels_BT, 1) == std::vector<std::int64_t>{5, -100});
  CHECK(batch.target_tokens == 3);
}

TEST_CASE("prefixes are marked where an example has one, in padded and in packed rows") {
  const std::vector<Example> examples = {
      {{5, 6, 7}, {-100, 7, 8}, {}, 2}, {{8, 9}, {9, 1}, {}, 0}, {{4, 3}, {-100, 2}, {}, 1}};
  const Batch padded = pad_examples(examples, 8, 0);
  CHECK(row(padded.input.prefix_BT, 0) == std::vector<std::int64_t>{1, 1, 0});
  CHECK(row(padded.input.prefix_BT, 1) == std::vector<std::int64_t>{0, 0, 0});
  CHECK(row(padded.input.prefix_BT, 2) == std::vector<std::int64_t>{1, 0, 0});
  const Batch packed = pack_examples(examples, 7, 0);
  CHECK(row(packed.input.prefix_BT, 0) == std::vector<std::int64_t>{1, 1, 0, 0, 0, 1, 0});
  CHECK_FALSE(pad_examples({{{1}, {2}, {}}}, 8, 0).input.prefix_BT.defined());
  CHECK_FALSE(pack_examples({{{1}, {2}, {}}}, 8, 0).input.prefix_BT.defined());
}

TEST_CASE("a prefix is cut with its example, and one that is longer than it is refused") {
  const Batch batch = pad_examples({{{5, 6, 7}, {-100, -100, 8}, {}, 3}}, 2, 0);
  CHECK(row(batch.input.prefix_BT, 0) == std::vector<std::int64_t>{1, 1});
  CHECK_THROWS_AS(pad_examples({{{5, 6}, {6, 7}, {}, 3}}, 8, 0), PluginError);
  CHECK_THROWS_AS(pack_examples({{{5, 6}, {6, 7}, {}, -1}}, 8, 0), PluginError);
}

TEST_CASE("source tokens are counted by themselves and among the input") {
  const Batch batch = pad_examples({{{1, 2}, {2, 3}, {7, 8, 9}}, {{4}, {5}, {6}}}, 8, 0);
  CHECK(batch.source_tokens == 4);
  CHECK(batch.input_tokens == 7);
  CHECK(pad_examples({{{1, 2}, {2, 3}, {}}}, 8, 0).source_tokens == 0);
}

TEST_CASE("empty input is refused") {
  CHECK_THROWS_AS(pad_examples({}, 8, 0), DataError);
  CHECK_THROWS_AS(pad_examples({{{}, {}, {}}}, 8, 0), DataError);
  CHECK_THROWS_AS(pack_examples({{{1}, {}, {}}}, 8, 0), PluginError);
}

TEST_CASE("a token counts the same with and without packing, P-LOSS-06") {
  // Seven tokens that cost 1 each and two that cost 4: the mean over tokens is 15/9, over samples it would be 2.5.
  const std::vector<Example> examples = {{{1, 1, 1, 1, 1, 1, 1}, {1, 1, 1, 1, 1, 1, 1}, {}}, {{2, 2}, {2, 2}, {}}};
  for (const Batch& batch : {pad_examples(examples, 16, 0), pack_examples(examples, 16, 0)}) {
    const at::Tensor counted = batch.labels_BT.masked_select(batch.labels_BT != kIgnoreLabel);
    const at::Tensor costs = at::where(counted == 1, 1.0, 4.0);
    CHECK(batch.target_tokens == 9);
    CHECK(costs.sum().item<double>() / static_cast<double>(batch.target_tokens) == Approx(15.0 / 9));
  }
}
