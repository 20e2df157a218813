// Known mistakes of byte-level BPE readers, each with the numbers that tell right from wrong: the byte alphabet, GPT-2's
// words, the order of merges, whole words, two spellings of merges, added tokens' flags, one or several end tokens.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "model_file.h"
#include "temper/error.h"
#include "tokenizer.h"
#include "utf8.h"

using namespace temper;
using namespace temper::hf_bpe_plugin;
using Json = nlohmann::json;
using Texts = std::vector<std::string>;

namespace {

const Json kByteLevel = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", true}};

/// A tokenizer.json whose vocabulary is `pieces`, in order, and an end token behind them.
Json document(const Texts& pieces, const Json& merges, bool ignore_merges = false) {
  Json vocab = Json::object();
  for (std::size_t i = 0; i < pieces.size(); ++i) vocab[pieces[i]] = i;
  vocab["</s>"] = pieces.size();
  return {{"pre_tokenizer", kByteLevel},
          {"decoder", {{"type", "ByteLevel"}}},
          {"model", {{"type", "BPE"}, {"vocab", vocab}, {"merges", merges}, {"ignore_merges", ignore_merges}}}};
}

Texts encoded(const Json& document, const std::string& text) {
  HfBpeTokenizer tokenizer({}, {});
  tokenizer.load(document.dump());
  Texts pieces;
  for (const auto id : tokenizer.encode(text)) pieces.push_back(tokenizer.piece(id));
  return pieces;
}

Texts words(const std::string& text) {
  const PreTokenizer pre_tokenizer(kByteLevel);
  auto rooms = pre_tokenizer.make_rooms();
  Texts found;
  pre_tokenizer.split(text, rooms, [&](std::string_view word) { found.emplace_back(word); });
  return found;
}

/// Where the token was found: begin and end of each.
std::vector<std::pair<std::size_t, std::size_t>> places(const AddedToken& token, const std::string& text) {
  std::vector<std::pair<std::size_t, std::size_t>> found;
  std::size_t at = 0;
  AddedTokens({token}).split(text, true, [&](std::int32_t id, std::string_view part) {
    if (id >= 0) found.emplace_back(at, at + part.size());
    at += part.size();
  });
  CHECK(at == text.size());
  return found;
}

}  // namespace

TEST_CASE("P-TOK-01 the byte alphabet leaves out 0xAD and 0x7F to 0xA0") {
  const std::vector<std::pair<int, char32_t>> expected = {{0x00, 0x100}, {0x0A, 0x10A}, {0x20, 0x120}, {0x41, 0x41},
                                                          {0x7F, 0x121}, {0xA0, 0x142}, {0xAD, 0x143}, {0xFF, 0xFF}};
  for (const auto& [byte, symbol] : expected) CHECK(byte_symbols()[static_cast<std::size_t>(byte)] == symbol);
  std::string spelled;
  for (const unsigned char byte : std::string("안")) append_utf8(byte_symbols()[byte], spelled);
  CHECK(spelled == "\u00EC\u0137\u012A");
  CHECK(bytes_of_piece(spelled) == "안");
}

TEST_CASE("P-TOK-02 GPT-2's words: one space goes with the next word, contractions are small and straight") {
  CHECK(words("a   b") == Texts{"a", "  ", " b"});
  CHECK(words("a  ") == Texts{"a", "  "});
  CHECK(words("x\n\n  y") == Texts{"x", "\n\n ", " y"});
  CHECK(words("it's IT'S") == Texts{"it", "'s", " IT", "'", "S"});
  CHECK(words("don\u2019t") == Texts{"don", "\u2019", "t"});
  CHECK(words("12345 abc") == Texts{"12345", " abc"});
}

TEST_CASE("P-TOK-03 the merge that comes first in the file is made first") {
  CHECK(encoded(document({"a", "b", "c", "ab", "bc"}, {"b c", "a b"}), "abc") == Texts{"a", "bc"});
  CHECK(encoded(document({"a", "aa", "aaa"}, {"a a", "aa a"}), "aaaaa") == Texts{"aa", "aaa"});
  CHECK(encoded(document({"a", "aa"}, {"a a"}), "aaa") == Texts{"aa", "a"});
}

TEST_CASE("P-TOK-04 a whole word of the vocabulary is one token only if the file says so") {
  const Texts pieces = {"a", "b", "c", "ab", "abc"};
  CHECK(encoded(document(pieces, {"a b"}, true), "abc") == Texts{"abc"});
  CHECK(encoded(document(pieces, {"a b"}, false), "abc") == Texts{"ab", "c"});
}

TEST_CASE("P-TOK-05 merges are pairs or texts, and a pair's part may hold a space") {
  const Texts pieces = {"a", "b", "c", "ab", "a b", "a bc"};
  const Json pair = Json::array({Json::array({"a", "b"})}), text = Json::array({"a b"});
  for (const Json& merges : {pair, text}) {
    const ModelFile model = read_model(document(pieces, merges));
    CHECK(model.bpe.merges.find(0, 1).rank == 0);
    CHECK(model.bpe.merges.find(0, 1).made == 3);
  }
  const ModelFile model = read_model(document(pieces, Json::array({Json::array({"a b", "c"})})));
  CHECK(model.bpe.merges.find(4, 2).made == 5);
  CHECK(model.bpe.merges.find(0, 1).rank == -1);
  for (const Json& entry : {Json("ab"), Json("a b c"), Json(" b"), Json::array({"a"}), Json::array({"a", 1}), Json(1)}) {
    INFO(entry.dump());
    CHECK_THROWS_AS(read_model(document(pieces, Json::array({entry}))), DataError);
  }
}

TEST_CASE("P-TOK-06 added tokens take the space beside them, or stand alone, as their flags say") {
  using Places = std::vector<std::pair<std::size_t, std::size_t>>;
  AddedToken left{5, "<a>"}, right{5, "<a>"}, word{5, "ab"};
  left.lstrip = right.rstrip = word.single_word = true;
  CHECK(places(left, "x  <a> y") == Places{{1, 6}});
  CHECK(places(right, "x <a>  y") == Places{{2, 7}});
  CHECK(places(word, "ab abx ab") == Places{{0, 2}, {7, 9}});
}

TEST_CASE("P-GEN-06 a model's files name one end token or several") {
  const auto folder = std::filesystem::temp_directory_path() / "temper_test_hf_bpe_ends";
  const auto write = [&](const char* name, const Json& content) { std::ofstream(folder / name) << content; };
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  write("tokenizer.json", document({"a", "b", "c", "d", "e", "f", "g", "h", "i"}, Json::array()));
  for (const char* name : {"config.json", "generation_config.json"}) {
    write(name, {{"eos_token_id", 7}});
    CHECK(HfBpeTokenizer({folder.string()}, {}).eos_ids() == std::vector<std::int32_t>{7});
    write(name, {{"eos_token_id", {7, 8}}});
    CHECK(HfBpeTokenizer({folder.string()}, {}).eos_ids() == std::vector<std::int32_t>{7, 8});
  }
  std::filesystem::remove_all(folder);
}
