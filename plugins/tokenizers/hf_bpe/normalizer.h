// What a tokenizer does to text before cutting it: Unicode forms, lower case, replacements. Most byte-level tokenizers do
// nothing; Qwen2's composes (NFC). Everything else in tokenizer.json is refused by name.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace temper::hf_bpe_plugin {

class Normalizer {
 public:
  Normalizer() = default;
  /// From the file's "normalizer", null included. Throws DataError.
  explicit Normalizer(const nlohmann::json& description);

  bool empty() const { return steps_.empty(); }
  /// `text` has to be valid UTF-8.
  std::string apply(std::string_view text) const;

 private:
  using Step = std::function<std::string(std::string)>;
  void add(const nlohmann::json& description);

  std::vector<Step> steps_;
};

}  // namespace temper::hf_bpe_plugin
