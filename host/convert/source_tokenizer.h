// Which tokenizer plugin an imported model needs, and that plugin with the model's files loaded. Used by import.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/convert/gguf.h"
#include "host/plugin/registry.h"
#include "temper/params.h"
#include "temper/tokenizer.h"

namespace temper {

struct SourceTokenizer {
  std::string id;
  ParamValues values;  ///< for the checkpoint: without the path it was read from
  std::unique_ptr<Tokenizer> tokenizer;
  std::vector<std::string> notes;  ///< what a person should know, a line each
};

/// tokenizer.json with byte-level BPE, vocab.json and merges.txt, or a SentencePiece model. Throws DataError if there is
/// neither.
SourceTokenizer folder_tokenizer(const Registry& registry, const std::filesystem::path& folder,
                                 const std::string& config_json);
SourceTokenizer gguf_source_tokenizer(const Registry& registry, const GgufFile& file);

}  // namespace temper
