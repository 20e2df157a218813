// Trains a SentencePiece model in memory from a stream of texts. Called by the tokenizer; knows nothing of encoding.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/params.h"
#include "temper/tokenizer.h"

namespace temper::sentencepiece_plugin {

struct SentencepieceParams {
  std::int64_t vocab_size = 4096;
  std::string model_type = "bpe";
  bool byte_fallback = true;
  std::vector<std::string> data;
  std::string file;
  double character_coverage = 0.9995;
  std::int64_t max_training_bytes = 20'000'000;
  std::int64_t sentinels = 0;
};

ParamTable<SentencepieceParams> sentencepiece_params();

/// The model file's bytes. Throws DataError for an empty corpus and ConfigError for a vocabulary that does not fit it.
std::string train_model(const SentencepieceParams& params, const Tokenizer::TextSource& texts);

}  // namespace temper::sentencepiece_plugin
