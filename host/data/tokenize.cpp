// Building a corpus's cache folder (see corpus.h): documents stream in, two threads encode a block of them, and the block
// is written in order. The folder is made under another name and renamed when whole.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/data/corpus.h"
#include "host/util/files.h"
#include "temper/hash.h"
#include "temper/params.h"

namespace temper {
namespace fs = std::filesystem;

namespace {

constexpr std::size_t kBlockBytes = 4 << 20, kBlockDocuments = 4096, kThreads = 2;

/// A folder of our own beside the final one; gone at the end unless it was renamed. The lock on it tells other processes
/// that its maker lives.
class Staging {
 public:
  Staging(const fs::path& cache_dir, const std::string& key) {
    remove_abandoned(cache_dir, key);
    std::string name = (cache_dir / (key + ".tmp-XXXXXX")).string();
    if (mkdtemp(name.data()) == nullptr) {
      throw DataError("cannot create a folder in the token cache '" + cache_dir.string() + "': " + std::strerror(errno));
    }
    path_ = name;
    // mkdtemp shuts others out; a cache may be shared.
    fs::permissions(path_, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read |
                               fs::perms::others_exec);
    lock_ = open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    flock(lock_, LOCK_EX | LOCK_NB);
  }
  ~Staging() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    close(lock_);
  }
  Staging(const Staging&) = delete;
  Staging& operator=(const Staging&) = delete;
  const fs::path& path() const { return path_; }

 private:
  /// Folders that a killed process left. One that is a minute old and not locked has no maker any more.
  static void remove_abandoned(const fs::path& cache_dir, const std::string& key) {
    std::error_code error;
    for (const auto& entry : fs::directory_iterator(cache_dir, error)) {
      if (!entry.path().filename().string().starts_with(key + ".tmp-")) continue;
      const auto changed = fs::last_write_time(entry.path(), error);
      if (error || fs::file_time_type::clock::now() - changed < std::chrono::minutes(1)) continue;
      const int descriptor = open(entry.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
      if (descriptor < 0) continue;
      if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) fs::remove_all(entry.path(), error);
      close(descriptor);
    }
  }

  fs::path path_;
  int lock_ = -1;
};

class ProgressLine {
 public:
  ProgressLine(Progress* progress, const std::string& what) : progress_(progress) {
    if (progress_ != nullptr) progress_->begin(what, 0);
  }
  ~ProgressLine() {
    if (progress_ != nullptr) progress_->end();
  }
  void update(std::int64_t documents, std::int64_t bytes) {
    if (progress_ == nullptr) return;
    progress_->update(documents, std::to_string(bytes / 1'000'000) + " MB of text");
  }

 private:
  Progress* progress_;
};

struct Encoded {
  Document document;
  std::vector<std::int32_t> ids;
};

void encode_block(std::vector<Encoded>& block, const Tokenizer& tokenizer) {
  const std::int32_t bos = tokenizer.bos_id(), eos = tokenizer.eos_ids().front();
  std::atomic<std::size_t> next{0};
  std::array<std::exception_ptr, kThreads> errors;
  const auto work = [&](std::size_t worker) {
    try {
      for (std::size_t i = next++; i < block.size(); i = next++) {
        Encoded& entry = block[i];
        const auto text_ids = tokenizer.encode(entry.document.text);
        entry.ids.reserve(text_ids.size() + 2);
        if (bos >= 0) entry.ids.push_back(bos);
        entry.ids.insert(entry.ids.end(), text_ids.begin(), text_ids.end());
        entry.ids.push_back(eos);
      }
    } catch (...) {
      errors[worker] = std::current_exception();
      next = block.size();
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < kThreads; ++i) threads.emplace_back(work, i);
    work(0);
  }
  for (const auto& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void write_index(const fs::path& folder, const std::string& dataset_name, const Tokenizer& tokenizer,
                 const std::vector<ShardFacts>& shards) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& shard : shards) {
    list.push_back(
        {{"file", shard.file}, {"documents", shard.documents}, {"tokens", shard.tokens}, {"bytes", shard.text_bytes}});
  }
  const nlohmann::json index = {{"format", "temper token corpus"},
                                {"version", kShardVersion},
                                {"dataset", dataset_name},
                                {"vocab_size", tokenizer.vocab_size()},
                                {"shards", list}};
  write_file_atomically(folder / "index.json", index.dump(1) + "\n");
}

}  // namespace

