// What a tokenizer.json does not say about its model: which tokens end and begin a text, what pads, the chat template.
// Hugging Face spreads it over the files beside it; temper keeps it in the same JSON, as the object "temper".
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace temper::hf_bpe_plugin {

struct Facts {
  std::vector<std::int32_t> eos_ids;
  std::int32_t bos_id = -1, pad_id = -1;
  std::string chat_template;
};

/// What `path` holds, a tokenizer.json or the folder that holds one (or vocab.json and merges.txt), with "temper" filled in
/// from the files beside it. Throws DataError with the path.
nlohmann::json read_tokenizer_file(std::filesystem::path path);

/// The object "temper" of `document`, or what the document alone allows to know if it has none. `id_of` gives a token's id,
/// or -1. Throws DataError if no token ends a text or an id is not in a vocabulary of `size`.
Facts read_facts(const nlohmann::json& document, const std::function<std::int32_t(std::string_view)>& id_of,
                 std::int64_t size);

}  // namespace temper::hf_bpe_plugin
