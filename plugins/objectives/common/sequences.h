// From "read this, then write that" to a training example, the same for all objectives that have such a pair. Used by
// span_corruption, prefix_lm, ul2 and fill_in_middle.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "temper/batch.h"
#include "temper/objective.h"
#include "temper/tokenizer.h"

namespace temper::objectives {

/// What is read and what has to be written after it, both complete with their end tokens.
struct Pair {
  std::vector<std::int64_t> source, target;
};

/// Encoder-decoder: the source on the encoder's side; the decoder starts with padding and predicts the target. Decoder-only:
/// one sequence with the loss on the target; the source is its prefix. An empty target gives an example without a label,
/// which the host passes over.
Example to_example(const Pair& pair, bool encoder_decoder, const Tokenizer& tokenizer);

/// Positions of the decoder's side that the example of a pair takes.
std::int64_t decoder_length(std::int64_t source, std::int64_t target, bool encoder_decoder);

/// A piece without the BOS in front of its document and the EOS behind it, which the host has put there.
struct Bare {
  std::span<const std::int32_t> tokens;
  bool bos = false, eos = false;  ///< whether they were there
};
Bare bare_piece(const Piece& piece, const Tokenizer& tokenizer);

/// Splits a piece for prefix language modelling after `count` of its tokens. The source of an encoder-decoder is ended by
/// EOS. What follows the piece is the last target, so cutting a document loses none.
Pair split_pair(const Piece& piece, std::int64_t count, bool encoder_decoder, const Tokenizer& tokenizer);

/// Throws ConfigError naming tokenizer.sentinels if the tokenizer has fewer than `needed`. `what` says what needs them,
/// `or_else` what else the user may do.
void require_sentinels(const Tokenizer& tokenizer, std::int64_t needed, const std::string& what,
                       const std::string& or_else = "");

}  // namespace temper::objectives
