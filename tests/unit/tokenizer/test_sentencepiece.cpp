// The sentencepiece tokenizer: every byte comes back, training is deterministic, errors say what to do.
#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "catch.h"
#include "temper/random.h"
#include "temper/template.h"
#include "tokenizer.h"

using namespace temper;
using namespace temper::sentencepiece_plugin;

namespace {

std::string corpus() {
  static const std::vector<std::string> kWords = {"the",   "baker", "sells", "bread", "miller", "grinds",  "corn",  "and",
                                                  "smith", "mends", "iron",  "tools", "while",  "evening", "bells", "ring"};
  std::string text;
  Rng rng(7);
  for (int line = 0; line < 400; ++line) {
    for (int word = 0; word < 8; ++word) text += kWords[rng.below(kWords.size())] + (word < 7 ? " " : ".\n");
  }
  return text;
}

Tokenizer::TextSource source(std::vector<std::string> texts) {
  return [texts = std::move(texts), next = std::size_t{0}]() mutable -> std::optional<std::string> {
    if (next == texts.size()) return std::nullopt;
    return texts[next++];
  };
}

SentencepieceTokenizer trained(SentencepieceParams params) {
  SentencepieceTokenizer tokenizer(params, {});
  tokenizer.train(source({corpus()}));
  return tokenizer;
}

SentencepieceParams small(const std::string& type = "bpe") {
  SentencepieceParams params;
  params.vocab_size = 300;
  params.model_type = type;
  return params;
}

std::vector<std::string> hard_texts() {
  std::vector<std::string> texts = {"",
                                    " ",
                                    "   ",
                                    " a",
                                    "a ",
                                    "  two  spaces  ",
                                    "\n",
                                    "\n\n\n",
                                    "a\nb\n",
                                    "\r\n",
                                    "a\r\nb\rc",
                                    "\t\tx\t",
                                    "the baker",
                                    "<s>",
                                    "</s>",
                                    "<pad><unk>",
                                    "<0x41>",
                                    "\xE2\x96\x81",
                                    "a\xE2\x96\x81 \xE2\x96\x81\xE2\x96\x81 b",
                                    "\xE2\x96\x85",
                                    "\xFF",
                                    "\xF0\x9F\xA4",
                                    "\x80\x80 a \xC3(",
                                    "\xED\xA0\x80",
                                    "\xEF\xBF\xBD",
                                    "안녕하세요 세계",
                                    "Hello , world !",
                                    "e\u0301 \u00e9 \u00a0 \u3000 \u200d \r\n 👨‍👩‍👧 ½ Ａ \ufeff",
                                    "\u2028\u0085"};
  texts.push_back(std::string("\0", 1));
  texts.push_back(std::string("a\0b\0\0 c", 8));
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  texts.push_back(all);
  return texts;
}

}  // namespace

TEST_CASE("P-TOK-09 P-TOK-08 decode(encode(x)) is byte-equal to x for unusual text") {
  for (const std::string type : {"bpe", "unigram"}) {
    const auto tokenizer = trained(small(type));
    for (const auto& text : hard_texts()) {
      INFO(type << ": " << text);
      CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    }
    Rng rng(3);
    for (int round = 0; round < 500; ++round) {
      std::string text;
      const auto& pool = hard_texts();
      while (rng.below(6) != 0) {
        if (rng.below(2) == 0) text += static_cast<char>(rng.below(256));
        text += pool[rng.below(pool.size() - 1)];
      }
      CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    }
  }
}

TEST_CASE("P-TOK-07 byte pieces decode to their characters, unfinished ones to U+FFFD") {
  const auto tokenizer = trained(small());
  std::vector<std::int32_t> ids;
  for (const std::string name : {"<0xF0>", "<0x9F>", "<0xA4>", "<0x97>"}) {
    for (std::int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
      if (tokenizer.piece(id) == name) ids.push_back(id);
    }
  }
  REQUIRE(ids.size() == 4);
  CHECK(tokenizer.encode("🤗") == ids);
  CHECK(tokenizer.decode(ids) == "🤗");
  ids.pop_back();
  CHECK(tokenizer.decode(ids) == "\uFFFD\uFFFD\uFFFD");
  CHECK(tokenizer.decode(tokenizer.encode("\xF0\x9F\xA4")) == "\xF0\x9F\xA4");
}

