// Sentinels above the model's pieces, special spellings in templates, and the files for Hugging Face's transformers.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <utility>

#include "catch.h"
#include "model_proto.h"
#include "temper/random.h"
#include "tokenizer.h"

using namespace temper;
using namespace temper::sentencepiece_plugin;
using Ids = std::vector<std::int32_t>;

namespace {

constexpr std::int32_t kPieces = 400;

/// Made-up words around a frequent "the".
std::string sentinel_corpus() {
  static const std::vector<std::string> kParts = {"ka", "ri", "to", "mel", "an", "su", "ver", "dor", "li", "pen", "größ"};
  std::string text;
  Rng rng(7);
  for (int line = 0; line < 400; ++line) {
    for (int word = 0; word < 8; ++word) {
      if (word > 0) text += ' ';
      if (word % 2 == 0) text += "the ";
      for (std::uint64_t part = 0, parts = 1 + rng.below(3); part < parts; ++part) text += kParts[rng.below(kParts.size())];
    }
    text += ".\n";
  }
  return text;
}

SentencepieceTokenizer trained(std::int64_t sentinels, const std::string& type = "bpe") {
  SentencepieceParams params;
  params.vocab_size = kPieces;
  params.model_type = type;
  params.sentinels = sentinels;
  SentencepieceTokenizer tokenizer(params, {});
  bool given = false;
  tokenizer.train([&]() -> std::optional<std::string> {
    if (given) return std::nullopt;
    given = true;
    return sentinel_corpus();
  });
  return tokenizer;
}

/// The model as other trainers write it: with a space put in front of the text.
std::string with_dummy_prefix(std::string bytes) {
  const std::string off = std::string("\x18\x00", 2);  // add_dummy_prefix of the normaliser
  const auto at = bytes.rfind(off);
  REQUIRE(at != std::string::npos);
  bytes[at + 1] = 1;
  REQUIRE(read_model(bytes).adds_space_first);
  return bytes;
}

std::string python_with_transformers() {
  const char* named = std::getenv("TEMPER_TEST_PYTHON");
  for (const std::string& python : {std::string(named != nullptr ? named : "python3"), std::string("python3")}) {
    if (std::system((python + " -c 'import transformers' >/dev/null 2>&1").c_str()) == 0) return python;
  }
  return "";
}

}  // namespace

TEST_CASE("sentinels are above the model's pieces, the first one highest") {
  const auto tokenizer = trained(100);
  CHECK(tokenizer.vocab_size() == kPieces + 100);
  const auto sentinels = tokenizer.sentinel_ids();
  REQUIRE(sentinels.size() == 100);
  for (std::int32_t k = 0; k < 100; ++k) {
    CHECK(sentinels[static_cast<std::size_t>(k)] == kPieces + 99 - k);
    CHECK(tokenizer.piece(sentinels[static_cast<std::size_t>(k)]) == "<extra_id_" + std::to_string(k) + ">");
  }
  CHECK(tokenizer.find_piece("<extra_id_0>") == kPieces + 99);
  CHECK(tokenizer.find_piece("<extra_id_99>") == kPieces);
  CHECK(tokenizer.find_piece("<extra_id_100>") == -1);
  CHECK(tokenizer.find_piece("</s>") == tokenizer.eos_ids().front());
  CHECK(tokenizer.find_piece("\xE2\x96\x81the") == tokenizer.encode(" the")[0]);
  CHECK(tokenizer.decode({kPieces + 99, tokenizer.find_piece("the"), kPieces}) == "the");
  CHECK_THROWS_AS(tokenizer.piece(kPieces + 100), DataError);
  CHECK(trained(0).sentinel_ids().empty());
  CHECK(trained(0).find_piece("<extra_id_0>") == -1);
}

TEST_CASE("sentinels change neither the model's bytes nor the ids of texts, and come from the parameters on load") {
  for (const std::string type : {"bpe", "unigram"}) {
    const auto plain = trained(0, type), with = trained(7, type);
    CHECK(plain.model_bytes() == with.model_bytes());
    CHECK(plain.encode(sentinel_corpus()) == with.encode(sentinel_corpus()));
    SentencepieceParams params;
    params.sentinels = 3;
    SentencepieceTokenizer loaded(params, {});
    loaded.load(plain.model_bytes());
    CHECK(loaded.vocab_size() == kPieces + 3);
    CHECK(loaded.sentinel_ids() == Ids{kPieces + 2, kPieces + 1, kPieces});
    loaded.load(plain.model_bytes());
    CHECK(loaded.vocab_size() == kPieces + 3);
  }
}

