// Shared beginnings: the plan, and scores that equal those of full passes for models of all three kinds, whatever else is
// asked at the same time.
#include <ATen/ATen.h>

#include <cmath>
#include <numeric>
#include <set>

#include "byte_tokenizer.h"
#include "catch.h"
#include "gpt.h"
#include "host/infer/scorer.h"
#include "host/infer/shared_prefix.h"
#include "llama.h"
#include "t5.h"
#include "temper/random.h"

using namespace temper;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr std::int64_t kVocabulary = 40;

Ids random_ids(Rng& rng, std::size_t count) {
  Ids ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(static_cast<std::int32_t>(3 + rng.below(kVocabulary - 3)));
  return ids;
}

/// Questions behind the same 30 tokens, with options of one to nine tokens; some requests of their own between them.
std::vector<ScoreRequest> exam(std::uint64_t seed, std::size_t questions, std::size_t longest = 9) {
  Rng rng(seed);
  const Ids demonstrations = random_ids(rng, 30);
  std::vector<ScoreRequest> requests;
  for (std::size_t q = 0; q < questions; ++q) {
    ScoreRequest request{demonstrations, {}};
    const Ids question = random_ids(rng, 1 + rng.below(8));
    request.context_ids.insert(request.context_ids.end(), question.begin(), question.end());
    const std::size_t options = 2 + rng.below(4);
    for (std::size_t option = 0; option < options; ++option) {
      request.continuation_ids = random_ids(rng, 1 + rng.below(longest));
      requests.push_back(request);
    }
    requests.push_back({random_ids(rng, 1 + rng.below(40)), random_ids(rng, 1 + rng.below(70))});
  }
  return requests;
}

void check_equal(const std::vector<Score>& a, const std::vector<Score>& b) {
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].log_probs.size() == b[i].log_probs.size());
    for (std::size_t t = 0; t < a[i].log_probs.size(); ++t) {
      worst = std::max(worst, static_cast<double>(std::abs(a[i].log_probs[t] - b[i].log_probs[t])));
    }
    CHECK(a[i].is_greedy == b[i].is_greedy);
    CHECK(std::abs(a[i].sum - b[i].sum) < 1e-4);
  }
  CHECK(worst < 1e-4);
}

std::vector<ScoreWindow> windows_of(const std::vector<ScoreRequest>& requests) {
  std::vector<ScoreWindow> windows;
  for (const auto& request : requests) {
    for (auto& window : score_windows(request, 0)) windows.push_back(std::move(window));
  }
  return windows;
}

template <class Model>
void check_model(Model& model) {
  model.train(false);
  const test::ByteTokenizer tokenizer(kVocabulary, {1});
  for (const std::size_t longest : {std::size_t{1}, std::size_t{9}}) {
    const auto requests = exam(5, 40, longest);
    const auto shared = BatchScorer(model, tokenizer, {}, 512).score(requests);
    check_equal(shared, BatchScorer(model, tokenizer, {}, 512, false).score(requests));
    // One request alone, and all of them the other way round.
    check_equal({shared[7]}, BatchScorer(model, tokenizer, {}).score({requests[7]}));
    auto turned = BatchScorer(model, tokenizer, {}).score({requests.rbegin(), requests.rend()});
    std::reverse(turned.begin(), turned.end());
    check_equal(shared, turned);
    // Steps so small that a row goes on in the next one.
    check_equal(shared, BatchScorer(model, tokenizer, {}, 100).score(requests));
  }
}

llama::LlamaParams llama_params() {
  llama::LlamaParams params;
  params.d_model = 64;
  params.num_layers = 2;
  params.num_heads = 4;
  params.num_kv_heads = 2;
  params.max_positions = 64;
  params.init_std = 0.4;
  return params;
}

}  // namespace

TEST_CASE("shared scores equal full passes: llama") {
  llama::Llama model(llama_params(), {kVocabulary, 11});
  check_model(model);
}

TEST_CASE("shared scores equal full passes: llama whose contexts see both ways") {
  auto params = llama_params();
  params.prefix_attention = true;
  llama::Llama model(params, {kVocabulary, 11});
  check_model(model);
}

TEST_CASE("shared scores equal full passes: gpt") {
  gpt::GptParams params;
  params.d_model = 64;
  params.num_layers = 2;
  params.num_heads = 4;
  params.max_positions = 64;
  gpt::Gpt model(params, {kVocabulary, 11});
  check_model(model);
}

TEST_CASE("shared scores equal full passes: t5") {
  t5::T5Params params;
  params.d_model = 64;
  params.num_layers = 2;
  params.num_decoder_layers = 2;
  params.num_heads = 4;
  params.d_kv = 16;
  params.d_ff = 64;
  t5::T5 model(params, {kVocabulary, 11});
  check_model(model);
}

TEST_CASE("questions behind the same demonstrations are one beginning, and every window is planned at most once") {
  const auto windows = windows_of(exam(5, 40));
  const auto plan = plan_sharing(windows, true, 1024);
  REQUIRE(!plan.empty());
  CHECK(plan[0].common >= 30);
  CHECK(plan[0].contexts.size() == 40);
  std::set<std::size_t> seen;
  for (const auto& beginning : plan) {
    for (const auto& context : beginning.contexts) {
      for (const auto index : context.windows) {
        CHECK(seen.insert(index).second);
        CHECK(windows[index].context == context.lead);
        const auto& first = windows[beginning.contexts[0].windows[0]];
        CHECK(std::equal(first.input.begin(), first.input.begin() + beginning.common, windows[index].input.begin()));
      }
    }
  }
  // A context that sees both ways can be shared by its options, not its beginning by other contexts.
  for (const auto& beginning : plan_sharing(windows, false, 1024)) CHECK(beginning.common == 0);
}

TEST_CASE("what shares nothing, or too little to pay, is left to full passes") {
  Rng rng(3);
  std::vector<ScoreRequest> apart;
  for (int i = 0; i < 20; ++i) apart.push_back({random_ids(rng, 20), random_ids(rng, 5)});
  CHECK(plan_sharing(windows_of(apart), true, 1024).empty());
  // Two long options behind two tokens.
  CHECK(plan_sharing(windows_of({{{5, 6}, random_ids(rng, 30)}, {{5, 6}, random_ids(rng, 30)}}), true, 1024).empty());
  // Four options of a token each always pay.
  std::vector<ScoreRequest> letters;
  for (std::int32_t option = 10; option < 14; ++option) letters.push_back({{5, 6, 7, 8}, {option}});
  REQUIRE(plan_sharing(windows_of(letters), true, 1024).size() == 1);
  CHECK(plan_sharing(windows_of(letters), true, 1024)[0].contexts[0].windows.size() == 4);
  CHECK(plan_sharing({}, true, 1024).empty());
}

TEST_CASE("Ctrl-C stops shared scoring too") {
  llama::Llama model(llama_params(), {kVocabulary, 11});
  const test::ByteTokenizer tokenizer(kVocabulary, {1});
  CHECK_THROWS_AS(BatchScorer(model, tokenizer, [] { return true; }).score(exam(5, 3)), Cancelled);
}
