// Pairs, pieces and sentinels (see sequences.h).
#include "sequences.h"

#include <algorithm>

namespace temper::objectives {

Example to_example(const Pair& pair, bool encoder_decoder, const Tokenizer& tokenizer) {
  Example example;
  if (pair.target.empty()) {
    example.ids = {tokenizer.pad_id()};
    example.labels = {kIgnoreLabel};
    if (encoder_decoder) example.source = {tokenizer.eos_ids().front()};
    return example;
  }
  if (encoder_decoder) {
    example.source = pair.source;
    example.ids = {tokenizer.pad_id()};
    example.ids.insert(example.ids.end(), pair.target.begin(), pair.target.end() - 1);
    example.labels = pair.target;
    return example;
  }
  example.ids = pair.source;
  example.ids.insert(example.ids.end(), pair.target.begin(), pair.target.end() - 1);
  example.labels.assign(pair.source.size() - 1, kIgnoreLabel);
  example.labels.insert(example.labels.end(), pair.target.begin(), pair.target.end());
  example.prefix = static_cast<std::int64_t>(pair.source.size());
  return example;
}

std::int64_t decoder_length(std::int64_t source, std::int64_t target, bool encoder_decoder) {
  return encoder_decoder ? target : source + target - 1;
}

Bare bare_piece(const Piece& piece, const Tokenizer& tokenizer) {
  Bare bare{piece.tokens};
  const auto eos_ids = tokenizer.eos_ids();
  bare.bos =
      piece.starts_document && !bare.tokens.empty() && tokenizer.bos_id() >= 0 && bare.tokens.front() == tokenizer.bos_id();
  if (bare.bos) bare.tokens = bare.tokens.subspan(1);
  bare.eos = piece.ends_document && !bare.tokens.empty() &&
             std::find(eos_ids.begin(), eos_ids.end(), bare.tokens.back()) != eos_ids.end();
  if (bare.eos) bare.tokens = bare.tokens.first(bare.tokens.size() - 1);
  return bare;
}

Pair split_pair(const Piece& piece, std::int64_t count, bool encoder_decoder, const Tokenizer& tokenizer) {
  std::span<const std::int32_t> source = piece.tokens.first(static_cast<std::size_t>(count));
  Pair pair;
  if (encoder_decoder) {
    // The encoder reads text as it is in tuning and generation: no BOS, one EOS (P-T5-09).
    const bool bos = piece.starts_document && !source.empty() && source.front() == tokenizer.bos_id();
    if (bos) source = source.subspan(1);
  }
  pair.source.assign(source.begin(), source.end());
  if (encoder_decoder) pair.source.push_back(tokenizer.eos_ids().front());
  pair.target.assign(piece.tokens.begin() + count, piece.tokens.end());
  if (piece.next >= 0) pair.target.push_back(piece.next);
  return pair;
}

void require_sentinels(const Tokenizer& tokenizer, std::int64_t needed, const std::string& what,
                       const std::string& or_else) {
  const auto present = static_cast<std::int64_t>(tokenizer.sentinel_ids().size());
  if (present >= needed) return;
  throw ConfigError(what + " needs " + std::to_string(needed) + " sentinels, but the tokenizer has " +
                    std::to_string(present) + "; set tokenizer.sentinels to at least " + std::to_string(needed) + or_else);
}

}  // namespace temper::objectives
