// What a model answered and how it scored, kept on disk between evaluations, so that a killed evaluation goes on where it
// was and a repeated one is read back. One file for one identity (model, tokenizer and plugins by their hashes, evaluator
// by its file's); inside, the key is the prompt's tokens with the decoding parameters and the seed.
// File: entries of length, checksum and CBOR, only ever appended under a lock; what a killed writer left half is cut off.
// Several processes may use one file. [run]
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <vector>

#include "temper/generate.h"

namespace temper {

class AnswerCache {
 public:
  /// `identity` names everything besides the request that an answer depends on. An empty folder means: keep nothing.
  AnswerCache(const std::filesystem::path& folder, const std::string& identity);

  const Completion* completion(const std::string& key);
  const Score* score(const std::string& key);
  /// Durable when it returns. A full disk is a DataError.
  void add_completions(const std::vector<std::pair<std::string, Completion>>& entries);
  void add_scores(const std::vector<std::pair<std::string, Score>>& entries);

 private:
  void load();
  void append(const std::string& bytes);

  std::filesystem::path path_;
  bool loaded_ = false;
  std::unordered_map<std::string, Completion> completions_;
  std::unordered_map<std::string, Score> scores_;
};

std::string cache_key(const GenerateRequest& request, const SamplingParams& params);
std::string cache_key(const ScoreRequest& request);

/// Asks `inner` only for what the cache does not have. Both have to outlive this.
class CachedGenerator final : public Generator {
 public:
  CachedGenerator(Generator& inner, AnswerCache& cache) : inner_(inner), cache_(cache) {}
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override;

 private:
  Generator& inner_;
  AnswerCache& cache_;
};

class CachedScorer final : public Scorer {
 public:
  CachedScorer(Scorer& inner, AnswerCache& cache) : inner_(inner), cache_(cache) {}
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override;

 private:
  Scorer& inner_;
  AnswerCache& cache_;
};

}  // namespace temper
