// Prefetching: same batches, same positions, errors where they belong.
#include "batch_rows.h"
#include "catch.h"
#include "fakes.h"
#include "host/data/document_batches.h"
#include "host/data/prefetch.h"

using namespace temper;
using namespace temper::test;

namespace {

/// Counts up; fails at one batch.
class Counting final : public BatchSource {
 public:
  explicit Counting(int bad) : bad_(bad) {}
  Batch next() override {
    if (at_ == bad_) throw DataError("batch " + std::to_string(at_) + " is bad");
    Batch batch;
    batch.target_tokens = ++at_;
    return batch;
  }
  double epochs_done() const override { return at_; }
  std::string position() const override { return std::to_string(at_); }
  void restore(const std::string& position) override { at_ = position.empty() ? 0 : std::stoi(position); }

 private:
  int at_ = 0, bad_;
};

}  // namespace

TEST_CASE("batches and positions are the same with prefetching and without") {
  const TempFolder folder;
  const RandomMask objective;
  const auto corpus = corpus_of(folder, numbered_texts(16));
  DocumentBatchOptions options;
  options.batch_size = 2;
  options.context = 24;
  const auto plain = [&] { return std::make_unique<DocumentBatches>(std::vector{corpus}, objective, options); };
  const auto ahead = [&] { return std::make_unique<PrefetchedBatches>(plain()); };
  const auto straight = plain();
  const auto prefetched = ahead();
  for (int i = 0; i < 40; ++i) {
    CHECK(prefetched->position() == straight->position());
    CHECK(prefetched->epochs_done() == straight->epochs_done());
    CHECK(same(prefetched->next(), straight->next()));
  }
  CHECK(every_restore_equals_the_straight_run(ahead, 20));
}

TEST_CASE("an error comes with the batch it belongs to, not with the one before") {
  PrefetchedBatches batches(std::make_unique<Counting>(3));
  for (int i = 1; i <= 3; ++i) CHECK(batches.next().target_tokens == i);
  CHECK(batches.position() == "3");
  CHECK_THROWS_WITH(batches.next(), "batch 3 is bad");
  CHECK(batches.position() == "3");
  batches.restore("1");
  CHECK(batches.epochs_done() == 1);
  CHECK(batches.next().target_tokens == 2);
}

TEST_CASE("a prefetcher can go away while it builds") {
  for (int i = 0; i < 20; ++i) {
    PrefetchedBatches batches(std::make_unique<Counting>(100));
    batches.next();
  }
  SUCCEED();
}