std::shared_ptr<const TokenCorpus> tokenize_documents(const fs::path& cache_dir, const std::string& dataset_name,
                                                      const std::string& fingerprint, const OpenDocuments& open,
                                                      const Tokenizer& tokenizer, const std::string& tokenizer_sha,
                                                      double validation_fraction, bool validation, Progress* progress,
                                                      const std::atomic<bool>* cancel) {
  Sha256 identity;
  identity.update("temper tokens " + std::to_string(kShardVersion) + "\nbos document eos\nsplit by sha256 of text " +
                  to_text(ParamValue(validation_fraction)) + (validation ? " held out\n" : " trained\n"));
  const std::string key = identity.update(tokenizer_sha + "\n" + fingerprint).hex();
  const fs::path folder = cache_dir / key;
  if (fs::exists(folder)) return std::make_shared<TokenCorpus>(folder, dataset_name);

  create_folders(cache_dir);
  const Staging staging(cache_dir, key);
  TokenShardWriter writer(staging.path(), tokenizer.vocab_size());
  ProgressLine line(progress, "tokenising " + dataset_name + (validation ? " (held out)" : ""));
  const auto documents = open();
  std::int64_t read_documents = 0, read_bytes = 0;
  bool more = true;
  while (more) {
    std::vector<Encoded> block;
    std::size_t bytes = 0;
    while (more && bytes < kBlockBytes && block.size() < kBlockDocuments) {
      if (cancel != nullptr && cancel->load()) throw Cancelled("stopped while tokenising dataset '" + dataset_name + "'");
      Document document;
      more = documents->next(document);
      if (!more) break;
      ++read_documents;
      read_bytes += static_cast<std::int64_t>(document.text.size());
      if (in_validation_split(document.text, validation_fraction) != validation) continue;
      bytes += document.text.size();
      block.push_back({std::move(document), {}});
    }
    encode_block(block, tokenizer);
    for (const auto& entry : block) writer.add(entry.document.id, entry.document.text.size(), entry.ids);
    line.update(read_documents, read_bytes);
  }
  write_index(staging.path(), dataset_name, tokenizer, writer.finish());
  sync_path(staging.path());
  // Another process may have been faster; its folder holds the same bytes.
  if (std::rename(staging.path().c_str(), folder.c_str()) != 0 && !fs::exists(folder)) {
    throw DataError("cannot rename the token cache folder to '" + folder.string() + "': " + std::strerror(errno));
  }
  sync_path(cache_dir);
  return std::make_shared<TokenCorpus>(folder, dataset_name);
}

std::shared_ptr<const TokenCorpus> tokenize_documents(const fs::path& cache_dir, const std::string& dataset_name,
                                                      Dataset& dataset, const Tokenizer& tokenizer,
                                                      const std::string& tokenizer_sha, double validation_fraction,
                                                      bool validation, Progress* progress, const std::atomic<bool>* cancel) {
  auto* source = dynamic_cast<DocumentSource*>(&dataset);
  if (source == nullptr) {
    throw ConfigError("dataset '" + dataset_name + "' yields no documents; choose another dataset for this use");
  }
  return tokenize_documents(
      cache_dir, dataset_name, dataset.fingerprint(), [&] { return source->documents(Split::kTrain); }, tokenizer,
      tokenizer_sha, validation_fraction, validation, progress, cancel);
}

}  // namespace temper
