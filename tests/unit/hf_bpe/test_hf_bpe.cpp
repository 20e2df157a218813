// hf_bpe against the Rust library's ids for mixed lines, in the four families' forms (tests/reference/hf_bpe has tokenizers,
// numbers and the script), and the round trip of unusual text (P-TOK-09).
#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "catch.h"
#include "tokenizer.h"

using namespace temper;
using namespace temper::hf_bpe_plugin;
using Json = nlohmann::json;

namespace {

const std::string kFolder = std::string(TEMPER_SOURCE_DIR) + "/tests/reference/hf_bpe";

HfBpeTokenizer open(const std::string& name) {
  HfBpeParams params;
  params.file = name + ".tokenizer.json";
  return HfBpeTokenizer(params, {kFolder});
}

}  // namespace

TEST_CASE("ids equal the Rust library's on mixed text") {
  std::ifstream file(kFolder + "/expected.json");
  const Json expected = Json::parse(file);
  for (const auto& [name, rows] : expected.at("ids").items()) {
    const auto tokenizer = open(name);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto line = expected.at("lines")[i].get<std::string>();
      const bool equal = tokenizer.encode(line) == rows[i].get<std::vector<std::int32_t>>();
      if (!equal && wrong++ < 3) UNSCOPED_INFO(name << " differs on line " << i << ": " << line);
    }
    CHECK(wrong == 0);
  }
}

TEST_CASE("unusual text comes back byte for byte (P-TOK-09)") {
  const std::string text = "e\u0301 \u00e9 \u00a0 \u3000 \u200d \r\n \u00bd \uff21 \ufeff Hello , world !";
  for (const char* name : {"gpt2", "smollm2", "llama3"}) {
    const auto tokenizer = open(name);
    CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    CHECK(tokenizer.decode(tokenizer.encode("안녕 🤗")) == "안녕 🤗");
    auto again = open(name);
    again.load(tokenizer.model_bytes());
    CHECK(again.encode(text) == tokenizer.encode(text));
  }
}

TEST_CASE("special tokens are ordinary text unless a template asks for them") {
  const auto tokenizer = open("gpt2");
  const auto id = tokenizer.find_piece("<|endoftext|>");
  REQUIRE(id >= 0);
  const auto plain = tokenizer.encode("a<|endoftext|>");
  CHECK(std::count(plain.begin(), plain.end(), id) == 0);
  CHECK(tokenizer.decode(plain) == "a<|endoftext|>");
  CHECK(tokenizer.encode_special("a<|endoftext|>").back() == id);
  CHECK(tokenizer.byte_length(id) == 0);
}

TEST_CASE("damaged files are data errors") {
  auto tokenizer = open("gpt2");
  for (const char* bytes : {"", "{", "[]", R"({"model": {}})", R"({"model": {"type": "Unigram", "vocab": []}})"}) {
    CHECK_THROWS_AS(tokenizer.load(bytes), DataError);
  }
}
