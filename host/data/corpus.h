// A dataset's documents as token ids, tokenised once and cached by content: the key is a hash of the dataset's fingerprint,
// the tokenizer and the split, so a stale cache cannot be used by mistake. The run's assets ask for corpora; the batch
// sources read them. Batches, shuffling and objectives are document_batches.h.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "host/data/token_shards.h"
#include "temper/context.h"
#include "temper/dataset.h"
#include "temper/tokenizer.h"

namespace temper {

/// Documents with BOS (if there is one) in front and EOS behind. Immutable. [any]
class TokenCorpus {
 public:
  /// Opens and verifies a finished cache folder. Throws DataError that names the damaged file.
  TokenCorpus(const std::filesystem::path& folder, std::string name);

  const std::string& name() const { return name_; }
  std::int64_t documents() const { return static_cast<std::int64_t>(first_document_.back()); }
  std::int64_t tokens() const { return tokens_; }
  std::int64_t bytes() const { return bytes_; }  ///< of the texts
  std::int64_t length(std::int64_t document) const;
  /// Appends ids offset .. offset+count-1 of a document, which have to exist.
  void read(std::int64_t document, std::int64_t offset, std::int64_t count, std::vector<std::int32_t>& ids) const;

 private:
  struct Place {
    const TokenShard& shard;
    const ShardDocument& document;
  };
  Place find(std::int64_t document) const;

  std::string name_;
  std::vector<TokenShard> shards_;
  std::vector<std::uint64_t> first_document_;  ///< per shard, and the total at the end
  std::int64_t tokens_ = 0, bytes_ = 0;
};

/// Which side of the split a text is on. Depends on the text alone, so copies of it are never on both sides.
bool in_validation_split(std::string_view text, double validation_fraction);

using OpenDocuments = std::function<std::unique_ptr<Stream<Document>>()>;

/// The named part of a dataset's documents as ids: from the cache, or tokenised now by two threads, in the data's order.
/// `fingerprint` stands for what `open` gives. The result may be empty (no document fell into this part). Processes that
/// build the same one at once do no harm. Throws Cancelled (leaving nothing behind) if `cancel` turns true.
std::shared_ptr<const TokenCorpus> tokenize_documents(const std::filesystem::path& cache_dir,
                                                      const std::string& dataset_name, const std::string& fingerprint,
                                                      const OpenDocuments& open, const Tokenizer& tokenizer,
                                                      const std::string& tokenizer_sha, double validation_fraction,
                                                      bool validation, Progress* progress, const std::atomic<bool>* cancel);
/// Of a dataset as it is. Throws ConfigError if it has no documents to give.
std::shared_ptr<const TokenCorpus> tokenize_documents(const std::filesystem::path& cache_dir,
                                                      const std::string& dataset_name, Dataset& dataset,
                                                      const Tokenizer& tokenizer, const std::string& tokenizer_sha,
                                                      double validation_fraction, bool validation, Progress* progress,
                                                      const std::atomic<bool>* cancel);

}  // namespace temper
