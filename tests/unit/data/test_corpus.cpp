// Corpora: tokenised once, cached by content, split by text.
#include <thread>

#include "catch.h"
#include "fakes.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

std::string text_of(const TokenCorpus& corpus, std::int64_t document) {
  std::vector<std::int32_t> ids;
  corpus.read(document, 0, corpus.length(document), ids);
  REQUIRE(ids.front() == ByteTokenizer::kBos);
  REQUIRE(ids.back() == ByteTokenizer::kEos);
  return ByteTokenizer().decode(ids);
}

std::vector<std::string> texts_of(const TokenCorpus& corpus) {
  std::vector<std::string> texts;
  for (std::int64_t i = 0; i < corpus.documents(); ++i) texts.push_back(text_of(corpus, i));
  return texts;
}

std::size_t folders_in(const fs::path& path) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("documents are tokenised in the data's order, with BOS and EOS, and counted") {
  const TempFolder folder;
  std::vector<std::string> texts = numbered_texts(9000);  // more than one block
  texts[5] = "";
  texts[6] = std::string("\0\n\xFF", 3);
  const auto corpus = corpus_of(folder, texts);
  CHECK(texts_of(*corpus) == texts);
  std::int64_t bytes = 0;
  for (const auto& text : texts) bytes += static_cast<std::int64_t>(text.size());
  CHECK(corpus->documents() == 9000);
  CHECK(corpus->bytes() == bytes);
  CHECK(corpus->tokens() == bytes + 2 * 9000);
  std::vector<std::int32_t> part;
  corpus->read(7, 1, 8, part);
  CHECK(ByteTokenizer().decode(part) == "document");
}

TEST_CASE("a cached corpus is used again, and any change of content makes another") {
  const TempFolder folder;
  const ByteTokenizer tokenizer;
  ListDataset data(numbered_texts(20));
  const auto make = [&](Dataset& dataset, const std::string& sha, double fraction, bool validation) {
    const int before = tokenizer.calls;
    tokenize_documents(folder.path, "list", dataset, tokenizer, sha, fraction, validation, nullptr, nullptr);
    return tokenizer.calls - before;
  };
  CHECK(make(data, "a", 0, false) == 20);
  CHECK(make(data, "a", 0, false) == 0);
  CHECK(make(data, "b", 0, false) == 20);
  CHECK(make(data, "a", 0.5, false) > 0);
  CHECK(make(data, "a", 0.5, true) > 0);
  ListDataset other(numbered_texts(21));
  CHECK(make(other, "a", 0, false) == 21);
  CHECK(folders_in(folder.path) == 5);
}

TEST_CASE("P-DEDUP-07 the split puts whole documents on one side, equal texts together, and stays where it is") {
  const TempFolder folder;
  std::vector<std::string> texts = numbered_texts(2000);
  for (int i = 0; i < 200; ++i) texts.push_back(texts[static_cast<std::size_t>(i)]);  // copies under other ids
  ListDataset data(texts);
  const ByteTokenizer tokenizer;
  const auto part = [&](double fraction, bool validation) {
    return texts_of(
        *tokenize_documents(folder.path, "list", data, tokenizer, "sha", fraction, validation, nullptr, nullptr));
  };
  const auto train = part(0.2, false), held_out = part(0.2, true);
  CHECK(train.size() + held_out.size() == texts.size());
  for (const auto& text : held_out) CHECK(std::find(train.begin(), train.end(), text) == train.end());
  CHECK(std::abs(static_cast<double>(held_out.size()) / 2200.0 - 0.2) < 0.03);
  // A larger fraction only adds documents to the held-out part.
  for (const auto& text : held_out) CHECK(in_validation_split(text, 0.3));
  CHECK(part(0, true).empty());
  CHECK(part(1, false).empty());
  // Fixed for all time: SHA-256("abc") starts with ba78.., that is 0.72839.
  CHECK(in_validation_split("abc", 0.7284));
  CHECK_FALSE(in_validation_split("abc", 0.7283));
}

