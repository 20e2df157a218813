// Requests computed by all ranks: everybody gets everything, in order, and each request is computed once (P-EVAL-11).
#include <atomic>
#include <cmath>

#include "catch.h"
#include "host/infer/shared_inference.h"
#include "temper/error.h"
#include "thread_ranks.h"

using namespace temper;
using namespace temper::test;

namespace {

/// Answers with the request's own seed, and counts.
class EchoGenerator final : public Generator {
 public:
  explicit EchoGenerator(std::atomic<int>& asked, bool cancels = false) : asked_(asked), cancels_(cancels) {}
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    if (cancels_) throw Cancelled("stopped");
    std::vector<Completion> done;
    for (const auto& request : requests) {
      ++asked_;
      const auto seed = static_cast<std::int32_t>(request.seed);
      done.push_back({{seed, request.prompt_ids.at(0)},
                      {-0.1F * static_cast<float>(seed)},
                      "cut \xEA\xB0",
                      seed % 2 == 0,
                      params.stop.empty() ? "eos" : params.stop[0]});
    }
    return done;
  }

 private:
  std::atomic<int>& asked_;
  bool cancels_;
};

class LengthScorer final : public Scorer {
 public:
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Score> scores;
    for (const auto& request : requests) {
      const double sum = -std::sqrt(static_cast<double>(request.context_ids.size() + 2));
      scores.push_back({{static_cast<float>(sum), 1e-30F}, sum, request.continuation_ids.size() == 1});
    }
    return scores;
  }
};

std::vector<GenerateRequest> requests_of(int count) {
  std::vector<GenerateRequest> requests;
  for (int i = 0; i < count; ++i) requests.push_back({{100 + i, 7}, static_cast<std::uint64_t>(i)});
  return requests;
}

}  // namespace

TEST_CASE("all ranks get all answers in order, and no request is computed twice, P-EVAL-11") {
  for (const int ranks : {1, 2, 3}) {
    for (const int count : {1, 2, 5}) {
      INFO(count << " requests, " << ranks << " ranks");
      std::atomic<int> asked = 0;
      std::vector<std::vector<Completion>> seen(static_cast<std::size_t>(ranks));
      SamplingParams params;
      params.stop = {"\xff stop"};
      on_ranks(ranks, [&](ThreadRank& rank) {
        EchoGenerator local(asked);
        SharedGenerator shared(local, rank);
        seen[static_cast<std::size_t>(rank.rank())] = shared.generate(requests_of(count), params);
      });
      CHECK(asked == count);
      for (const auto& answers : seen) {
        REQUIRE(answers.size() == static_cast<std::size_t>(count));
        for (int i = 0; i < count; ++i) {
          const Completion& answer = answers[static_cast<std::size_t>(i)];
          CHECK(answer.ids == std::vector<std::int32_t>{i, 100 + i});
          CHECK(answer.log_probs == std::vector<float>{-0.1F * static_cast<float>(i)});
          CHECK(answer.text == "cut \xEA\xB0");
          CHECK(answer.finished == (i % 2 == 0));
          CHECK(answer.stopped_by == "\xff stop");
        }
      }
    }
  }
}

TEST_CASE("scores keep every bit") {
  std::vector<ScoreRequest> requests;
  for (int i = 0; i < 5; ++i) requests.push_back({std::vector<std::int32_t>(static_cast<std::size_t>(i), 3), {1}});
  LengthScorer local;
  const auto expected = local.score(requests);
  std::vector<std::vector<Score>> seen(2);
  on_ranks(2, [&](ThreadRank& rank) {
    LengthScorer mine;
    SharedScorer shared(mine, rank);
    seen[static_cast<std::size_t>(rank.rank())] = shared.score(requests);
  });
  for (const auto& scores : seen) {
    REQUIRE(scores.size() == expected.size());
    for (std::size_t i = 0; i < scores.size(); ++i) {
      CHECK(scores[i].sum == expected[i].sum);
      CHECK(scores[i].log_probs == expected[i].log_probs);
      CHECK(scores[i].is_greedy);
    }
  }
}

TEST_CASE("when one rank is asked to stop, all stop") {
  std::atomic<int> asked = 0, stopped = 0;
  on_ranks(3, [&](ThreadRank& rank) {
    EchoGenerator local(asked, rank.rank() == 1);
    SharedGenerator shared(local, rank);
    try {
      shared.generate(requests_of(6), {});
    } catch (const Cancelled&) {
      ++stopped;
    }
  });
  CHECK(stopped == 3);
}

TEST_CASE("orders say everything that an answer depends on") {
  SamplingParams params{12, 0.1 + 0.2, 5, 0.9, 0.05, 1.1, {"\n", "\xff"}, "int8"};
  std::vector<GenerateRequest> requests{{{1, -2, 3}, ~std::uint64_t{0}}, {{4}, 0}}, found;
  SamplingParams read;
  read_order(to_order(requests, params), found, read);
  REQUIRE(found.size() == 2);
  CHECK(found[0].prompt_ids == requests[0].prompt_ids);
  CHECK(found[0].seed == requests[0].seed);
  CHECK(found[1].prompt_ids == requests[1].prompt_ids);
  CHECK(read.max_new_tokens == 12);
  CHECK(read.temperature == 0.1 + 0.2);
  CHECK(read.top_k == 5);
  CHECK(read.top_p == 0.9);
  CHECK(read.min_p == 0.05);
  CHECK(read.repetition_penalty == 1.1);
  CHECK(read.stop == params.stop);
  CHECK(read.weights == "int8");

  std::vector<ScoreRequest> scored;
  read_order(to_order(std::vector<ScoreRequest>{{{}, {5, 6}}, {{7}, {8}}}), scored);
  REQUIRE(scored.size() == 2);
  CHECK(scored[0].context_ids.empty());
  CHECK(scored[0].continuation_ids == std::vector<std::int32_t>{5, 6});
  CHECK(scored[1].context_ids == std::vector<std::int32_t>{7});
  CHECK_THROWS_AS(read_order("{", scored), PluginError);
}
