// Answers that many processes read together, and kto's baseline over their parts of a batch; threads stand for processes.
#include <ATen/ATen.h>

#include <string>

#include "kto.h"
#include "reading.h"
#include "reference_sums.h"
#include "reward_models.h"
#include "test_context.h"
#include "tests/unit/dist/thread_ranks.h"

using namespace temper;
using namespace temper::test;

namespace {

/// Enough for several groups.
std::vector<stages::Dialogue> many_dialogues() {
  const gpt::Gpt model = tiny_gpt();
  const ByteTokenizer bytes{259, {257}, 256, 258};
  std::vector<stages::Dialogue> dialogues;
  for (const auto& pair : letter_pairs(500, 6)) {
    dialogues.push_back(stages::tokenize("plain", pair.prompt, pair.chosen, bytes, model.traits()));
    dialogues.push_back(stages::tokenize("plain", pair.prompt, pair.rejected, bytes, model.traits()));
  }
  return dialogues;
}

}  // namespace

TEST_CASE("what many processes read is what one reads, to the bit", "[preference_stages][reading]") {
  const std::vector<stages::Dialogue> dialogues = many_dialogues();
  stages::RewardHead head = stages::fresh_head(16, {"kind", "short"}, 8);
  gpt::Gpt model = tiny_gpt();
  const at::Tensor sums_N = stages::sum_log_probs(model, dialogues, 256);
  const at::Tensor rewards_NK = stages::read_rewards(model, head, dialogues, 256);
  CHECK(sums_N[7].item<double>() == Approx(by_hand(model, dialogues[7])).margin(1e-4));
  for (const int ranks : {2, 3, 40}) {
    INFO(ranks << " processes");
    std::vector<at::Tensor> all_sums(static_cast<std::size_t>(ranks)), all_rewards(all_sums.size());
    std::vector<std::int64_t> read(all_sums.size(), 0);
    on_ranks(ranks, [&](ThreadRank& rank) {
      const auto number = static_cast<std::size_t>(rank.rank());
      gpt::Gpt own = tiny_gpt();
      own.train(true);
      const auto done = [&](std::int64_t count) { read[number] = count; };
      all_sums[number] = stages::sum_log_probs(own, dialogues, 256, {&rank, done});
      all_rewards[number] = stages::read_rewards(own, head, dialogues, 256, {&rank, {}});
      if (!own.is_training()) all_sums[number] = at::Tensor();
    });
    for (std::size_t i = 0; i < all_sums.size(); ++i) {
      INFO("process " << i);
      REQUIRE(all_sums[i].defined());
      CHECK(all_sums[i].equal(sums_N));
      CHECK(all_rewards[i].equal(rewards_NK));
    }
    CHECK(read[0] == static_cast<std::int64_t>(dialogues.size()));
    // With more processes than groups some have nothing to do.
    CHECK((read.back() == 0) == (ranks == 40));
  }
}

TEST_CASE("when one process is stopped while it reads, all are", "[preference_stages][reading]") {
  const std::vector<stages::Dialogue> dialogues = many_dialogues();
  std::vector<std::string> words(3);
  on_ranks(3, [&](ThreadRank& rank) {
    gpt::Gpt own = tiny_gpt();
    const auto done = [&](std::int64_t) {
      if (rank.rank() == 1) throw Cancelled("stopped by hand");
    };
    try {
      stages::sum_log_probs(own, dialogues, 256, {&rank, done});
    } catch (const Cancelled& cancelled) {
      words[static_cast<std::size_t>(rank.rank())] = cancelled.what();
    }
  });
  for (const auto& each : words) CHECK(each == "stopped by hand");
}

TEST_CASE("kto's baseline is that of the whole batch, also for a process without rows of it", "[preference_stages][kto]") {
  const at::Tensor policy_B = at::tensor({-1.5F, 0.25F, 3.F, -0.125F, 2.F}), reference_B = at::full({5}, -0.3F);
  const at::Tensor expected = kto_baseline(policy_B, reference_B);
  REQUIRE(expected.item<double>() > 0.5);
  for (const int ranks : {1, 2, 4, 7}) {
    std::vector<at::Tensor> all(static_cast<std::size_t>(ranks));
    on_ranks(ranks, [&](ThreadRank& rank) {
      const auto [begin, end] = part_of(5, rank.rank(), ranks);
      const auto part = [&, begin = begin, end = end](const at::Tensor& values_B) {
        return begin < end ? values_B.slice(0, begin, end) : at::Tensor();
      };
      all[static_cast<std::size_t>(rank.rank())] = kto::baseline_of_all(part(policy_B), part(reference_B), rank);
    });
    for (const auto& baseline : all) CHECK(baseline.equal(expected));
  }
}
