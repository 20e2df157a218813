// Reads a tokenizer.json (see model_file.h).
#include "model_file.h"

#include <algorithm>
#include <limits>

#include "json_fields.h"
#include "utf8.h"

namespace temper::hf_bpe_plugin {
namespace {

using nlohmann::json;

/// Ids may have gaps, but a file cannot make us reserve memory for ids that it hardly uses.
constexpr std::int64_t kLargestGap = 100'000;

std::int32_t read_id(const json& value, std::int64_t limit, const std::string& piece) {
  const auto id = value.is_number_integer() ? value.get<std::int64_t>() : -1;
  if (id >= 0 && id < limit) return static_cast<std::int32_t>(id);
  throw DataError("tokenizer.json: the token '" + piece + "' has the id " + shown(value) +
                  "; ids are whole numbers from 0 to about the number of tokens");
}

void add_token(ModelFile& model, const std::string& piece, std::int32_t id, std::string text) {
  if (model.tokens.size() <= static_cast<std::size_t>(id)) model.tokens.resize(static_cast<std::size_t>(id) + 1);
  Token& token = model.tokens[static_cast<std::size_t>(id)];
  if (!token.piece.empty() && token.piece != piece) {
    throw DataError("tokenizer.json: the tokens '" + token.piece + "' and '" + piece + "' have the same id " +
                    std::to_string(id));
  }
  token.piece = piece;
  token.text = std::move(text);
  if (const auto [entry, is_new] = model.ids.try_emplace(piece, id); !is_new && entry->second != id) {
    throw DataError("tokenizer.json: the token '" + piece + "' has two ids, " + std::to_string(entry->second) + " and " +
                    std::to_string(id));
  }
}

void read_vocabulary(ModelFile& model, const json& vocab, std::size_t added) {
  if (!vocab.is_object() || vocab.empty()) {
    throw DataError("tokenizer.json: 'vocab' of model has to be an object of tokens and ids, not " + shown(vocab));
  }
  const auto limit = static_cast<std::int64_t>(vocab.size() + added) + kLargestGap;
  model.ids.reserve(vocab.size() + added);
  for (const auto& [piece, id] : vocab.items()) {
    // A piece outside the byte alphabet stands for its own characters.
    add_token(model, piece, read_id(id, limit, piece), bytes_of_piece(piece).value_or(piece));
  }
}

std::vector<AddedToken> read_added(ModelFile& model, const json& list) {
  std::vector<AddedToken> tokens;
  const auto limit = static_cast<std::int64_t>(model.ids.size() + list.size()) + kLargestGap;
  for (const auto& entry : list) {
    const std::string where = "added_tokens";
    AddedToken token;
    token.content = text_field(entry, "content", where);
    if (token.content.empty()) throw DataError("tokenizer.json: an entry of added_tokens has no content");
    token.id = read_id(field(entry, "id"), limit, token.content);
    token.special = flag_field(entry, "special", false, where);
    token.single_word = flag_field(entry, "single_word", false, where);
    token.lstrip = flag_field(entry, "lstrip", false, where);
    token.rstrip = flag_field(entry, "rstrip", false, where);
    token.normalized = flag_field(entry, "normalized", !token.special, where);
    add_token(model, token.content, token.id, token.content);
    tokens.push_back(std::move(token));
  }
  return tokens;
}

/// `["a", "b"]`, or "a b", which cannot hold a part with a space.
std::pair<std::string, std::string> read_pair(const json& entry) {
  if (entry.is_array() && entry.size() == 2 && entry[0].is_string() && entry[1].is_string()) {
    return {entry[0].get<std::string>(), entry[1].get<std::string>()};
  }
  if (entry.is_string()) {
    const auto text = entry.get<std::string>();
    const std::size_t space = text.find(' ');
    if (space != std::string::npos && space == text.rfind(' ') && space > 0 && space + 1 < text.size()) {
      return {text.substr(0, space), text.substr(space + 1)};
    }
  }
  throw DataError("tokenizer.json: the merge " + shown(entry) + " cannot be read; it has to be [\"a\", \"b\"] or \"a b\"");
}

void read_merges(ModelFile& model, const json& merges) {
  model.bpe.merges = MergeTable(merges.size());
  std::int32_t rank = 0;
  for (const auto& entry : merges) {
    const auto [left, right] = read_pair(entry);
    for (const auto& part : {left, right, left + right}) {
      if (model.find(part) < 0) {
        throw DataError("tokenizer.json: the merge " + shown(entry) + " needs the token '" + part +
                        "', which the vocabulary lacks");
      }
    }
    model.bpe.merges.set(model.find(left), model.find(right), {rank++, model.find(left + right)});
  }
}

/// Settings under which the same text would get other ids than here.
void refuse_unsupported(const json& model) {
  if (const auto& type = field(model, "type"); !type.is_null() && type != "BPE") {
    throw DataError("tokenizer.json: the model type " + shown(type) + " is not supported by hf_bpe; it reads BPE");
  }
  if (const auto& dropout = field(model, "dropout"); !dropout.is_null() && dropout != 0) {
    throw DataError("tokenizer.json: 'dropout' of model is " + shown(dropout) + ", which makes ids random; set it to null");
  }
  for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (const auto& value = field(model, name); !value.is_null() && value != "") {
      throw DataError("tokenizer.json: '" + std::string(name) + "' of model is " + shown(value) +
                      ", which hf_bpe does not support");
    }
  }
  if (flag_field(model, "byte_fallback", false, "model")) {
    throw DataError("tokenizer.json: 'byte_fallback' of model is on, so this is no byte-level BPE; hf_bpe reads only that");
  }
}

void check_decoder(const json& decoder) {
  if (decoder.is_null() || field(decoder, "type") == "ByteLevel") return;
  throw DataError("tokenizer.json: the decoder " + shown(decoder) + " is not supported by hf_bpe; it reads ByteLevel");
}

void read_bpe(ModelFile& model, const json& description) {
  for (std::size_t byte = 0; byte < 256; ++byte) {
    std::string symbol;
    append_utf8(byte_symbols()[byte], symbol);
    model.bpe.byte_ids[byte] = model.find(symbol);
  }
  read_merges(model, list_field(description, "merges", "model"));
  if (const auto& unknown = field(description, "unk_token"); unknown.is_string()) {
    model.bpe.unknown = model.find(unknown.get<std::string>());
  }
  model.bpe.fuse_unknown = flag_field(description, "fuse_unk", false, "model");
}

/// Template tokens are special even in a file that forgets to say so: users' text must never become one.
void mark_special(ModelFile& model, std::vector<AddedToken>& added) {
  const Facts& facts = model.facts;
  for (AddedToken& token : added) {
    const bool ends = std::find(facts.eos_ids.begin(), facts.eos_ids.end(), token.id) != facts.eos_ids.end();
    static constexpr std::string_view kTemplate[] = {"<|im_start|>",        "<|im_end|>",        "<|begin_of_text|>",
                                                     "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"};
    const bool used = std::find(std::begin(kTemplate), std::end(kTemplate), token.content) != std::end(kTemplate);
    if (ends || used || token.id == facts.bos_id || token.id == facts.pad_id) token.special = true;
    if (token.special) model.tokens[static_cast<std::size_t>(token.id)].special = true;
  }
  for (const auto id : facts.eos_ids) model.tokens[static_cast<std::size_t>(id)].special = true;
  if (facts.bos_id >= 0) model.tokens[static_cast<std::size_t>(facts.bos_id)].special = true;
}

/// Bytes that no valid text holds. The first one that the vocabulary has marks invalid bytes; the next can stand in for a
/// padding token that the model lacks.
std::vector<std::int32_t> unused_bytes(const ModelFile& model) {
  std::vector<std::int32_t> ids;
  for (const unsigned char byte : {0xFF, 0xFE, 0xFD, 0xFC, 0xFB, 0xFA, 0xF9, 0xF8, 0xF7, 0xF6, 0xF5, 0xC1, 0xC0}) {
    if (model.bpe.byte_ids[byte] >= 0) ids.push_back(model.bpe.byte_ids[byte]);
  }
  return ids;
}

bool may_pad(const Facts& facts, std::int32_t id) {
  return id >= 0 && id != facts.bos_id && std::find(facts.eos_ids.begin(), facts.eos_ids.end(), id) == facts.eos_ids.end();
}

/// Padding is masked everywhere, so any token that no text holds can stand in for one that is missing or ends texts.
std::int32_t choose_special_pad(const ModelFile& model, const std::vector<std::int32_t>& spare_bytes) {
  if (may_pad(model.facts, model.facts.pad_id)) return model.facts.pad_id;
  for (const char* name : {"<pad>", "<|pad|>", "[PAD]", "<|finetune_right_pad_id|>", "<|reserved_special_token_0|>", "<unk>",
                           "<|endoftext|>", "<|end_of_text|>"}) {
    const auto id = model.find(name);
    if (may_pad(model.facts, id) && model.tokens[static_cast<std::size_t>(id)].special) return id;
  }
  return spare_bytes.size() > 1 ? spare_bytes[1] : -1;
}

void choose_pad(ModelFile& model, const std::vector<std::int32_t>& spare_bytes) {
  model.facts.pad_id = choose_special_pad(model, spare_bytes);
  if (model.facts.pad_id >= 0) {
    model.tokens[static_cast<std::size_t>(model.facts.pad_id)].special = true;
    return;
  }
  // A vocabulary without all bytes: a token of the text pads, and still decodes to its text.
  for (std::int32_t id = 0; id < static_cast<std::int32_t>(model.tokens.size()); ++id) {
    if (!may_pad(model.facts, id)) continue;
    model.facts.pad_id = id;
    return;
  }
  throw DataError("tokenizer.json: every token of its vocabulary begins or ends a text, so none is left to pad with");
}

}  // namespace

