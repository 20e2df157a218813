// vocab.json and merges.txt as a tokenizer.json (see vocab_merges.h).
#include "vocab_merges.h"

#include <set>
#include <sstream>

#include "files.h"
#include "json_fields.h"

namespace temper::hf_bpe_plugin {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

/// Qwen2's words: as Llama 3's, but every digit by itself.
constexpr const char* kQwen2Words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// A line is a merge; the first may name the format's version.
json read_merge_lines(const fs::path& path) {
  json merges = json::array();
  std::istringstream lines(read_text(path));
  for (std::string line; std::getline(lines, line);) {
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.starts_with("#version")) continue;
    merges.push_back(line);
  }
  return merges;
}

/// The normalizer and the pre-tokenizer of the class that tokenizer_config.json names, GPT-2's if it names none.
void set_rules(json& document, const json& config, const fs::path& folder) {
  std::string name = field(config, "tokenizer_class").is_string() ? config["tokenizer_class"].get<std::string>() : "";
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  const json byte_level = {{"type", "ByteLevel"},
                           {"add_prefix_space", flag_field(config, "add_prefix_space", false, "tokenizer_config.json")},
                           {"trim_offsets", true},
                           {"use_regex", name != "Qwen2Tokenizer"}};
  if (name.empty() || name == "GPT2Tokenizer" || name == "CodeGenTokenizer") {
    document["pre_tokenizer"] = byte_level;
  } else if (name == "Qwen2Tokenizer") {
    document["normalizer"] = {{"type", "NFC"}};
    const json words = {
        {"type", "Split"}, {"pattern", {{"Regex", kQwen2Words}}}, {"behavior", "Isolated"}, {"invert", false}};
    document["pre_tokenizer"] = {{"type", "Sequence"}, {"pretokenizers", {words, byte_level}}};
  } else {
    throw DataError(
        "the files in " + folder.string() + " name the tokenizer class '" + name +
        "', whose rules hf_bpe does not know without a tokenizer.json; it knows GPT2Tokenizer, CodeGenTokenizer and "
        "Qwen2Tokenizer. Put the model's tokenizer.json beside vocab.json if it has one");
  }
}

/// Added tokens from the files that may list them; what comes first about one counts.
class AddedList {
 public:
  explicit AddedList(const json& vocab) : vocab_(vocab) {}

  /// `token` is its text, or an object with the text and flags.
  void add(const json& id, const json& token) {
    const std::string content =
        token.is_string() ? token.get<std::string>() : text_field(token, "content", "an added token");
    if (!seen_.insert(content).second) return;
    const bool special = special_.contains(content);
    json entry = {{"id", id}, {"content", content}, {"special", special}, {"normalized", !special}};
    for (const char* flag : {"special", "normalized", "lstrip", "rstrip", "single_word"}) {
      if (!field(token, flag).is_null()) entry[flag] = field(token, flag);
    }
    list_.push_back(std::move(entry));
  }
  /// One that a file calls special. If the vocabulary lacks it, another file has to say its id.
  void add_special(const json& token) {
    const json& content = token.is_object() ? field(token, "content") : token;
    if (!content.is_string()) return;
    special_.insert(content.get<std::string>());
    const json& id = field(vocab_, content.get<std::string>().c_str());
    if (!id.is_null()) add(id, token);
  }
  const json& list() const { return list_; }

 private:
  const json& vocab_;
  std::set<std::string> seen_, special_;
  json list_ = json::array();
};

json read_added(const fs::path& folder, const json& config, const json& vocab) {
  AddedList added(vocab);
  if (const json& listed = field(config, "added_tokens_decoder"); listed.is_object()) {
    for (const auto& [id, token] : listed.items()) {
      const bool is_number = !id.empty() && id.size() < 10 && id.find_first_not_of("0123456789") == std::string::npos;
      added.add(is_number ? json(std::stol(id)) : json(id), token);
    }
  }
  const json map = read_json_if_there(folder / "special_tokens_map.json");
  for (const json* source : {&config, &map}) {
    for (const char* name : {"eos_token", "bos_token", "pad_token", "unk_token"}) added.add_special(field(*source, name));
    if (const json& more = field(*source, "additional_special_tokens"); more.is_array()) {
      for (const json& token : more) added.add_special(token);
    }
  }
  added.add_special("<|endoftext|>");  // the one that GPT-2's class takes where no file says otherwise
  const json own = read_json_if_there(folder / "added_tokens.json");
  if (own.is_object()) {
    for (const auto& [content, id] : own.items()) added.add(id, json(content));
  }
  return added.list();
}

}  // namespace

bool has_vocab_and_merges(const fs::path& folder) {
  return fs::exists(folder / "vocab.json") && fs::exists(folder / "merges.txt");
}

json read_vocab_and_merges(const fs::path& folder) {
  const json config = read_json_if_there(folder / "tokenizer_config.json");
  json vocab = read_json(folder / "vocab.json");
  if (!vocab.is_object()) throw DataError((folder / "vocab.json").string() + " has to be an object of tokens and ids");
  json document = {
      {"version", "1.0"},
      {"truncation", nullptr},
      {"padding", nullptr},
      {"normalizer", nullptr},
      {"post_processor", nullptr},
      {"added_tokens", read_added(folder, config, vocab)},
      {"decoder", {{"type", "ByteLevel"}, {"add_prefix_space", true}, {"trim_offsets", true}, {"use_regex", true}}},
      {"model",
       {{"type", "BPE"},
        {"dropout", nullptr},
        {"unk_token", nullptr},
        {"continuing_subword_prefix", nullptr},
        {"end_of_word_suffix", nullptr},
        {"fuse_unk", false},
        {"byte_fallback", false},
        {"ignore_merges", false},
        {"vocab", std::move(vocab)},
        {"merges", read_merge_lines(folder / "merges.txt")}}}};
  set_rules(document, config, folder);
  return document;
}

}  // namespace temper::hf_bpe_plugin
