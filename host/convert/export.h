// `temper export`: a checkpoint becomes a Hugging Face folder: config.json, safetensors (in one file or shards), the
// tokenizer's files and generation_config.json. Whole or not at all.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/context.h"
#include "temper/tokenizer.h"

namespace temper {

struct ExportOptions {
  at::ScalarType type = at::kFloat;
  std::uint64_t shard_size = 5'000'000'000;  ///< bytes of tensors a file
  bool force = false;
};

/// Returns the names of the files written. Throws ConfigError if the architecture or tokenizer has no Hugging Face form,
/// DataError if a weight does not fit the number type.
std::vector<std::string> export_model(Architecture& model, const Tokenizer& tokenizer, const std::filesystem::path& target,
                                      const ExportOptions& options, Progress& progress);

/// "5GB", "200MB", "300kB" or plain bytes. Throws ConfigError.
std::uint64_t parse_size(const std::string& text);

}  // namespace temper
