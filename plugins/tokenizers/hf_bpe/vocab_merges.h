// GPT-2's older layout of a byte-level tokenizer: vocab.json and merges.txt, with the rules left to the tokenizer's class.
// Turned into the tokenizer.json that it stands for, so that everything behind reads one format.
#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>

namespace temper::hf_bpe_plugin {

/// Whether the folder holds both files.
bool has_vocab_and_merges(const std::filesystem::path& folder);

/// The same tokenizer as a tokenizer.json, with the added tokens that the files beside it list. Throws DataError, also for a
/// tokenizer class whose rules are unknown here.
nlohmann::json read_vocab_and_merges(const std::filesystem::path& folder);

}  // namespace temper::hf_bpe_plugin
