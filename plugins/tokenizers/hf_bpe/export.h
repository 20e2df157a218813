// Writes the files from which Hugging Face's AutoTokenizer makes the same tokenizer.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "model_file.h"

namespace temper::hf_bpe_plugin {

/// tokenizer.json without temper's own object, and tokenizer_config.json: the model's own where it had one.
std::vector<std::pair<std::string, std::string>> export_files(const std::string& json_text, const ModelFile& model);

}  // namespace temper::hf_bpe_plugin
