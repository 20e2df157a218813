// The `hf_bpe` tokenizer: byte-level BPE from a Hugging Face tokenizer.json, equal to the original id for id. Idea, format
// and limits are in README.md. Reading the file is model_file.h's, writing one for others export.h's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model_file.h"
#include "temper/params.h"
#include "temper/tokenizer.h"

namespace temper::hf_bpe_plugin {

struct HfBpeParams {
  std::string file;
};
ParamTable<HfBpeParams> hf_bpe_params();

class HfBpeTokenizer final : public Tokenizer {
 public:
  /// Reads `params.file` if it is given.
  HfBpeTokenizer(const HfBpeParams& params, const Args& args);

  bool needs_training() const override { return false; }
  std::string train(const TextSource& texts) override;
  void load(const std::string& bytes) override;
  std::string model_bytes() const override;
  std::string model_file_name() const override { return "tokenizer.json"; }

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::vector<std::int32_t> encode_special(std::string_view text) const override;
  std::string decode(const std::vector<std::int32_t>& ids) const override;
  std::string piece(std::int32_t id) const override;
  std::int32_t find_piece(std::string_view piece) const override;
  std::int64_t byte_length(std::int32_t id) const override;
  std::int64_t vocab_size() const override;
  std::int32_t bos_id() const override;
  std::int32_t pad_id() const override;
  std::vector<std::int32_t> eos_ids() const override;
  std::string prompt_template() const override;
  std::string default_system_prompt() const override;
  std::vector<std::pair<std::string, std::string>> hugging_face_files() const override;

 private:
  struct Loaded {
    std::string bytes;
    ModelFile model;
    std::vector<std::int32_t> byte_of;  ///< by id; -1 for tokens that are no single byte
    std::string prompt_template, default_system;
  };
  class Encoding;

  /// `bytes` is the text of `document`.
  void use(const nlohmann::json& document, std::string bytes);
  /// Throws ConfigError before anything is loaded.
  const Loaded& loaded() const;
  const Token& token(std::int32_t id) const;

  std::unique_ptr<const Loaded> loaded_;
};

}  // namespace temper::hf_bpe_plugin
