// Shares of batches: together they are the whole, whatever their number.
#include <ATen/ATen.h>

#include "catch.h"
#include "temper/batch.h"
#include "temper/train.h"

using namespace temper;

namespace {

Batch batch_of(std::int64_t rows) {
  std::vector<Example> examples;
  for (std::int64_t i = 0; i < rows; ++i) {
    Example example;
    for (std::int64_t t = 0; t < i + 2; ++t) {
      example.ids.push_back(10 * i + t);
      example.labels.push_back(t % 2 == 0 ? kIgnoreLabel : 10 * i + t);
    }
    examples.push_back(example);
  }
  Batch batch = pad_examples(examples, 64, 0);
  batch.target_bytes = 7 * rows + 1;
  return batch;
}

/// Gives the same batch for ever.
class OneBatch final : public BatchSource {
 public:
  explicit OneBatch(Batch batch) : batch_(std::move(batch)) {}
  Batch next() override { return batch_; }
  double epochs_done() const override { return 0; }
  std::string position() const override { return ""; }
  void restore(const std::string&) override {}

 private:
  Batch batch_;
};

}  // namespace

TEST_CASE("shares are in order, leave nothing out and differ by one at most") {
  for (const std::int64_t count : {0, 1, 5, 8, 13}) {
    for (const std::int64_t parts : {1, 2, 3, 4, 20}) {
      std::int64_t next = 0, largest = 0, smallest = count;
      for (std::int64_t part = 0; part < parts; ++part) {
        const auto [begin, end] = part_of(count, part, parts);
        CHECK(begin == next);
        next = end;
        largest = std::max(largest, end - begin);
        smallest = std::min(smallest, end - begin);
      }
      CHECK(next == count);
      CHECK(largest - smallest <= 1);
    }
  }
}

TEST_CASE("the parts of a batch are its rows, and their counts add up to its counts") {
  for (const std::int64_t rows : {1, 3, 4, 7}) {
    const Batch whole = batch_of(rows);
    for (const std::int64_t parts : {1, 2, 3, 5}) {
      std::vector<at::Tensor> ids, labels;
      std::int64_t targets = 0, inputs = 0, bytes = 0;
      for (std::int64_t part = 0; part < parts; ++part) {
        OneBatch source(whole);
        const Batch mine = source.next_part(part, parts);
        targets += mine.target_tokens;
        inputs += mine.input_tokens;
        bytes += mine.target_bytes;
        if (!mine.input.ids_BT.defined()) {
          CHECK(part >= rows);
          continue;
        }
        CHECK(mine.target_tokens == mine.labels_BT.ne(kIgnoreLabel).sum().item<std::int64_t>());
        ids.push_back(mine.input.ids_BT);
        labels.push_back(mine.labels_BT);
      }
      CHECK(at::equal(at::cat(ids), whole.input.ids_BT));
      CHECK(at::equal(at::cat(labels), whole.labels_BT));
      CHECK(targets == whole.target_tokens);
      CHECK(inputs == whole.input_tokens);
      CHECK(bytes == whole.target_bytes);
    }
  }
}

TEST_CASE("a batch whose rows may belong together is not torn apart") {
  Batch batch = batch_of(4);
  batch.extra["pairs"] = at::arange(2);
  OneBatch source(batch);
  CHECK(at::equal(source.next_part(0, 2).input.ids_BT, batch.input.ids_BT));
  CHECK_FALSE(source.next_part(1, 2).input.ids_BT.defined());
}
