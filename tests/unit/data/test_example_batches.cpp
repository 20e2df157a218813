// Example batches: packing without cuts, epochs that do not mix, errors that name the example.
#include <algorithm>

#include "batch_rows.h"
#include "catch.h"
#include "host/data/example_batches.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::test;

namespace {

ExampleBatchOptions example_options(std::int64_t batch_size, std::int64_t context, bool shuffle = true) {
  ExampleBatchOptions result;
  result.batch_size = batch_size;
  result.context = context;
  result.seed = 9;
  result.pad_id = -7;
  result.shuffle = shuffle;
  return result;
}

/// `length` ids; the last one is trained. Ids say which example it is.
Example example(std::int64_t number, std::size_t length) {
  Example made;
  for (std::size_t i = 0; i < length; ++i) made.ids.push_back(number * 100 + static_cast<std::int64_t>(i));
  made.labels.assign(length, kIgnoreLabel);
  made.labels.back() = number;
  return made;
}

std::vector<Example> examples(int count) {
  std::vector<Example> made;
  for (int i = 0; i < count; ++i) made.push_back(example(i, static_cast<std::size_t>(1 + i * 5 % 9)));
  return made;
}

std::vector<std::int64_t> trained_in(const Batch& batch) {
  std::vector<std::int64_t> numbers;
  for (std::int64_t row = 0; row < batch.labels_BT.size(0); ++row) {
    for (const auto label : row_of(batch.labels_BT, row)) {
      if (label != kIgnoreLabel) numbers.push_back(label);
    }
  }
  return numbers;
}

}  // namespace

TEST_CASE("P-LOSS-05 packed examples keep apart: positions, segments, targets") {
  ExampleBatches batches({example(1, 3), example(2, 2), example(3, 4)}, example_options(2, 6, false));
  const Batch batch = batches.next();
  CHECK(row_of(batch.input.ids_BT, 0) == Row{100, 101, 102, 200, 201, -7});
  CHECK(row_of(batch.input.positions_BT, 0) == Row{0, 1, 2, 0, 1, 0});
  CHECK(row_of(batch.input.segments_BT, 0) == Row{0, 0, 0, 1, 1, kPaddingSegment});
  CHECK(row_of(batch.labels_BT, 0) == Row{-100, -100, 1, -100, 2, -100});
  CHECK(row_of(batch.input.ids_BT, 1) == Row{300, 301, 302, 303, -7, -7});
  CHECK(row_of(batch.input.segments_BT, 1) == Row{0, 0, 0, 0, kPaddingSegment, kPaddingSegment});
  CHECK(batch.target_tokens == 3);
  CHECK(batch.input_tokens == 9);
}

TEST_CASE("the first row with room takes the example, and one example a row needs no segments") {
  ExampleBatches batches({example(1, 5), example(2, 4), example(3, 2), example(4, 1), example(5, 6)},
                         example_options(2, 6, false));
  const Batch batch = batches.next();
  CHECK(row_of(batch.input.ids_BT, 0) == Row{100, 101, 102, 103, 104, 400});
  CHECK(row_of(batch.input.ids_BT, 1) == Row{200, 201, 202, 203, 300, 301});
  const Batch last = batches.next();
  CHECK(last.input.ids_BT.size(0) == 1);
  CHECK_FALSE(last.input.segments_BT.defined());
  CHECK(batches.epochs_done() == 1);
}

TEST_CASE("each epoch trains every example once, in another order, and batches never mix epochs") {
  ExampleBatches batches(examples(31), example_options(3, 12));
  std::vector<std::vector<std::int64_t>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    std::vector<std::int64_t> numbers;
    while (batches.epochs_done() < epoch + 1) {
      const Batch batch = batches.next();
      CHECK(batch.input.ids_BT.size(0) <= 3);
      CHECK(batch.input.ids_BT.size(1) == 12);
      for (const auto number : trained_in(batch)) numbers.push_back(number);
    }
    CHECK(batches.epochs_done() == epoch + 1);
    orders.push_back(numbers);
    std::sort(numbers.begin(), numbers.end());
    CHECK(numbers.size() == 31);
    CHECK(std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end());
  }
  CHECK(orders[0] != orders[1]);
  CHECK(orders[1] != orders[2]);
}

