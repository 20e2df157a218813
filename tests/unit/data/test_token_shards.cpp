// Token shards: what is written comes back; whatever is damaged is refused by name.
#include <cstring>

#include "catch.h"
#include "fakes.h"
#include "host/data/token_shards.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

std::vector<std::vector<std::int32_t>> write_documents(const fs::path& folder, std::int64_t vocab, std::uint64_t shard_bytes,
                                                       std::vector<ShardFacts>& facts) {
  std::vector<std::vector<std::int32_t>> documents;
  Rng rng(5);
  for (int i = 0; i < 40; ++i) {
    std::vector<std::int32_t> ids(static_cast<std::size_t>(i == 3 ? 0 : 1 + i * 13 % 50));
    for (auto& id : ids) id = static_cast<std::int32_t>(rng.below(static_cast<std::uint64_t>(vocab)));
    documents.push_back(ids);
  }
  TokenShardWriter writer(folder, vocab, shard_bytes);
  for (std::size_t i = 0; i < documents.size(); ++i) writer.add("doc" + std::to_string(i), 100 + i, documents[i]);
  facts = writer.finish();
  return documents;
}

std::string error_of(const fs::path& path) {
  try {
    const TokenShard shard(path);
  } catch (const DataError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("documents come back from shards of bounded size, with 16-bit and 32-bit ids") {
  for (const std::int64_t vocab : {259LL, 65536LL, 65537LL, 200'000LL}) {
    const TempFolder folder;
    std::vector<ShardFacts> facts;
    const auto documents = write_documents(folder.path, vocab, 512, facts);
    CHECK(facts.size() > 2);
    std::size_t next = 0;
    for (const auto& fact : facts) {
      const fs::path path = folder.path / fact.file;
      const TokenShard shard(path);
      CHECK(fs::file_size(path) < 512 + 4 * 50 + 48 + 32 * shard.documents() + 8);
      CHECK(shard.documents() == fact.documents);
      CHECK(shard.tokens() == fact.tokens);
      for (std::uint64_t i = 0; i < shard.documents(); ++i, ++next) {
        const auto& document = shard.document(i);
        std::vector<std::int32_t> ids;
        shard.read(document.offset, document.length, ids);
        CHECK(ids == documents[next]);
        CHECK(document.bytes == 100 + next);
      }
    }
    CHECK(next == documents.size());
    for (const auto& entry : fs::directory_iterator(folder.path)) CHECK(entry.path().extension() == ".tokens");
  }
}

TEST_CASE("a shard with any one bit flipped is refused by name") {
  const TempFolder folder;
  std::vector<ShardFacts> facts;
  write_documents(folder.path, 259, 256, facts);
  const fs::path path = folder.path / facts[0].file;
  const std::string good = read_file(path);
  REQUIRE(error_of(path).empty());
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    write_file(path, bad);
    const std::string error = error_of(path);
    INFO("byte " << at << ": " << error);
    REQUIRE(error.find(path.string()) != std::string::npos);
    REQUIRE(error.find("delete the folder") != std::string::npos);
  }
}

TEST_CASE("a truncated, lengthened, empty or missing shard is refused") {
  const TempFolder folder;
  std::vector<ShardFacts> facts;
  write_documents(folder.path, 259, 256, facts);
  const fs::path path = folder.path / facts[0].file;
  const std::string good = read_file(path);
  for (std::size_t size = 0; size < good.size(); ++size) {
    write_file(path, good.substr(0, size));
    INFO(size);
    REQUIRE_FALSE(error_of(path).empty());
  }
  write_file(path, good + "x");
  CHECK_THAT(error_of(path), ContainsSubstring("not what its header announces"));
  fs::remove(path);
  CHECK_THAT(error_of(path), ContainsSubstring("cannot be opened"));
}

TEST_CASE("a header that announces impossible sizes is refused before anything is allocated") {
  const TempFolder folder;
  std::vector<ShardFacts> facts;
  write_documents(folder.path, 259, 256, facts);
  const fs::path path = folder.path / facts[0].file;
  const std::string good = read_file(path);
  for (const std::uint64_t count : {std::uint64_t{1} << 63, UINT64_MAX, std::uint64_t{1} << 59, std::uint64_t{1'000'000}}) {
    for (const bool tokens : {true, false}) {
      ShardHeader header;
      std::memcpy(&header, good.data(), sizeof header);
      (tokens ? header.tokens : header.documents) = count;
      header.header_checksum = shard_header_checksum(header);
      write_file(path, std::string(reinterpret_cast<const char*>(&header), sizeof header) + good.substr(sizeof header));
      CHECK_THAT(error_of(path), ContainsSubstring("not what its header announces"));
    }
  }
}

TEST_CASE("ids outside the vocabulary are the tokenizer's fault and are not written") {
  const TempFolder folder;
  {
    TokenShardWriter writer(folder.path, 259);
    writer.add("a", 1, std::vector<std::int32_t>{1, 2, 258});
    CHECK_THROWS_AS(writer.add("b", 1, std::vector<std::int32_t>{259}), PluginError);
    CHECK_THROWS_AS(writer.add("b", 1, std::vector<std::int32_t>{-1}), PluginError);
  }
  CHECK(fs::is_empty(folder.path));  // an unfinished shard leaves nothing
}

TEST_CASE("a folder that cannot be written is a DataError") {
  TokenShardWriter writer("/nonexistent_folder", 259);
  CHECK_THROWS_AS(writer.add("a", 1, std::vector<std::int32_t>{1}), DataError);
}
