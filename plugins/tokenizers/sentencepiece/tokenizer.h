// The `sentencepiece` tokenizer: SentencePiece pieces with every byte of the text kept. Idea and limits are in README.md.
// This file leaves training to training.h and the model file's layout to model_proto.h.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "temper/tokenizer.h"
#include "training.h"

namespace sentencepiece {
class SentencePieceProcessor;
}

namespace temper::sentencepiece_plugin {

class SentencepieceTokenizer final : public Tokenizer {
 public:
  /// Reads `params.file` if one is named.
  SentencepieceTokenizer(const SentencepieceParams& params, const Args& args);
  SentencepieceTokenizer(SentencepieceTokenizer&&) noexcept;
  ~SentencepieceTokenizer() override;

  bool needs_training() const override { return params_.file.empty(); }
  std::string train(const TextSource& texts) override;
  void load(const std::string& bytes) override;
  std::string model_bytes() const override { return bytes_; }
  std::string model_file_name() const override { return "tokenizer.model"; }

  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string decode(const std::vector<std::int32_t>& ids) const override;
  std::string piece(std::int32_t id) const override;
  std::int64_t vocab_size() const override { return static_cast<std::int64_t>(tokens_.size()); }
  std::int32_t bos_id() const override { return bos_; }
  std::int32_t pad_id() const override { return pad_; }
  std::vector<std::int32_t> eos_ids() const override { return {eos_}; }

  std::vector<std::int32_t> sentinel_ids() const override;
  std::int32_t find_piece(std::string_view piece) const override;
  std::vector<std::int32_t> encode_special(std::string_view text) const override;
  std::int64_t byte_length(std::int32_t id) const override;
  std::vector<std::pair<std::string, std::string>> hugging_face_files() const override;

 private:
  enum class TokenKind { kText, kByte, kSpecial, kUnknown };
  struct Token {
    TokenKind kind = TokenKind::kSpecial;
    std::string piece;  ///< as the model spells it
    std::string text;   ///< what decoding writes; one byte for kByte
  };

  void add_sentinels();
  const sentencepiece::SentencePieceProcessor& processor() const;
  void encode_part(std::string_view text, std::vector<std::int32_t>& ids) const;
  void encode_text(std::string_view text, std::vector<std::int32_t>& ids) const;
  void encode_bytes(std::string_view bytes, bool raw, std::vector<std::int32_t>& ids) const;
  const Token& token(std::int32_t id) const;

  SentencepieceParams params_;
  std::string bytes_;
  std::unique_ptr<sentencepiece::SentencePieceProcessor> processor_;
  std::vector<Token> tokens_;  ///< the model's pieces, then the sentinels from the last to the first
  std::unordered_map<std::string, std::int32_t> ids_by_piece_;
  std::vector<std::int32_t> special_ids_;     ///< of tokens that encode_special() finds, longer spellings first
  std::array<std::int32_t, 256> byte_ids_{};  ///< the unknown id where the model has no such byte
  std::int32_t unknown_ = 0, bos_ = -1, eos_ = -1, pad_ = -1, line_break_ = 0;
  bool words_apart_ = false;  ///< no piece reaches over the front of a word, so words can be encoded one by one
  bool is_unigram_ = false, has_known_type_ = false, byte_fallback_ = false;
  bool adds_space_first_ = false;  ///< models trained elsewhere may want a space in front of the text
};

}  // namespace temper::sentencepiece_plugin
