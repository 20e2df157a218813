// Reads the parts of a SentencePiece model file that its library does not show (its type, the rules of its normaliser) and
// writes a copy whose normaliser changes nothing. The file is a protocol buffer; its message layout is part of
// SentencePiece's published format, so it is walked here directly. The tokenizer calls this on load.
#pragma once

#include <string>
#include <string_view>

namespace temper::sentencepiece_plugin {

struct ModelFile {
  std::string lossless_bytes;     ///< the model with an identity normaliser: no added, removed or changed characters
  bool adds_space_first = false;  ///< the file asks for a space in front of every text
  bool is_unigram = true, is_bpe = false;  ///< how the pieces are put together; neither for models of words or characters
  bool byte_fallback = false;              ///< unknown characters become bytes
  bool normalizes = false;                 ///< the file asks for more than that: Unicode normalisation or removal of spaces
};

/// Throws DataError if the bytes are not such a model.
ModelFile read_model(std::string_view bytes);

}  // namespace temper::sentencepiece_plugin
