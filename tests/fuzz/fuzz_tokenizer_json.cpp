// Fuzzes hf_bpe with small, complete tokenizer.json files of the shapes that people have: once their text, most mutants of
// which are no JSON any more, and once their tree, where a mutant's bytes say which fields get which odd values, so that
// the reader behind the JSON parser is reached. A mutant that still loads is used too: what it encodes and decodes has to
// end, and its ids to stay in range.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "driver.h"
#include "temper/error.h"
#include "tokenizer.h"

namespace {

using namespace temper;

/// Every letter that the samples below need, and the merges of a few words.
const std::string kModel =
    R"("model": {"type": "BPE", "dropout": null, "unk_token": "?", "fuse_unk": false, "ignore_merges": false,
 "vocab": {"a": 0, "b": 1, "c": 2, "Ġ": 3, "ab": 4, "abc": 5, "Ġa": 6, "?": 7, "ì": 8, "ķ": 9, "Ī": 10, "1": 11,
 "2": 12, "é": 13, "ÿ": 14, "þ": 15, "aa": 16, "'": 17, "s": 18, "Ċ": 19},
 "merges": ["a b", ["ab", "c"], "Ġ a", "a a"]})";

std::string document(const std::string& added, const std::string& normalizer, const std::string& pre,
                     const std::string& own) {
  return R"({"version": "1.0", "added_tokens": [)" + added + R"(], "normalizer": )" + normalizer + R"(, "pre_tokenizer": )" +
         pre + R"(, "post_processor": null, "decoder": {"type": "ByteLevel"}, )" + kModel + own + "}";
}

const std::string kEnd = R"({"id": 20, "content": "<|im_end|>", "special": true, "normalized": false})";
const std::string kMark =
    R"({"id": 21, "content": "<a>", "lstrip": true, "rstrip": true, "single_word": true, "normalized": true})";
const std::string kByteLevel = R"({"type": "ByteLevel", "add_prefix_space": false, "use_regex": true})";
const std::string kSplit =
    R"({"type": "Sequence", "pretokenizers": [{"type": "Split", "pattern": {"Regex":
 "(?i:'s|'t)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s+(?!\\S)|\\s+"},
 "behavior": "Isolated", "invert": false}, {"type": "ByteLevel", "add_prefix_space": false, "use_regex": false}]})";
const std::string kDigits =
    R"({"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": true},
 {"type": "Split", "pattern": {"String": "a"}, "behavior": "MergedWithNext"}, {"type": "ByteLevel"}]})";
const std::string kNormalizers =
    R"({"type": "Sequence", "normalizers": [{"type": "NFC"}, {"type": "Replace", "pattern": {"Regex": "b+"}, "content": "aa"},
 {"type": "Lowercase"}, {"type": "Prepend", "prepend": " "}]})";

const std::vector<std::string>& documents() {
  static const std::vector<std::string> all = {
      document(kEnd, "null", kByteLevel, ""),
      document(
          kEnd + ", " + kMark, R"({"type": "NFC"})", kSplit,
          R"(, "temper": {"eos_ids": [20, 7], "bos_id": -1, "pad_id": 15, "chat_template": "<|im_start|>system\nA<|im_end|>"})"),
      document(kEnd + ", " + kMark, kNormalizers, kDigits, R"(, "temper": {"eos_ids": [20], "bos_id": 3, "pad_id": -1})")};
  return all;
}

void use(const std::string& bytes) {
  hf_bpe_plugin::HfBpeTokenizer tokenizer({}, {});
  tokenizer.load(bytes);
  for (const std::string text : {"abc aab's 12 abc\n\n  ", "안 é <a> <|im_end|> \xFF\xED\xA0", ""}) {
    for (const auto& ids : {tokenizer.encode(text), tokenizer.encode_special(text)}) {
      for (const auto id : ids) {
        if (id < 0 || id >= tokenizer.vocab_size()) throw std::logic_error("id " + std::to_string(id) + " is out of range");
        tokenizer.piece(id);
      }
      tokenizer.decode(ids);
    }
  }
  tokenizer.hugging_face_files();
}

using nlohmann::json;

void collect(json& value, std::vector<json*>& all) {
  all.push_back(&value);
  if (!value.is_structured()) return;
  for (auto& part : value) collect(part, all);
}

/// What a field may hold in a damaged file: each kind of value, and ones that are right elsewhere.
json odd_value(unsigned char choice, const std::vector<json*>& all) {
  static const json values = json::parse(R"json([null, true, false, 0, 1, -1, 20, 21, 19, 100021, 2147483647, 2147483648,
 4294967296, 9223372036854775807, 18446744073709551615, 1.5, 1e300, "", "a", "ab", "\u0000", "Ġ", "한", "<|im_end|>", [], {},
 ["a", "b"], ["a b", "c"], "a b", " a", "aa a", "Removed", "MergedWithPrevious", "MergedWithNext", "Contiguous", "Digits", "Split",
 "Prepend", "Lowercase", "NFD", "NFKC", "Sequence", "ByteLevel", {"Regex": "(?:a*)*b"}, {"Regex": "(a+)+$"}, {"Regex": "["},
 {"Regex": ""}, {"Regex": "\\s|(?<=a)"}, {"Regex": "(?:a{60000}){60000}"}, {"Regex": "(?:(?:b|c|)*)*+"}, {"String": ""},
 {"String": "\u0000"}, {"String": "안"}, {"type": "Replace", "pattern": {"String": "a"}, "content": "aaaaaaaa"}])json");
  if (choice >= 0x80) return *all[(choice & 0x7Fu) % all.size()];
  return values[choice % values.size()];
}

/// The first byte chooses the file; each three after it an edit, a field and a value. An edit 0 changes nothing.
std::string edited(const std::string& bytes) {
  if (bytes.empty()) return "";
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(bytes[at]); };
  json tree = json::parse(documents()[byte(0) % documents().size()]);
  for (std::size_t at = 1; at + 3 <= bytes.size() && at < 64; at += 3) {
    std::vector<json*> all;
    collect(tree, all);
    json& place = *all[byte(at + 1) % all.size()];
    const json value = odd_value(byte(at + 2), all);
    switch (byte(at) % 5) {
      case 1:
        place = value;
        break;
      case 2:
        if (place.is_structured() && !place.empty()) place.erase(std::next(place.begin(), byte(at + 2) % place.size()));
        break;
      case 3:
        if (place.is_array()) place.push_back(value);
        break;
      case 4:
        if (place.is_object()) place[value.is_string() ? value.get<std::string>() : "ignore_merges"] = byte(at + 2) % 23;
        break;
      default:
        break;
    }
  }
  return tree.dump();
}

}  // namespace

int main(int argc, char** argv) {
  fuzz::Target text;
  text.name = "tokenizer-json-text";
  text.seeds = documents();
  text.dictionary = {
      "\"vocab\": {},", "\"ignore_merges\": true,", "\"id\": 4294967296,", "\\ud800", "\"a\": 0,", "[^", "null", "\"\""};
  text.mutants = 4000;
  text.read = use;

  fuzz::Target tree;
  tree.name = "tokenizer-json-tree";
  for (char i = 0; i < 3; ++i) tree.seeds.push_back(i + std::string(12, '\0'));
  tree.dictionary = {"\1", "\2", "\3", "\4"};
  tree.mutants = 5000;
  tree.read = [](const std::string& bytes) { use(edited(bytes)); };
  return fuzz::fuzz_main(argc, argv, {text, tree});
}