TEST_CASE("P-REPRO-02 P-REPRO-04 example batches after a restore equal the straight run, over two epochs") {
  const auto make = [] { return std::make_unique<ExampleBatches>(examples(29), example_options(2, 10)); };
  auto probe = make();
  int count = 0;
  for (; probe->epochs_done() < 2.2; ++count) probe->next();
  CHECK(count > 10);
  CHECK(every_restore_equals_the_straight_run(make, count));
}

TEST_CASE("encoder-decoder examples get a row each") {
  std::vector<Example> list = {example(1, 3), example(2, 1), example(3, 2)};
  for (auto& made : list) made.source = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
  ExampleBatches batches(list, example_options(2, 10, false));
  const Batch batch = batches.next();
  CHECK(batch.input.source_ids_BS.size(0) == 2);
  CHECK(batch.input.source_ids_BS.size(1) == 10);  // cut like the decoder's side
  CHECK(row_of(batch.labels_BT, 1) == Row{2, -100, -100});
  CHECK(batches.next().input.ids_BT.size(0) == 1);
  list[1].source.clear();
  CHECK_THROWS_AS(ExampleBatches(list, example_options(2, 10)), PluginError);
}

TEST_CASE("long examples are cut from the right; one left without a target is named") {
  Example tail = example(1, 20);
  tail.labels[3] = 42;
  ExampleBatches batches({tail}, example_options(1, 8));
  const Batch batch = batches.next();
  CHECK(batch.target_tokens == 1);
  CHECK(row_of(batch.labels_BT, 0)[3] == 42);
  CHECK_THROWS_WITH(ExampleBatches({example(0, 2), example(1, 20)}, example_options(1, 8)),
                    ContainsSubstring("example 1") && ContainsSubstring("20 tokens") && ContainsSubstring("context"));
}

TEST_CASE("P-LOSS-03 examples without targets, and no examples, are errors") {
  Example mute = example(5, 3);
  mute.labels.assign(3, kIgnoreLabel);
  CHECK_THROWS_WITH(ExampleBatches({example(0, 2), mute}, example_options(1, 8)), ContainsSubstring("example 1"));
  CHECK_THROWS_AS(ExampleBatches({Example{}}, example_options(1, 8)), DataError);
  CHECK_THROWS_AS(ExampleBatches({}, example_options(1, 8)), DataError);
  Example uneven = example(0, 3);
  uneven.labels.pop_back();
  CHECK_THROWS_AS(ExampleBatches({uneven}, example_options(1, 8)), PluginError);
}

TEST_CASE("a position of other examples is refused") {
  ExampleBatches batches(examples(10), example_options(2, 10)), fewer(examples(9), example_options(2, 10)),
      wider(examples(10), example_options(2, 11));
  batches.next();
  CHECK_THROWS_AS(fewer.restore(batches.position()), DataError);
  CHECK_THROWS_AS(wider.restore(batches.position()), DataError);
  for (const std::string bad : {"{", "[]", "{}", "7"}) CHECK_THROWS_AS(batches.restore(bad), DataError);
}

TEST_CASE("prefixes stay with their examples, and target bytes are counted") {
  ExampleBatchOptions options;
  options.batch_size = 1;
  options.context = 6;
  options.shuffle = false;
  options.token_bytes = std::make_shared<std::vector<std::int64_t>>(std::vector<std::int64_t>{0, 1, 2, 3, 4, 5});
  ExampleBatches batches({{{1, 2, 3}, {-100, 3, 4}, {}, 2}, {{5, 4}, {-100, 3}, {}, 1}}, options);
  const Batch batch = batches.next();
  CHECK(row_of(batch.input.prefix_BT, 0) == Row{1, 1, 0, 1, 0, 0});
  CHECK(batch.target_bytes == 10);
  ExampleBatches none({{{1, 2, 3}, {2, 3, 4}, {}}}, options);
  CHECK_FALSE(none.next().input.prefix_BT.defined());
  ExampleBatches pairs({{{1, 2}, {2, 5}, {3, 3, 3}}}, options);
  const Batch sides = pairs.next();
  CHECK(sides.target_bytes == 7);
  CHECK(sides.source_tokens == 3);
  CHECK_THROWS_AS(ExampleBatches({{{1, 2}, {2, 5}, {}, 3}}, options), PluginError);
}
