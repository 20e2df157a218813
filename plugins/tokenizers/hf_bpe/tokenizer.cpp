// Encoding and decoding (see tokenizer.h). A byte that belongs to no valid character is written as two tokens, a byte that
// never occurs in text (0xFF) and the byte itself, so that decoding can tell it from the bytes of a character that a model
// left unfinished: the one comes back as it was, the other as U+FFFD.
#include "tokenizer.h"

#include <filesystem>

#include "chat_template.h"
#include "export.h"
#include "json_fields.h"
#include "utf8.h"

namespace temper::hf_bpe_plugin {

ParamTable<HfBpeParams> hf_bpe_params() {
  ParamTable<HfBpeParams> table;
  table.add("file", &HfBpeParams::file,
            "A Hugging Face tokenizer.json, or the folder that holds one, or vocab.json and merges.txt.");
  return table;
}

HfBpeTokenizer::HfBpeTokenizer(const HfBpeParams& params, const Args& args) {
  if (params.file.empty()) return;
  const auto path = std::filesystem::path(args.base_dir) / params.file;
  const nlohmann::json document = read_tokenizer_file(path);
  try {
    use(document, document.dump());
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
}

const HfBpeTokenizer::Loaded& HfBpeTokenizer::loaded() const {
  if (loaded_) return *loaded_;
  throw ConfigError(
      "the tokenizer hf_bpe has nothing to read; give tokenizer.file, the path of a tokenizer.json or of the "
      "model's folder that holds one");
}

std::string HfBpeTokenizer::train(const TextSource&) {
  throw ConfigError("the tokenizer hf_bpe is not trained but read; give tokenizer.file, or use the plugin sentencepiece");
}

void HfBpeTokenizer::load(const std::string& bytes) {
  use(parse_json(bytes, "the tokenizer, which has to be the text of a tokenizer.json,"), bytes);
}

void HfBpeTokenizer::use(const nlohmann::json& document, std::string bytes) {
  auto made = std::make_unique<Loaded>();
  made->model = read_model(document);
  made->bytes = std::move(bytes);
  const ModelFile& model = made->model;
  made->byte_of.assign(model.tokens.size(), -1);
  for (std::size_t byte = 0; byte < 256; ++byte) {
    if (const auto id = model.bpe.byte_ids[byte]; id >= 0) {
      made->byte_of[static_cast<std::size_t>(id)] = static_cast<std::int32_t>(byte);
    }
  }
  const auto& end = model.tokens[static_cast<std::size_t>(model.facts.eos_ids.front())].piece;
  made->prompt_template = recognise_template(model.facts.chat_template, end);
  made->default_system = default_system_message(model.facts.chat_template, made->prompt_template);
  loaded_ = std::move(made);
}

/// Encodes one text: what is found again and again in it is remembered.
class HfBpeTokenizer::Encoding {
 public:
  Encoding(const ModelFile& model, bool with_special)
      : model_(model), with_special_(with_special), words_(model.bpe), rooms_(model.pre_tokenizer.make_rooms()) {}

  std::vector<std::int32_t> encode(std::string_view text) {
    ids_.reserve(text.size() / 3);
    split(model_.raw_tokens, text, [this](std::string_view part) { normalize(part); });
    return std::move(ids_);
  }

 private:
  template <class Ordinary>
  void split(const AddedTokens& tokens, std::string_view text, Ordinary ordinary) {
    if (tokens.idle(with_special_)) return ordinary(text);
    tokens.split(text, with_special_,
                 [&](std::int32_t id, std::string_view part) { id < 0 ? ordinary(part) : ids_.push_back(id); });
  }

  void normalize(std::string_view text) {
    if (model_.normalizer.empty()) return add_ordinary(text);
    std::string normalized;
    for_each_stretch(
        text, [&](std::string_view valid) { normalized += model_.normalizer.apply(valid); },
        [&](unsigned char byte) { normalized += static_cast<char>(byte); });
    add_ordinary(normalized);
  }

  void add_ordinary(std::string_view text) {
    split(model_.normalized_tokens, text, [this](std::string_view part) {
      for_each_stretch(
          part, [&](std::string_view valid) { model_.pre_tokenizer.split(valid, rooms_, sink_); },
          [&](unsigned char byte) { add_invalid(byte); });
    });
  }

  void add_invalid(unsigned char byte) {
    const auto id = model_.bpe.byte_ids[byte] >= 0 ? model_.bpe.byte_ids[byte] : model_.bpe.unknown;
    if (id < 0) return;
    if (model_.escape_id >= 0) ids_.push_back(model_.escape_id);
    ids_.push_back(id);
  }

  const ModelFile& model_;
  bool with_special_;
  WordEncoder words_;
  std::vector<MatchRoom> rooms_;
  std::vector<std::int32_t> ids_;
  PreTokenizer::Sink sink_ = [this](std::string_view word) { words_.append(word, ids_); };
};

std::vector<std::int32_t> HfBpeTokenizer::encode(std::string_view text) const {
  return Encoding(loaded().model, false).encode(text);
}

std::vector<std::int32_t> HfBpeTokenizer::encode_special(std::string_view text) const {
  return Encoding(loaded().model, true).encode(text);
}

const Token& HfBpeTokenizer::token(std::int32_t id) const {
  const auto& tokens = loaded().model.tokens;
  if (id >= 0 && static_cast<std::size_t>(id) < tokens.size()) return tokens[static_cast<std::size_t>(id)];
  throw DataError("token id " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(tokens.size()) +
                  " ids");
}

std::string HfBpeTokenizer::decode(const std::vector<std::int32_t>& ids) const {
  const auto& byte_of = loaded().byte_of;
  const auto escape = loaded().model.escape_id;
  std::string text, bytes;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const Token& made = token(ids[i]);
    const bool raw = ids[i] == escape && i + 1 < ids.size() && token(ids[i + 1]).text.size() == 1 &&
                     byte_of[static_cast<std::size_t>(ids[i + 1])] >= 0;
    if (raw) {
      append_checked(bytes, text);
      bytes.clear();
      text += static_cast<char>(byte_of[static_cast<std::size_t>(ids[++i])]);
    } else if (!made.special) {
      bytes += made.text;
    }
  }
  append_checked(bytes, text);
  return text;
}

std::string HfBpeTokenizer::piece(std::int32_t id) const { return token(id).piece; }

std::int32_t HfBpeTokenizer::find_piece(std::string_view piece) const { return loaded().model.find(piece); }

std::int64_t HfBpeTokenizer::byte_length(std::int32_t id) const {
  const Token& made = token(id);
  return made.special || id == loaded().model.escape_id ? 0 : static_cast<std::int64_t>(made.text.size());
}

std::int64_t HfBpeTokenizer::vocab_size() const { return static_cast<std::int64_t>(loaded().model.tokens.size()); }
std::int32_t HfBpeTokenizer::bos_id() const { return loaded().model.facts.bos_id; }
std::int32_t HfBpeTokenizer::pad_id() const { return loaded().model.facts.pad_id; }
std::vector<std::int32_t> HfBpeTokenizer::eos_ids() const { return loaded().model.facts.eos_ids; }
std::string HfBpeTokenizer::model_bytes() const { return loaded().bytes; }
std::string HfBpeTokenizer::prompt_template() const { return loaded().prompt_template; }
std::string HfBpeTokenizer::default_system_prompt() const { return loaded().default_system; }

std::vector<std::pair<std::string, std::string>> HfBpeTokenizer::hugging_face_files() const {
  return export_files(loaded().bytes, loaded().model);
}

}  // namespace temper::hf_bpe_plugin
