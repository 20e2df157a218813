// Tokenizers of GGUF files (see gguf_tokenizer.h).
#include "host/convert/gguf_tokenizer.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

// tokenizer.ggml.token_type.
constexpr std::int64_t kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kByte = 6;

const char* kLlamaPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const char* kQwenPattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

struct Rules {
  Json normalizer, pre_tokenizer;
  bool ignore_merges = false, adds_bos = false;
};

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}
Json sequence(Json first, Json second) {
  return {{"type", "Sequence"}, {"pretokenizers", Json::array({std::move(first), std::move(second)})}};
}
Json split(const char* pattern) {
  return {{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

Rules rules_of(const GgufFile& file) {
  const std::string pre = file.text("tokenizer.ggml.pre").value_or("");
  if (pre == "gpt-2") return {nullptr, byte_level(true), false, false};
  if (pre == "smollm") {
    return {nullptr, sequence({{"type", "Digits"}, {"individual_digits", true}}, byte_level(true)), false, false};
  }
  if (pre == "llama-bpe" || pre == "llama-v3" || pre == "llama3") {
    return {nullptr, sequence(split(kLlamaPattern), byte_level(false)), true, true};
  }
  if (pre == "qwen2") return {{{"type", "NFC"}}, sequence(split(kQwenPattern), byte_level(false)), false, false};
  file.refuse("its pre-tokenizer (tokenizer.ggml.pre) is '" + pre + "'; temper reads gpt-2, smollm, llama-bpe and qwen2");
}

/// A token's id from the metadata, or -1. Ids outside the vocabulary are refused.
std::int64_t id_of(const GgufFile& file, const std::string& name, std::size_t size) {
  const auto id = file.integer("tokenizer.ggml." + name);
  if (!id) return -1;
  if (*id < 0 || *id >= static_cast<std::int64_t>(size)) {
    file.refuse("its 'tokenizer.ggml." + name + "' is " + std::to_string(*id) + ", outside the vocabulary of " +
                std::to_string(size) + " tokens");
  }
  return *id;
}

std::vector<std::int64_t> eos_ids_of(const GgufFile& file, std::size_t size) {
  std::vector<std::int64_t> ids;
  for (const char* name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
    const auto id = id_of(file, name, size);
    if (id >= 0 && std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
  }
  if (ids.empty()) file.refuse("it names no end-of-text token (tokenizer.ggml.eos_token_id)");
  return ids;
}

const std::vector<std::string>& texts_of(const GgufFile& file, const std::string& key) {
  const auto* texts = file.texts(key);
  if (texts == nullptr) file.refuse("it has no '" + key + "'");
  return *texts;
}

std::vector<std::int64_t> types_of(const GgufFile& file, std::size_t size) {
  const auto types = file.integers("tokenizer.ggml.token_type");
  if (!types) return std::vector<std::int64_t>(size, kNormal);
  if (types->size() != size) {
    file.refuse("it has " + std::to_string(size) + " tokens but " + std::to_string(types->size()) + " token types");
  }
  return *types;
}

std::string bpe_json(const GgufFile& file) {
  const auto& tokens = texts_of(file, "tokenizer.ggml.tokens");
  const auto types = types_of(file, tokens.size());
  const Rules rules = rules_of(file);
  nlohmann::json vocab = nlohmann::json::object();  // ordered_json looks names up one by one
  Json added = Json::array();
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    vocab[tokens[i]] = i;
    if (types[i] != kControl && types[i] != kUserDefined) continue;
    added.push_back({{"id", i},
                     {"content", tokens[i]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", types[i] == kControl}});
  }
  if (vocab.size() != tokens.size()) file.refuse("its tokens are not all different");
  const bool adds_bos = file.flag("tokenizer.ggml.add_bos_token").value_or(rules.adds_bos);
  Json temper = {{"eos_ids", eos_ids_of(file, tokens.size())},
                 {"bos_id", adds_bos ? id_of(file, "bos_token_id", tokens.size()) : -1},
                 {"pad_id", id_of(file, "padding_token_id", tokens.size())}};
  if (const auto chat = file.text("tokenizer.chat_template")) temper["chat_template"] = *chat;
  Json json = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"added_tokens", std::move(added)},
      {"normalizer", rules.normalizer},
      {"pre_tokenizer", rules.pre_tokenizer},
      {"post_processor", nullptr},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}}};
  json["model"] = {{"type", "BPE"},
                   {"dropout", nullptr},
                   {"unk_token", nullptr},
                   {"continuing_subword_prefix", nullptr},
                   {"end_of_word_suffix", nullptr},
                   {"fuse_unk", false},
                   {"byte_fallback", false},
                   {"ignore_merges", rules.ignore_merges},
                   {"vocab", std::move(vocab)},
                   {"merges", texts_of(file, "tokenizer.ggml.merges")}};
  json["temper"] = std::move(temper);
  try {
    return json.dump();
  } catch (const nlohmann::json::exception& error) {
    file.refuse(std::string("a token is no valid UTF-8: ") + error.what());
  }
}

std::string sentencepiece_model(const GgufFile& file) {
  SentencepieceModel model;
  model.pieces = texts_of(file, "tokenizer.ggml.tokens");
  model.types = types_of(file, model.pieces.size());
  const auto scores = file.floats("tokenizer.ggml.scores");
  if (!scores || scores->size() != model.pieces.size()) file.refuse("it has no score for every token");
  model.scores = *scores;
  const auto piece = [&](std::int64_t id) { return id < 0 ? "" : model.pieces[static_cast<std::size_t>(id)]; };
  const auto unknown = std::find(model.types.begin(), model.types.end(), kUnknown);
  if (unknown == model.types.end()) file.refuse("none of its tokens is the unknown one");
  model.unknown = piece(unknown - model.types.begin());
  for (const auto type : model.types) {
    if (type < kNormal || type > kByte) file.refuse("a token has the unknown type " + std::to_string(type));
  }
  const auto eos = eos_ids_of(file, model.pieces.size());
  if (eos.size() > 1) file.refuse("it has several end-of-text tokens, which a SentencePiece model cannot say");
  model.eos = piece(eos[0]);
  if (file.flag("tokenizer.ggml.add_bos_token").value_or(true)) {
    model.bos = piece(id_of(file, "bos_token_id", model.pieces.size()));
  }
  // A padding token that also ends texts is as good as none.
  const std::string pad = piece(id_of(file, "padding_token_id", model.pieces.size()));
  if (pad != model.eos) model.pad = pad;
  model.byte_fallback = std::count(model.types.begin(), model.types.end(), kByte) == 256;
  model.space_first = file.flag("tokenizer.ggml.add_space_prefix").value_or(true);
  return sentencepiece_bytes(model);
}

}  // namespace

GgufTokenizer gguf_tokenizer(const GgufFile& file) {
  const std::string model = file.text("tokenizer.ggml.model").value_or("");
  if (model == "gpt2") return {"hf_bpe", bpe_json(file)};
  if (model == "llama") return {"sentencepiece", sentencepiece_model(file)};
  file.refuse("its tokenizer (tokenizer.ggml.model) is '" + model +
              "'; temper reads gpt2 (byte-level BPE) and llama (SentencePiece)");
}

}  // namespace temper