TEST_CASE("a text never becomes a sentinel, a template does") {
  const auto tokenizer = trained(10);
  const std::int32_t first = tokenizer.find_piece("<extra_id_0>"), tenth = tokenizer.find_piece("<extra_id_9>");
  for (const std::string text : {"<extra_id_0>", "the <extra_id_9> baker"}) {
    for (const auto id : tokenizer.encode(text)) CHECK(id < kPieces);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  }
  CHECK(tokenizer.encode_special("<extra_id_0>") == Ids{first});
  CHECK(tokenizer.encode_special("<extra_id_9><extra_id_0></s>") == Ids{tenth, first, tokenizer.eos_ids().front()});
  Ids expected = {tokenizer.bos_id()};
  for (const auto id : tokenizer.encode("the")) expected.push_back(id);
  expected.push_back(first);
  for (const auto id : tokenizer.encode(" baker <extra")) expected.push_back(id);
  CHECK(tokenizer.encode_special("<s>the<extra_id_0> baker <extra") == expected);
  CHECK(tokenizer.encode_special("no special\ntoken") == tokenizer.encode("no special\ntoken"));
  CHECK(tokenizer.encode_special("").empty());
  CHECK(tokenizer.encode_special("<pad>") == Ids{tokenizer.pad_id()});
}

TEST_CASE("a space that the model asks for comes before the text, not before each part of a template") {
  const std::string bytes = with_dummy_prefix(trained(0).model_bytes());
  SentencepieceParams params;
  params.sentinels = 2;
  SentencepieceTokenizer tokenizer(params, {});
  tokenizer.load(bytes);
  CHECK(tokenizer.encode("the")[0] == tokenizer.find_piece("\xE2\x96\x81the"));
  CHECK(tokenizer.encode_special("the baker") == tokenizer.encode("the baker"));
  const auto ids = tokenizer.encode_special("<extra_id_0>the");
  CHECK(ids[0] == tokenizer.find_piece("<extra_id_0>"));
  CHECK(ids[1] != tokenizer.find_piece("\xE2\x96\x81the"));
  CHECK(tokenizer.decode(tokenizer.encode("the baker")) == "the baker");
  CHECK(tokenizer.byte_length(tokenizer.find_piece("\xE2\x96\x81the")) == 4);
}

TEST_CASE("byte lengths add up to the text's bytes") {
  for (const std::string type : {"bpe", "unigram"}) {
    const auto tokenizer = trained(5, type);
    for (const std::string& text : {std::string("the baker größer\n\n"), std::string("🤗 안녕 \t"), sentinel_corpus()}) {
      std::int64_t bytes = 0;
      for (const auto id : tokenizer.encode(text)) bytes += tokenizer.byte_length(id);
      CHECK(bytes == static_cast<std::int64_t>(text.size()));
    }
    for (const auto id : tokenizer.sentinel_ids()) CHECK(tokenizer.byte_length(id) == 0);
    CHECK(tokenizer.byte_length(tokenizer.pad_id()) == 0);
    CHECK(tokenizer.byte_length(0) == 0);
    CHECK(tokenizer.byte_length(tokenizer.find_piece("<0xF0>")) == 1);
  }
}

TEST_CASE("a model with sentinels of its own is not given others of the same name") {
  // An entry of the model's list of pieces: field 1, with the piece and its type USER_DEFINED (4).
  const std::string piece = "<extra_id_0>";
  const std::string message = "\x0A" + std::string(1, static_cast<char>(piece.size())) + piece + "\x18\x04";
  const std::string bytes = trained(0).model_bytes() + "\x0A" + std::string(1, static_cast<char>(message.size())) + message;
  SentencepieceParams params;
  params.sentinels = 1;
  SentencepieceTokenizer twice(params, {});
  CHECK_THROWS_WITH(twice.load(bytes), ContainsSubstring("sentinels = 1"));
  CHECK_THROWS_AS(twice.load(bytes), ConfigError);
  params.sentinels = 0;
  SentencepieceTokenizer once(params, {});
  once.load(bytes);
  CHECK(once.vocab_size() == kPieces + 1);
}