TEST_CASE("a damaged cache is refused with the file's name and the remedy") {
  const TempFolder folder;
  const auto texts = numbered_texts(10);
  corpus_of(folder, texts);
  const fs::path cache = fs::directory_iterator(folder.path)->path();
  const auto error = [&]() -> std::string {
    try {
      corpus_of(folder, texts);
    } catch (const DataError& caught) {
      return caught.what();
    }
    return "";
  };
  const std::string index = read_file(cache / "index.json"), shard = read_file(cache / "shard-00000.tokens");
  std::string flipped = shard;
  flipped[60] ^= 1;
  write_file(cache / "shard-00000.tokens", flipped);
  CHECK_THAT(error(), ContainsSubstring("shard-00000.tokens") && ContainsSubstring("delete the folder"));
  fs::remove(cache / "shard-00000.tokens");
  CHECK_THAT(error(), ContainsSubstring("shard-00000.tokens"));
  write_file(cache / "shard-00000.tokens", shard);
  for (const std::string bad : {"", "{", "[]", "{\"shards\": 3}", "{\"shards\": [{\"file\": 1}]}"}) {
    write_file(cache / "index.json", bad);
    INFO(bad);
    CHECK_THAT(error(), ContainsSubstring("index.json") && ContainsSubstring("delete the folder"));
  }
  std::string escaping = index;
  escaping.replace(escaping.find("shard-00000"), 5, "../x/");
  write_file(cache / "index.json", escaping);
  CHECK_THAT(error(), ContainsSubstring("index.json"));
  std::string miscounted = index;
  miscounted.replace(miscounted.find("\"documents\": 10"), 15, "\"documents\": 11");
  write_file(cache / "index.json", miscounted);
  CHECK_THAT(error(), ContainsSubstring("does not agree"));
  fs::remove(cache / "index.json");
  CHECK_THAT(error(), ContainsSubstring("index.json"));
  fs::remove_all(cache);
  CHECK(error().empty());
}

TEST_CASE("makers of the same corpus at once do no harm") {
  const TempFolder folder;
  const auto texts = numbered_texts(300);
  std::vector<std::thread> threads;
  std::vector<std::shared_ptr<const TokenCorpus>> made(6);
  for (auto& corpus : made) threads.emplace_back([&] { corpus = corpus_of(folder, texts); });
  for (auto& thread : threads) thread.join();
  for (const auto& corpus : made) CHECK(texts_of(*corpus) == texts);
  CHECK(folders_in(folder.path) == 1);
}

TEST_CASE("stopping or failing while tokenising leaves nothing behind") {
  const TempFolder folder;
  const ByteTokenizer tokenizer;
  ListDataset data(numbered_texts(10));
  const std::atomic<bool> cancel{true};
  CHECK_THROWS_AS(tokenize_documents(folder.path, "list", data, tokenizer, "sha", 0, false, nullptr, &cancel), Cancelled);
  CHECK(fs::is_empty(folder.path));
  CHECK_THROWS_AS(corpus_of(folder, {"a", "bad id", "b"}), PluginError);
  CHECK_THROWS_AS(corpus_of(folder, {"a", "b", "throws", "c"}), DataError);
  CHECK(fs::is_empty(folder.path));
}

TEST_CASE("what a killed process left is cleared away, what a living one builds is not") {
  const TempFolder folder;
  const auto texts = numbered_texts(3);
  corpus_of(folder, texts);
  const std::string key = fs::directory_iterator(folder.path)->path().filename().string();
  fs::remove_all(folder.path / key);
  const fs::path old = folder.path / (key + ".tmp-old111"), fresh = folder.path / (key + ".tmp-new111");
  fs::create_directories(old);
  fs::create_directories(fresh);
  fs::last_write_time(old, fs::file_time_type::clock::now() - std::chrono::hours(2));
  corpus_of(folder, texts);
  CHECK_FALSE(fs::exists(old));
  CHECK(fs::exists(fresh));
}

TEST_CASE("a dataset without documents is a ConfigError") {
  struct Bare final : Dataset {
    std::string fingerprint() override { return "bare"; }
  } bare;
  const TempFolder folder;
  const ByteTokenizer tokenizer;
  CHECK_THROWS_AS(tokenize_documents(folder.path, "bare", bare, tokenizer, "sha", 0, false, nullptr, nullptr), ConfigError);
}
