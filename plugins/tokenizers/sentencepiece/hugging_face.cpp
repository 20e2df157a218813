// Layout of the two files: that of the tokenizers library, version 1.0 of its file format (see hugging_face.h).
#include "hugging_face.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>
#include <unordered_map>

#include "text_split.h"

namespace temper::sentencepiece_plugin {
namespace {

using nlohmann::json;

const std::string& spelling(const Vocabulary& vocabulary, std::int32_t id) {
  return vocabulary.pieces[static_cast<std::size_t>(id)].piece;
}

/// Every way to put a piece together from two others, in the order in which SentencePiece prefers the results: by score,
/// which falls with the rank at which training made the piece.
json merges_of(const Vocabulary& vocabulary) {
  std::unordered_map<std::string_view, std::size_t> ids;
  std::vector<std::size_t> order;
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    if (!vocabulary.pieces[id].mergeable) continue;
    ids.emplace(vocabulary.pieces[id].piece, id);
    order.push_back(id);
  }
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return vocabulary.pieces[a].score > vocabulary.pieces[b].score; });
  json merges = json::array();
  for (const std::size_t id : order) {
    const std::string_view piece = vocabulary.pieces[id].piece;
    for (std::size_t cut = 1; cut < piece.size(); ++cut) {
      if ((static_cast<unsigned char>(piece[cut]) & 0xC0) == 0x80) continue;  // inside a character
      const auto left = piece.substr(0, cut), right = piece.substr(cut);
      if (ids.count(left) != 0 && ids.count(right) != 0) merges.push_back({std::string(left), std::string(right)});
    }
  }
  return merges;
}

json model_of(const Vocabulary& vocabulary) {
  const std::size_t own = vocabulary.pieces.size() - static_cast<std::size_t>(vocabulary.sentinels);
  if (vocabulary.is_unigram) {
    json rows = json::array();
    for (std::size_t id = 0; id < own; ++id) rows.push_back({vocabulary.pieces[id].piece, vocabulary.pieces[id].score});
    return {{"type", "Unigram"},
            {"unk_id", vocabulary.unknown},
            {"byte_fallback", vocabulary.byte_fallback},
            {"vocab", std::move(rows)}};
  }
  json ids = json::object();
  for (std::size_t id = 0; id < own; ++id) ids[vocabulary.pieces[id].piece] = id;
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", spelling(vocabulary, vocabulary.unknown)},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", true},
          {"byte_fallback", vocabulary.byte_fallback},
          {"ignore_merges", false},
          {"vocab", std::move(ids)},
          {"merges", merges_of(vocabulary)}};
}

json normalizer_of(const Vocabulary& vocabulary) {
  json steps = json::array();
  if (vocabulary.adds_space_first) steps.push_back({{"type", "Prepend"}, {"prepend", kSpaceSign}});
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpaceSign}});
  return {{"type", "Sequence"}, {"normalizers", std::move(steps)}};
}

json decoder_of(const Vocabulary& vocabulary) {
  json steps = json::array();
  steps.push_back({{"type", "Replace"}, {"pattern", {{"String", kSpaceSign}}}, {"content", " "}});
  if (vocabulary.byte_fallback) steps.push_back({{"type", "ByteFallback"}});
  steps.push_back({{"type", "Fuse"}});
  if (vocabulary.adds_space_first) {
    steps.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  return {{"type", "Sequence"}, {"decoders", std::move(steps)}};
}

/// Where EOS or BOS goes, for one text and for a pair.
json frame_of(const Vocabulary& vocabulary) {
  const bool ends = vocabulary.sentinels > 0;
  const std::int32_t id = ends ? vocabulary.eos : vocabulary.bos;
  if (id < 0) return nullptr;
  const std::string& token = spelling(vocabulary, id);
  const auto text = [](const char* name, int type) { return json{{"Sequence", {{"id", name}, {"type_id", type}}}}; };
  const auto mark = [&](int type) { return json{{"SpecialToken", {{"id", token}, {"type_id", type}}}}; };
  json single = json::array(), pair = json::array();
  if (ends) {
    single = {text("A", 0), mark(0)};
    pair = {text("A", 0), mark(0), text("B", 0), mark(0)};
  } else {
    single = {mark(0), text("A", 0)};
    pair = {mark(0), text("A", 0), mark(1), text("B", 1)};
  }
  json tokens = json::object();
  tokens[token] = {{"id", token}, {"ids", {id}}, {"tokens", {token}}};
  return {{"type", "TemplateProcessing"},
          {"single", std::move(single)},
          {"pair", std::move(pair)},
          {"special_tokens", std::move(tokens)}};
}

}  // namespace

std::string tokenizer_json(const Vocabulary& vocabulary) {
  json added = json::array();
  for (std::size_t id = 0; id < vocabulary.pieces.size(); ++id) {
    const bool unknown = static_cast<std::int32_t>(id) == vocabulary.unknown;
    if (!vocabulary.pieces[id].special && !unknown) continue;
    added.push_back({{"id", id},
                     {"content", vocabulary.pieces[id].piece},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", true}});
  }
  const json file = {{"version", "1.0"},
                     {"truncation", nullptr},
                     {"padding", nullptr},
                     {"added_tokens", std::move(added)},
                     {"normalizer", normalizer_of(vocabulary)},
                     {"pre_tokenizer", nullptr},
                     {"post_processor", frame_of(vocabulary)},
                     {"decoder", decoder_of(vocabulary)},
                     {"model", model_of(vocabulary)}};
  return file.dump(1) + "\n";
}

std::string tokenizer_config_json(const Vocabulary& vocabulary) {
  // The class that takes tokenizer.json as it stands: T5Tokenizer and LlamaTokenizer put rules of their own on top of it.
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"}, {"clean_up_tokenization_spaces", false}};
  const auto name = [&](const char* key, std::int32_t id) {
    if (id >= 0) config[key] = spelling(vocabulary, id);
  };
  name("unk_token", vocabulary.unknown);
  name("bos_token", vocabulary.bos);
  name("eos_token", vocabulary.eos);
  name("pad_token", vocabulary.pad);
  if (vocabulary.sentinels > 0) config["extra_ids"] = vocabulary.sentinels;
  return config.dump(1) + "\n";
}

}  // namespace temper::sentencepiece_plugin