ModelFile read_model(const json& document) {
  const auto& description = field(document, "model");
  if (!description.is_object()) {
    throw DataError("this is no tokenizer.json: it has no object 'model' but " + shown(document));
  }
  refuse_unsupported(description);
  check_decoder(field(document, "decoder"));
  ModelFile model;
  const json none = json::array();
  const json& added_list =
      field(document, "added_tokens").is_null() ? none : list_field(document, "added_tokens", "the file");
  read_vocabulary(model, field(description, "vocab"), added_list.size());
  read_bpe(model, description);
  std::vector<AddedToken> added = read_added(model, added_list);
  model.normalizer = Normalizer(field(document, "normalizer"));
  model.pre_tokenizer = PreTokenizer(field(document, "pre_tokenizer"));
  model.facts = read_facts(
      document, [&](std::string_view piece) { return model.find(piece); }, static_cast<std::int64_t>(model.tokens.size()));
  const auto spare_bytes = unused_bytes(model);
  if (!spare_bytes.empty()) model.escape_id = spare_bytes.front();
  mark_special(model, added);
  choose_pad(model, spare_bytes);
  std::vector<AddedToken> raw, normalized;
  for (AddedToken& token : added) {
    if (token.normalized) token.content = model.normalizer.apply(token.content);
    (token.normalized ? normalized : raw).push_back(token);
  }
  model.raw_tokens = AddedTokens(raw);
  model.normalized_tokens = AddedTokens(normalized);
  if (flag_field(description, "ignore_merges", false, "model")) {
    for (const auto& [piece, id] : field(description, "vocab").items()) {
      const Token& token = model.tokens[id.get<std::size_t>()];
      if (!token.special && bytes_of_piece(piece)) model.bpe.whole_words.try_emplace(token.text, id.get<std::int32_t>());
    }
  }
  return model;
}

}  // namespace temper::hf_bpe_plugin