TEST_CASE("files for transformers: names, special tokens and merges") {
  const auto files_of = [](const SentencepieceTokenizer& tokenizer) {
    std::map<std::string, std::string> files;
    for (const auto& [name, bytes] : tokenizer.hugging_face_files()) files[name] = bytes;
    return files;
  };
  const auto plain = trained(0), with = trained(3, "unigram");
  auto files = files_of(plain);
  REQUIRE(files.size() == 3);
  CHECK(files.at("tokenizer.model") == plain.model_bytes());
  auto json = nlohmann::json::parse(files.at("tokenizer.json"));
  CHECK(json["model"]["type"] == "BPE");
  CHECK(json["model"]["vocab"].size() == kPieces);
  CHECK(json["model"]["merges"].size() > 20);
  CHECK(json["post_processor"]["single"][0]["SpecialToken"]["id"] == "<s>");
  files = files_of(with);
  CHECK(files.at("spiece.model") == with.model_bytes());
  json = nlohmann::json::parse(files.at("tokenizer.json"));
  CHECK(json["model"]["type"] == "Unigram");
  CHECK(json["model"]["vocab"].size() == kPieces);
  CHECK(json["added_tokens"].back()["content"] == "<extra_id_0>");
  CHECK(json["added_tokens"].back()["id"] == kPieces + 2);
  CHECK(json["post_processor"]["single"][1]["SpecialToken"]["id"] == "</s>");
  const auto config = nlohmann::json::parse(files.at("tokenizer_config.json"));
  CHECK(config["eos_token"] == "</s>");
  CHECK(config["pad_token"] == "<pad>");
}

TEST_CASE("transformers' AutoTokenizer loads the files and gives equal ids") {
  const std::string python = python_with_transformers();
  if (python.empty()) {
    WARN("SKIPPED: no Python with transformers is there (TEMPER_TEST_PYTHON can name one)");
    return;
  }
  namespace fs = std::filesystem;
  const fs::path root = fs::temp_directory_path() / ("temper_test_auto_tokenizer_" + std::to_string(std::rand()));
  std::vector<std::string> texts = {
      "the baker sells bread", " two  spaces ", "größer\n\nline\ttab", "🤗 안녕 e\u0301 ½", "", "\n"};
  texts.push_back(sentinel_corpus());
  std::string plays;
  if (const auto path = shared_data("corpus/tinyshakespeare.txt"); !path.empty()) {
    std::ifstream file(path, std::ios::binary);
    plays = std::string{std::istreambuf_iterator<char>(file), {}}.substr(0, 300'000);
    texts.push_back(plays);
  }
  const auto write = [&](const std::string& name, const SentencepieceTokenizer& tokenizer) {
    const fs::path folder = root / name;
    fs::create_directories(folder);
    for (const auto& [file, bytes] : tokenizer.hugging_face_files()) std::ofstream(folder / file, std::ios::binary) << bytes;
    nlohmann::json cases = {{"sentinels", tokenizer.sentinel_ids()},
                            {"vocab_size", tokenizer.vocab_size()},
                            {"bos", tokenizer.bos_id()},
                            {"eos", tokenizer.eos_ids().front()},
                            {"pad", tokenizer.pad_id()},
                            {"texts", nlohmann::json::array()}};
    for (const auto& text : texts) cases["texts"].push_back({text, tokenizer.encode(text)});
    std::ofstream(folder / "cases.json") << cases;
  };
  for (const std::string type : {"bpe", "unigram"}) {
    write(type, trained(0, type));
    write(type + "_sentinels", trained(100, type));
    SentencepieceParams params;
    params.sentinels = 4;
    SentencepieceTokenizer spaced(params, {});
    spaced.load(with_dummy_prefix(trained(0, type).model_bytes()));
    write(type + "_space_first", spaced);
    if (plays.empty()) continue;
    // Pieces that can be put together in many ways.
    params.vocab_size = 2000;
    params.model_type = type;
    SentencepieceTokenizer large(params, {});
    bool given = false;
    large.train([&] { return std::exchange(given, true) ? std::nullopt : std::optional<std::string>(plays); });
    write(type + "_plays", large);
  }
  const std::string script = std::string(TEMPER_SOURCE_DIR) + "/tests/unit/tokenizer/check_with_transformers.py";
  const fs::path output = root / "out.txt";
  const int code = std::system((python + " " + script + " " + root.string() + " > " + output.string() + " 2>&1").c_str());
  std::ifstream said(output);
  INFO((std::string{std::istreambuf_iterator<char>(said), {}}));
  CHECK(code == 0);
  fs::remove_all(root);
}
