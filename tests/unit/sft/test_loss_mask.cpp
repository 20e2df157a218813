// Which tokens of a tuning example are learnt.
#include "catch.h"
#include "loss_mask.h"
#include "temper/error.h"

using namespace temper;

namespace {

constexpr std::int64_t kNo = kIgnoreLabel;

/// Two turns: the prompt 1 2, the answer 3 4 and its end 9, the prompt 5 6, the answer 7 and its end.
Example two_turns() { return {{1, 2, 3, 4, 9, 5, 6, 7}, {kNo, 3, 4, 9, kNo, kNo, 7, 9}, {}, 2}; }

const ArchitectureTraits kDecoder{false, 10, 8, 32};
const ArchitectureTraits kEncoderDecoder{true, 10, 8, 32};

}  // namespace

TEST_CASE("answers are learnt as they are, the last one alone, or everything") {
  std::vector<Example> examples{two_turns()};
  sft::apply_loss_on("answers", examples, kDecoder);
  CHECK(examples[0].labels == two_turns().labels);
  CHECK(examples[0].prefix == 2);

  sft::apply_loss_on("last_answer", examples, kDecoder);
  CHECK(examples[0].labels == std::vector<std::int64_t>{kNo, kNo, kNo, kNo, kNo, kNo, 7, 9});
  CHECK(examples[0].ids == two_turns().ids);

  examples = {two_turns()};
  sft::apply_loss_on("everything", examples, kDecoder);
  // Every label is the token that comes next; the last is the end, which is no input.
  CHECK(examples[0].labels == std::vector<std::int64_t>{2, 3, 4, 9, 5, 6, 7, 9});
  // A prefix that is seen both ways would give away what is to be guessed.
  CHECK(examples[0].prefix == 0);
}

TEST_CASE("a conversation with one answer has no other last one") {
  std::vector<Example> examples{{{1, 2, 3}, {kNo, 3, 9}, {}, 2}};
  sft::apply_loss_on("last_answer", examples, kDecoder);
  CHECK(examples[0].labels == std::vector<std::int64_t>{kNo, 3, 9});
}

TEST_CASE("of an encoder-decoder the last answer is the last example, and prompts cannot be learnt") {
  std::vector<Example> examples{{{0, 3}, {3, 9}, {1, 2, 9}, 0}, {{0, 7}, {7, 9}, {1, 2, 3, 5, 6, 9}, 0}};
  sft::apply_loss_on("last_answer", examples, kEncoderDecoder);
  REQUIRE(examples.size() == 1);
  CHECK(examples[0].source.size() == 6);
  CHECK(examples[0].labels == std::vector<std::int64_t>{7, 9});
  CHECK_THROWS_AS(sft::apply_loss_on("everything", examples, kEncoderDecoder), ConfigError);
}