TEST_CASE("P-LOSS-13 special tokens are distinct, never come from text, and BOS is put once by the template") {
  const auto tokenizer = trained(small());
  CHECK(tokenizer.piece(tokenizer.bos_id()) == "<s>");
  CHECK(tokenizer.piece(tokenizer.eos_ids().front()) == "</s>");
  CHECK(tokenizer.piece(tokenizer.pad_id()) == "<pad>");
  CHECK(tokenizer.piece(0) == "<unk>");
  for (const std::string text : {"hi", "<s>U:hi", "</s>", "<pad>", "<unk>"}) {
    for (const auto id : tokenizer.encode(text)) CHECK(id > 3);
  }
  for (const std::string text : {"hi", "<s>U:hi"}) {
    const auto prompt = render_prompt("instruction", {{"user", text}}, tokenizer);
    CHECK(prompt.ids.front() == tokenizer.bos_id());
    CHECK(std::count(prompt.ids.begin(), prompt.ids.end(), tokenizer.bos_id()) == 1);
  }
  CHECK(tokenizer.decode({tokenizer.bos_id(), tokenizer.pad_id(), 0, tokenizer.eos_ids().front()}).empty());
}

TEST_CASE("training is deterministic and its bytes load elsewhere") {
  for (const std::string type : {"bpe", "unigram"}) {
    const auto first = trained(small(type)), second = trained(small(type));
    CHECK(first.model_bytes() == second.model_bytes());
    CHECK(first.vocab_size() == 300);
    SentencepieceTokenizer loaded(small(type), {});
    loaded.load(first.model_bytes());
    CHECK(loaded.encode(corpus()) == first.encode(corpus()));
    CHECK(loaded.model_bytes() == first.model_bytes());
  }
}

TEST_CASE("a trained model can be named as file") {
  const auto folder = std::filesystem::temp_directory_path() / "temper_test_tokenizer_file";
  std::filesystem::create_directories(folder);
  const auto tokenizer = trained(small());
  std::ofstream(folder / "tokenizer.model", std::ios::binary) << tokenizer.model_bytes();
  SentencepieceParams params;
  params.file = "tokenizer.model";
  const SentencepieceTokenizer loaded(params, {folder.string()});
  CHECK_FALSE(loaded.needs_training());
  CHECK(loaded.encode("the baker") == tokenizer.encode("the baker"));
  params.file = "absent.model";
  CHECK_THROWS_AS(SentencepieceTokenizer(params, {folder.string()}), DataError);
  std::filesystem::remove_all(folder);
}

TEST_CASE("damaged model bytes are refused with a DataError") {
  const std::string bytes = trained(small()).model_bytes();
  SentencepieceTokenizer tokenizer(small(), {});
  CHECK_THROWS_AS(tokenizer.load(""), DataError);
  CHECK_THROWS_AS(tokenizer.load("this is no model"), DataError);
  CHECK_THROWS_AS(tokenizer.load(bytes.substr(0, bytes.size() / 2)), DataError);
}

TEST_CASE("a vocabulary that the corpus cannot fill names the largest possible one") {
  for (const std::string type : {"bpe", "unigram"}) {
    auto params = small(type);
    params.vocab_size = 50'000;
    SentencepieceTokenizer tokenizer(params, {});
    std::string message;
    try {
      tokenizer.train(source({corpus()}));
    } catch (const ConfigError& error) {
      message = error.what();
    }
    INFO(message);
    const auto at = message.find("largest possible is ");
    REQUIRE(at != std::string::npos);
    params.vocab_size = std::stoll(message.substr(at + 20));
    CHECK(params.vocab_size > 280);
    CHECK(trained(params).vocab_size() == params.vocab_size);
  }
}

