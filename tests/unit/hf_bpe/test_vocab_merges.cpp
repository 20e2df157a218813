// vocab.json with merges.txt is read as the tokenizer.json that it stands for: the reference tokenizers, taken apart into
// these files, give the Rust library's ids.
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "temper/error.h"
#include "tokenizer.h"

using namespace temper;
using namespace temper::hf_bpe_plugin;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

const fs::path kReference = fs::path(TEMPER_SOURCE_DIR) / "tests/reference/hf_bpe";

Json read(const fs::path& path) {
  std::ifstream file(path);
  return Json::parse(file);
}

struct Folder {
  fs::path path = fs::temp_directory_path() / "temper_test_vocab_merges";
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  void write(const char* name, const std::string& text) const { std::ofstream(path / name, std::ios::binary) << text; }

  /// The vocabulary and the merges of a reference tokenizer.
  void take_apart(const std::string& name, bool windows_lines = false) const {
    const Json model = read(kReference / (name + ".tokenizer.json")).at("model");
    write("vocab.json", model.at("vocab").dump());
    std::string lines = "#version: 0.2\n";
    for (const auto& merge : model.at("merges")) {
      lines +=
          (merge.is_string() ? merge.get<std::string>() : merge[0].get<std::string>() + " " + merge[1].get<std::string>());
      lines += windows_lines ? "\r\n" : "\n";
    }
    write("merges.txt", lines);
  }
  HfBpeTokenizer open() const { return HfBpeTokenizer({path.string()}, {}); }
};

std::size_t different_lines(const HfBpeTokenizer& tokenizer, const std::string& name) {
  const Json expected = read(kReference / "expected.json");
  std::size_t different = 0;
  for (std::size_t i = 0; i < expected.at("lines").size(); ++i) {
    const auto ids = expected.at("ids").at(name)[i].get<std::vector<std::int32_t>>();
    different += tokenizer.encode(expected.at("lines")[i].get<std::string>()) != ids;
  }
  return different;
}

}  // namespace

TEST_CASE("vocab.json and merges.txt alone are GPT-2's tokenizer") {
  for (const bool windows_lines : {false, true}) {
    const Folder folder;
    folder.take_apart("gpt2", windows_lines);
    const auto tokenizer = folder.open();
    CHECK(different_lines(tokenizer, "gpt2") == 0);
    const auto end = tokenizer.find_piece("<|endoftext|>");
    REQUIRE(end >= 0);
    CHECK(tokenizer.eos_ids() == std::vector<std::int32_t>{end});
    CHECK(tokenizer.bos_id() == -1);
    CHECK(tokenizer.encode_special("a<|endoftext|>").back() == end);
    // What a checkpoint keeps is a tokenizer.json like any other.
    HfBpeTokenizer again({}, {});
    again.load(tokenizer.model_bytes());
    CHECK(again.encode("it's 2026\n\n  x") == tokenizer.encode("it's 2026\n\n  x"));
    CHECK(Json::parse(again.hugging_face_files().front().second).at("pre_tokenizer").at("type") == "ByteLevel");
  }
}

TEST_CASE("the files beside them name the class, special tokens and added tokens with their ids") {
  const Folder folder;
  folder.take_apart("qwen2");
  const auto size = static_cast<std::int32_t>(read(folder.path / "vocab.json").size());
  folder.write(
      "tokenizer_config.json",
      R"({"tokenizer_class": "Qwen2Tokenizer", "eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"],
 "add_bos_token": true, "bos_token": {"content": "<|endoftext|>", "lstrip": false}})");
  folder.write("added_tokens.json", Json{{"<|im_start|>", size}, {"<|im_end|>", size + 1}, {"<tool>", size + 2}}.dump());
  const auto tokenizer = folder.open();
  CHECK(different_lines(tokenizer, "qwen2") == 0);
  CHECK(tokenizer.vocab_size() == size + 3);
  CHECK(tokenizer.eos_ids() == std::vector<std::int32_t>{size + 1});
  CHECK(tokenizer.bos_id() == tokenizer.find_piece("<|endoftext|>"));
  CHECK(tokenizer.encode_special("<|im_start|>").front() == size);
  CHECK(tokenizer.encode("<|im_start|>").size() > 1);
  CHECK(tokenizer.encode("<tool>") == std::vector<std::int32_t>{size + 2});  // added, but not special
}

TEST_CASE("added_tokens_decoder gives ids and flags") {
  const Folder folder;
  folder.take_apart("gpt2");
  const auto size = read(folder.path / "vocab.json").size();
  const Json mark = {{"content", "<m>"}, {"lstrip", true}, {"special", true}, {"normalized", false}};
  folder.write(
      "tokenizer_config.json",
      Json{{"tokenizer_class", "GPT2TokenizerFast"}, {"added_tokens_decoder", {{std::to_string(size), mark}}}}.dump());
  const auto tokenizer = folder.open();
  CHECK(tokenizer.encode_special("a  <m>") ==
        std::vector<std::int32_t>{tokenizer.find_piece("a"), static_cast<std::int32_t>(size)});
}

TEST_CASE("what cannot be read of such a folder is a data error that names the file or the class") {
  const Folder folder;
  folder.take_apart("gpt2");
  folder.write("tokenizer_config.json", R"({"tokenizer_class": "CLIPTokenizer"})");
  CHECK_THROWS_WITH(folder.open(), ContainsSubstring("CLIPTokenizer"));
  folder.write("tokenizer_config.json", R"({"added_tokens_decoder": {"x": {"content": "<m>"}}})");
  CHECK_THROWS_AS(folder.open(), DataError);
  folder.write("tokenizer_config.json", "{}");
  folder.write("merges.txt", "#version: 0.2\na b c\n");
  CHECK_THROWS_WITH(folder.open(), ContainsSubstring("a b c"));
  folder.write("merges.txt", "a zzzz\n");
  CHECK_THROWS_WITH(folder.open(), ContainsSubstring("zzzz"));
  folder.write("vocab.json", "[1]");
  CHECK_THROWS_WITH(folder.open(), ContainsSubstring("vocab.json"));
  fs::remove(folder.path / "merges.txt");
  CHECK_THROWS_WITH(folder.open(), ContainsSubstring("tokenizer.json"));
}
