// Writes a SentencePiece vocabulary as the files that Hugging Face's transformers reads: tokenizer.json, which gives the ids
// of our own encoder, and tokenizer_config.json, which names the class and the special tokens. The tokenizer calls it; it
// knows nothing of SentencePiece's library.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace temper::sentencepiece_plugin {

struct PieceRow {
  std::string piece;
  double score = 0;
  bool special = false;    ///< a control piece or a sentinel
  bool mergeable = false;  ///< may be put together from smaller pieces
};

struct Vocabulary {
  std::vector<PieceRow> pieces;  ///< by id; the model's own first, then `sentinels` more
  std::int64_t sentinels = 0;
  bool is_unigram = false, byte_fallback = false, adds_space_first = false;
  std::int32_t unknown = 0, bos = -1, eos = -1, pad = -1;
};

/// An encoder-decoder's (one with sentinels) ends every text with EOS, any other begins it with BOS if there is one.
std::string tokenizer_json(const Vocabulary& vocabulary);
std::string tokenizer_config_json(const Vocabulary& vocabulary);

}  // namespace temper::sentencepiece_plugin
