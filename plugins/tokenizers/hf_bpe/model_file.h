// Everything that the JSON text of a tokenizer.json says, checked and ready for encoding. The layout that importers have to
// write is in README.md. Called by the tokenizer's load(); nothing here reads files.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "added_tokens.h"
#include "bpe.h"
#include "facts.h"
#include "normalizer.h"
#include "pre_tokenizer.h"

namespace temper::hf_bpe_plugin {

struct Token {
  std::string piece;     ///< as the file spells it; "" for an id that no token has
  std::string text;      ///< the bytes that it writes
  bool special = false;  ///< never comes from users' text, decodes to nothing
};

struct ModelFile {
  std::vector<Token> tokens;  ///< by id
  TextMap<std::int32_t> ids;  ///< by piece
  BpeModel bpe;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  AddedTokens raw_tokens, normalized_tokens;  ///< looked for before and after normalisation
  Facts facts;
  std::int32_t escape_id = -1;  ///< marks that the byte behind it was invalid in the text; -1: no byte can serve

  std::int32_t find(std::string_view piece) const {
    const auto found = ids.find(piece);
    return found == ids.end() ? -1 : found->second;
  }
};

/// Of a tokenizer.json. Throws DataError for anything that is damaged or not supported.
ModelFile read_model(const nlohmann::json& document);

}  // namespace temper::hf_bpe_plugin