TEST_CASE("too small a vocabulary and an empty corpus say so") {
  auto params = small();
  params.vocab_size = 100;
  SentencepieceTokenizer tiny(params, {});
  CHECK_THROWS_AS(tiny.train(source({corpus()})), ConfigError);
  SentencepieceTokenizer tokenizer(small(), {});
  CHECK_THROWS_AS(tokenizer.train(source({})), DataError);
  CHECK_THROWS_AS(tokenizer.train(source({"", "\n\n"})), DataError);
}

TEST_CASE("training copes with long lines, awkward bytes and its own marker characters") {
  std::string text(20'000, 'x');
  text += "\n" + corpus() + std::string("\0\xFF\xE2\x96\x81 \xE2\x96\x85 end\t\r\n", 16);
  SentencepieceTokenizer tokenizer(small(), {});
  tokenizer.train(source({text, corpus()}));
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
}

TEST_CASE("training stops reading at max_training_bytes") {
  auto params = small();
  params.max_training_bytes = static_cast<std::int64_t>(corpus().size());
  SentencepieceTokenizer tokenizer(params, {});
  int asked = 0;
  tokenizer.train([&]() -> std::optional<std::string> {
    ++asked;
    return corpus();
  });
  CHECK(asked == 1);
  CHECK(tokenizer.model_bytes() == trained(small()).model_bytes());
}

TEST_CASE("word-wise encoding equals the encoding of whole lines") {
  // A fresh text each time keeps the memory of words from hiding a difference.
  const auto tokenizer = trained(small("unigram"));
  const auto whole = tokenizer.encode("the baker sells bread and corn");
  std::vector<std::int32_t> parts;
  for (const std::string word : {"the", " baker", " sells", " bread", " and", " corn"}) {
    const auto ids = tokenizer.encode(word);
    parts.insert(parts.end(), ids.begin(), ids.end());
  }
  CHECK(whole == parts);
  CHECK(whole.size() < 30);
}

TEST_CASE("encoding is safe from several threads") {
  const auto tokenizer = trained(small());
  const auto expected = tokenizer.encode(corpus());
  std::vector<std::vector<std::int32_t>> results(4);
  std::vector<std::thread> threads;
  for (auto& result : results) threads.emplace_back([&] { result = tokenizer.encode(corpus()); });
  for (auto& thread : threads) thread.join();
  for (const auto& result : results) CHECK(result == expected);
}

TEST_CASE("without byte_fallback known text is still exact") {
  auto params = small();
  params.byte_fallback = false;
  params.vocab_size = 90;
  const auto tokenizer = trained(params);
  const std::string text = corpus();
  CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
  CHECK(tokenizer.encode("안") == std::vector<std::int32_t>{0});
}

TEST_CASE("real text: tinyshakespeare trains, compresses and encodes fast") {
  const auto path = shared_data("corpus/tinyshakespeare.txt");
  if (path.empty()) return;
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  SentencepieceTokenizer tokenizer({}, {});
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  tokenizer.train(source({text}));
  const auto middle = Clock::now();
  const auto ids = tokenizer.encode(text);
  const std::chrono::duration<double> training = middle - begin, encoding = Clock::now() - middle;
  CHECK(tokenizer.decode(ids) == text);
  const double bytes_per_token = static_cast<double>(text.size()) / static_cast<double>(ids.size());
  INFO(training.count() << " s training, " << encoding.count() << " s encoding, " << bytes_per_token << " bytes a token");
  if (std::getenv("TEMPER_TEST_TIMES") != nullptr) {
    WARN(training.count() << " s training, " << encoding.count() << " s encoding, " << bytes_per_token << " bytes a token");
  }
  CHECK(bytes_per_token > 2.8);
  CHECK(encoding.count() < 5);
}
