// Opening a cached corpus, and the split rule (see corpus.h).
#include "host/data/corpus.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "host/util/files.h"
#include "temper/hash.h"

namespace temper {

TokenCorpus::TokenCorpus(const std::filesystem::path& folder, std::string name) : name_(std::move(name)) {
  const auto index_path = folder / "index.json";
  const auto damaged = [&](const std::string& what) {
    return DataError("token cache file '" + index_path.string() + "' is damaged: " + what + "; delete the folder '" +
                     folder.string() + "' and it is made anew");
  };
  if (!std::filesystem::exists(index_path)) throw damaged("it is missing");
  std::vector<ShardFacts> facts;
  try {
    const auto index = nlohmann::json::parse(read_text_file(index_path));
    for (const auto& shard : index.at("shards")) {
      facts.push_back({shard.at("file").get<std::string>(), shard.at("documents").get<std::uint64_t>(),
                       shard.at("tokens").get<std::uint64_t>(), shard.at("bytes").get<std::uint64_t>()});
    }
  } catch (const nlohmann::json::exception& error) {
    throw damaged(error.what());
  }
  first_document_.push_back(0);
  for (const auto& fact : facts) {
    if (std::filesystem::path(fact.file).filename() != fact.file) throw damaged("it names the file '" + fact.file + "'");
    TokenShard shard(folder / fact.file);
    if (shard.documents() != fact.documents || shard.tokens() != fact.tokens || shard.text_bytes() != fact.text_bytes) {
      throw damaged("it does not agree with " + fact.file);
    }
    first_document_.push_back(first_document_.back() + shard.documents());
    tokens_ += static_cast<std::int64_t>(shard.tokens());
    bytes_ += static_cast<std::int64_t>(shard.text_bytes());
    shards_.push_back(std::move(shard));
  }
}

TokenCorpus::Place TokenCorpus::find(std::int64_t document) const {
  const auto index = static_cast<std::uint64_t>(document);
  const auto after = std::upper_bound(first_document_.begin(), first_document_.end(), index);
  const auto shard = static_cast<std::size_t>(after - first_document_.begin() - 1);
  return {shards_[shard], shards_[shard].document(index - first_document_[shard])};
}

std::int64_t TokenCorpus::length(std::int64_t document) const {
  return static_cast<std::int64_t>(find(document).document.length);
}

void TokenCorpus::read(std::int64_t document, std::int64_t offset, std::int64_t count,
                       std::vector<std::int32_t>& ids) const {
  const Place place = find(document);
  place.shard.read(place.document.offset + static_cast<std::uint64_t>(offset), static_cast<std::uint64_t>(count), ids);
}

bool in_validation_split(std::string_view text, double validation_fraction) {
  if (validation_fraction <= 0) return false;
  std::uint64_t hash = 0;
  const auto digest = Sha256().update(text).digest();
  for (std::size_t i = 0; i < 8; ++i) hash = hash << 8 | digest[i];
  return std::ldexp(static_cast<double>(hash), -64) < validation_fraction;
}

}  // namespace temper
