// A tokenizer: text to ids and back. Trained once from the run's corpus (the result is cached by content) or loaded from
// a file; from then on immutable and usable from several threads at once [any].
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temper/error.h"

namespace temper {

class TEMPER_API Tokenizer {
 public:
  static constexpr std::string_view kKind = "tokenizer";
  struct Args {
    std::string base_dir;  ///< relative paths in parameters start here
  };
  virtual ~Tokenizer();

  /// Gives the next training text, or nothing at the end.
  using TextSource = std::function<std::optional<std::string>()>;

  /// Whether a model has to be trained, or the parameters name a ready one (then it is loaded already).
  virtual bool needs_training() const = 0;
  /// Deterministic: equal texts in equal order give equal bytes. Returns the model file's bytes, also loaded here.
  virtual std::string train(const TextSource& texts) = 0;
  /// Loads bytes that train() or model_bytes() gave. Throws DataError if they are damaged.
  virtual void load(const std::string& bytes) = 0;
  virtual std::string model_bytes() const = 0;
  /// File name under which other tools expect the bytes, e.g. "tokenizer.model".
  virtual std::string model_file_name() const = 0;

  /// Ids of the text alone: no BOS, no EOS, special tokens in the text are ordinary characters.
  /// decode(encode(x)) == x byte for byte, for every valid or invalid UTF-8.
  virtual std::vector<std::int32_t> encode(std::string_view text) const = 0;
  /// Special ids give nothing; bytes that form no character give U+FFFD.
  virtual std::string decode(const std::vector<std::int32_t>& ids) const = 0;
  virtual std::string piece(std::int32_t id) const = 0;  ///< for people: the token as the model's file spells it
  virtual std::int64_t vocab_size() const = 0;
  virtual std::int32_t bos_id() const = 0;                ///< -1: none
  virtual std::int32_t pad_id() const = 0;                ///< never an EOS id
  virtual std::vector<std::int32_t> eos_ids() const = 0;  ///< at least one; the first is the one trained

  /// Ids that stand for removed spans, in the order in which they are used (T5's <extra_id_0>, <extra_id_1>, ...).
  virtual std::vector<std::int32_t> sentinel_ids() const;
  /// The id that piece() spells so, or -1.
  virtual std::int32_t find_piece(std::string_view piece) const;
  /// Like encode(), but a special token's spelling becomes that token. For templates only, never for users' text.
  virtual std::vector<std::int32_t> encode_special(std::string_view text) const;
  /// Bytes of text that this token writes; 0 for special tokens.
  virtual std::int64_t byte_length(std::int32_t id) const;
  /// The prompt template that the tokenizer's files prescribe (a name of template_names()), or "".
  virtual std::string prompt_template() const;
  /// What that template puts first when a conversation has no system message, or "".
  virtual std::string default_system_prompt() const;
  /// Files for a Hugging Face folder: name and bytes.
  virtual std::vector<std::pair<std::string, std::string>> hugging_face_files() const;
};

}  // namespace temper
