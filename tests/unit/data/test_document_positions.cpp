// Document batches: saving and restoring the position.
#include <nlohmann/json.hpp>

#include "batch_rows.h"
#include "catch.h"
#include "fakes.h"
#include "host/data/document_batches.h"

using namespace temper;
using namespace temper::test;

namespace {

DocumentBatchOptions position_options(std::int64_t batch_size, std::int64_t context) {
  DocumentBatchOptions result;
  result.batch_size = batch_size;
  result.context = context;
  result.seed = 3;
  result.pad_id = ByteTokenizer::kPad;
  return result;
}

}  // namespace

TEST_CASE("P-REPRO-02 P-REPRO-04 batches after a restore equal the straight run, over two epochs and more") {
  const TempFolder folder;
  const auto corpus = corpus_of(folder, numbered_texts(16));
  const RandomMask masked;
  const Reverse reverse;
  for (const Objective* objective : {static_cast<const Objective*>(&masked), static_cast<const Objective*>(&reverse)}) {
    for (const std::int64_t context : {7, 32}) {
      const auto make = [&] {
        return std::make_unique<DocumentBatches>(std::vector{corpus}, *objective, position_options(2, context));
      };
      auto probe = make();
      int batches = 0;
      for (; probe->epochs_done() < 2.2; ++batches) probe->next();
      INFO("context " << context << ", " << batches << " batches");
      CHECK(batches > 10);
      CHECK(every_restore_equals_the_straight_run(make, batches));
    }
  }
}

TEST_CASE("P-REPRO-02 a rank's position restores too") {
  const TempFolder folder;
  const auto corpus = corpus_of(folder, numbered_texts(16));
  const RandomMask objective;
  auto part = position_options(2, 16);
  part.rank = 1;
  part.world = 2;
  CHECK(every_restore_equals_the_straight_run(
      [&] { return std::make_unique<DocumentBatches>(std::vector{corpus}, objective, part); }, 30));
}

TEST_CASE("a position of other data, or no position at all, is refused") {
  const TempFolder folder;
  const NextToken objective;
  const auto corpus = corpus_of(folder, numbered_texts(16));
  DocumentBatches batches({corpus}, objective, position_options(2, 16));
  batches.next();
  const std::string position = batches.position();
  DocumentBatches fewer({corpus_of(folder, numbered_texts(15))}, objective, position_options(2, 16));
  CHECK_THROWS_WITH(fewer.restore(position), ContainsSubstring("belongs to other data"));
  auto reseeded = position_options(2, 16);
  reseeded.seed = 4;
  DocumentBatches other_seed({corpus}, objective, reseeded);
  CHECK_THROWS_AS(other_seed.restore(position), DataError);
  for (const std::string bad : {"{", "[]", "{}", "7", "\"x\"", "{\"version\":2}"})
    CHECK_THROWS_AS(batches.restore(bad), DataError);
  auto state = nlohmann::json::parse(position);
  state["offset"] = 1'000'000;
  CHECK_THROWS_AS(batches.restore(state.dump()), DataError);
  batches.restore(position);
  CHECK(batches.position() == position);
}
