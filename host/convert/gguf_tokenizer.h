// The tokenizer inside a GGUF file, as the bytes that a tokenizer plugin loads: byte-level BPE becomes the JSON that
// `hf_bpe` takes (its README), SentencePiece a model file for `sentencepiece`. Used by source_tokenizer.cpp.
#pragma once

#include <string>

#include "host/convert/gguf.h"

namespace temper {

struct GgufTokenizer {
  std::string plugin;  ///< id
  std::string bytes;
};

/// Throws DataError if the file has no tokenizer, or one of another kind; the message lists what is read.
GgufTokenizer gguf_tokenizer(const GgufFile& file);

/// A SentencePiece model file; `types` are SentencePiece's own numbers. Empty pieces for bos or pad mean none.
struct SentencepieceModel {
  std::vector<std::string> pieces;
  std::vector<float> scores;
  std::vector<std::int64_t> types;
  std::string unknown, bos, eos, pad;
  bool byte_fallback = false, space_first = true;
};
std::string sentencepiece_bytes(const SentencepieceModel& model);

}  // namespace temper
