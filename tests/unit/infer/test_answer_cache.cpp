// Answers on disk: asked once, read back exactly, keyed by everything they depend on, whole after a kill.
#include <filesystem>
#include <fstream>

#include "catch.h"
#include "host/infer/answer_cache.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

class CountingGenerator final : public Generator {
 public:
  std::size_t asked = 0;
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams&) override {
    std::vector<Completion> out;
    for (const auto& request : requests) {
      ++asked;
      // A text cut in the middle of a character, and a log-probability that no short decimal gives.
      out.push_back({{static_cast<std::int32_t>(asked), 7},
                     {-0.1F, -1.0F / 3.0F},
                     "caf\xC3" + std::to_string(request.seed),
                     true,
                     "eos"});
    }
    return out;
  }
};

class CountingScorer final : public Scorer {
 public:
  std::size_t asked = 0;
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Score> out;
    for (const auto& request : requests) {
      ++asked;
      out.push_back({{-0.7F}, -0.7F * static_cast<double>(request.continuation_ids.size()), true});
    }
    return out;
  }
};

fs::path fresh_folder() {
  const fs::path folder = fs::temp_directory_path() / "temper_test_answers";
  fs::remove_all(folder);
  return folder;
}

SamplingParams sampled() {
  SamplingParams params;
  params.temperature = 1;
  return params;
}

}  // namespace

TEST_CASE("an answer is asked for once, in this process and in the next") {
  const fs::path folder = fresh_folder();
  CountingGenerator inner;
  const std::vector<GenerateRequest> requests = {{{1, 2}, 5}, {{1, 2}, 6}, {{1, 2}, 5}};
  std::vector<Completion> first;
  {
    AnswerCache cache(folder, "model a");
    first = CachedGenerator(inner, cache).generate(requests, sampled());
    CHECK(inner.asked == 2);
    CHECK(first[0].text == first[2].text);
  }
  AnswerCache cache(folder, "model a");
  const auto again = CachedGenerator(inner, cache).generate(requests, sampled());
  CHECK(inner.asked == 2);
  for (std::size_t i = 0; i < again.size(); ++i) {
    CHECK(again[i].ids == first[i].ids);
    CHECK(again[i].log_probs == first[i].log_probs);
    CHECK(again[i].text == first[i].text);
    CHECK(again[i].stopped_by == "eos");
  }
  AnswerCache other(folder, "model b");
  CachedGenerator(inner, other).generate(requests, sampled());
  CHECK(inner.asked == 4);
}

TEST_CASE("the key holds prompt, decoding and seed; a greedy answer has no seed") {
  const GenerateRequest request{{1, 2, 3}, 5};
  const std::string key = cache_key(request, sampled());
  CHECK(key == cache_key(request, sampled()));
  CHECK(key != cache_key({{1, 2}, 5}, sampled()));
  CHECK(key != cache_key({{1, 2, 3}, 6}, sampled()));
  for (const auto change : {0, 1, 2, 3, 4, 5}) {
    SamplingParams params = sampled();
    if (change == 0) params.temperature = 0.5;
    if (change == 1) params.top_k = 4;
    if (change == 2) params.top_p = 0.9;
    if (change == 3) params.stop = {"\n"};
    if (change == 4) params.weights = "int8";
    if (change == 5) params.max_new_tokens = 65;
    CHECK(key != cache_key(request, params));
  }
  CHECK(cache_key({{1}, 5}, SamplingParams{}) == cache_key({{1}, 6}, SamplingParams{}));
  CHECK(cache_key(ScoreRequest{{1, 2}, {3}}) != cache_key(ScoreRequest{{1}, {2, 3}}));
}

TEST_CASE("what a killed writer left half is cut off, and the rest is kept") {
  const fs::path folder = fresh_folder();
  CountingScorer inner;
  const std::vector<ScoreRequest> requests = {{{1}, {2}}, {{1}, {3, 4}}};
  {
    AnswerCache cache(folder, "model");
    CachedScorer(inner, cache).score(requests);
  }
  const fs::path file = fs::directory_iterator(folder)->path();
  fs::resize_file(file, fs::file_size(file) - 3);
  {
    AnswerCache cache(folder, "model");
    const auto scores = CachedScorer(inner, cache).score(requests);
    CHECK(inner.asked == 3);
    CHECK(scores[1].sum == Approx(-1.4));
  }
  std::ofstream(file, std::ios::app) << "garbage at the end";
  AnswerCache cache(folder, "model");
  CachedScorer(inner, cache).score(requests);
  CHECK(inner.asked == 3);
}

TEST_CASE("without a folder nothing is kept on disk") {
  CountingScorer inner;
  AnswerCache cache("", "model");
  CachedScorer scorer(inner, cache);
  scorer.score({{{1}, {2}}});
  scorer.score({{{1}, {2}}});
  CHECK(inner.asked == 1);
}
