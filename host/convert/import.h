// `temper import`: a Hugging Face folder or a GGUF file becomes a checkpoint folder, whole or not at all.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "host/plugin/registry.h"
#include "temper/context.h"

namespace temper {

struct ImportReport {
  std::string architecture, tokenizer, prompt_template;
  std::int64_t parameters = 0, vocab_size = 0, tokenizer_size = 0;
  std::vector<std::string> notes;
};

/// `target` must not exist; with `force` a checkpoint there is replaced, anything else is still refused. Throws DataError,
/// ConfigError or Cancelled, and has then written nothing.
ImportReport import_model(const Registry& registry, const std::filesystem::path& source, const std::filesystem::path& target,
                          bool force, Progress& progress);

/// The absolute form of a folder to be written. Throws ConfigError if something is there that may not be replaced: with
/// `force` only an empty folder or one that has the file `mark`.
std::filesystem::path check_target(const std::filesystem::path& target, bool force, const std::string& mark);

}  // namespace temper
