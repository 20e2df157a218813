// One cleaning a cache folder (see cleaned_corpus.h). The folder holds documents.spool, ledger.jsonl and summary.json.
#include "host/run/cleaned_corpus.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>
#include <thread>

#include "host/clean/plan.h"
#include "host/util/file_lock.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

/// Ids of one cleaning are "dataset/id".
std::string prefix_of(const std::string& dataset) { return dataset + "/"; }

class Everything final : public Stream<Document> {
 public:
  struct Part {
    std::string name;
    std::unique_ptr<Stream<Document>> stream;
  };
  explicit Everything(std::vector<Part> parts) : parts_(std::move(parts)) {}
  bool next(Document& document) override {
    for (; at_ < parts_.size(); ++at_) {
      document = {};
      if (!parts_[at_].stream->next(document)) continue;
      document.id = prefix_of(parts_[at_].name) + document.id;
      return true;
    }
    return false;
  }
  StreamState state() const override {
    StreamState all;
    for (const auto& part : parts_) {
      const StreamState one = part.stream->state();
      all.skipped += one.skipped;
      all.faults.insert(all.faults.end(), one.faults.begin(), one.faults.end());
    }
    return all;
  }

 private:
  std::vector<Part> parts_;
  std::size_t at_ = 0;
};

/// The documents of one dataset in a spool.
class Kept final : public Stream<Document> {
 public:
  Kept(const fs::path& spool, const std::string& dataset)
      : records_(spool, fs::file_size(spool)), prefix_(prefix_of(dataset)) {}
  bool next(Document& document) override {
    while (records_.next(record_)) {
      clean::Passage passage = clean::passage_of(record_);
      if (!passage.document.id.starts_with(prefix_)) continue;
      document = std::move(passage.document);
      document.id.erase(0, prefix_.size());
      return true;
    }
    return false;
  }

 private:
  clean::RecordStream records_;
  std::string prefix_, record_;
};

/// Held while one process cleans; the others wait.
class FileLock {
 public:
  FileLock(const fs::path& path, const std::atomic<bool>* cancel)
      : file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (file_ < 0) throw DataError("cannot lock '" + path.string() + "': " + std::strerror(errno));
    try {
      while (!try_lock_file(file_, path, "put the cache on a file system with locks")) {
        if (cancel != nullptr && cancel->load()) {
          throw Cancelled("stopped while waiting for another process to clean the corpus");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(200));
      }
    } catch (...) {
      ::close(file_);
      throw;
    }
  }
  ~FileLock() { ::close(file_); }
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;

 private:
  int file_;
};

}  // namespace

CleanedCorpus::CleanedCorpus(const Experiment& experiment, const Registry& registry, fs::path cache,
                             std::function<Dataset&(const std::string&)> dataset, TerminalProgress& progress,
                             const std::atomic<bool>* cancel)
    : experiment_(experiment),
      registry_(registry),
      cache_(std::move(cache)),
      dataset_(std::move(dataset)),
      progress_(progress),
      cancel_(cancel) {}

bool CleanedCorpus::covers(const std::string& dataset) const {
  const auto& data = experiment_.corpus.data;
  return !experiment_.corpus.filters.empty() && std::find(data.begin(), data.end(), dataset) != data.end();
}

const std::string& CleanedCorpus::identity() {
  if (!identity_.empty()) return identity_;
  Sha256 all;
  all.update("cleaned corpus 1\n");
  for (const auto& name : experiment_.corpus.data) all.update(name + " " + dataset_(name).fingerprint() + "\n");
  all.update(clean::filters_identity(registry_, experiment_.corpus.filters, experiment_.base_dir));
  return identity_ = all.hex();
}

std::unique_ptr<Stream<Document>> CleanedCorpus::raw_documents() {
  std::vector<Everything::Part> parts;
  for (const auto& name : experiment_.corpus.data) {
    auto* source = dynamic_cast<DocumentSource*>(&dataset_(name));
    if (source != nullptr) parts.push_back({name, source->documents(Split::kTrain)});
  }
  return std::make_unique<Everything>(std::move(parts));
}

void CleanedCorpus::ensure() {
  if (summary_) return;
  const fs::path folder = cache_ / "cleaned" / identity();
  create_folders(folder);
  const FileLock lock(folder / "lock", cancel_);
  if (!fs::exists(folder / "summary.json")) {
    clean::Settings settings;
    settings.work = folder / "work";
    settings.identity = identity();
    settings.threads = threads_of(experiment_);
    std::string names;
    for (const auto& slot : experiment_.corpus.filters) names += (names.empty() ? "" : ", ") + slot.name;
    progress_.say("cleaning the corpus: " + names);
    const auto summary = clean::run_filters(
        [this] { return raw_documents(); }, clean::step_plans(registry_, experiment_.corpus.filters, experiment_.base_dir),
        [&](const std::string& mark) { return clean::spool_sink(folder / "documents.spool", mark); }, settings, &progress_,
        cancel_);
    if (fs::exists(folder / "work" / "ledger.jsonl")) fs::rename(folder / "work" / "ledger.jsonl", folder / "ledger.jsonl");
    write_file_atomically(folder / "summary.json", clean::summary_json(summary).dump(2) + "\n");
    fs::remove_all(folder / "work");
  }
  summary_ = clean::summary_of(nlohmann::ordered_json::parse(read_text_file(folder / "summary.json")));
}

std::unique_ptr<Stream<Document>> CleanedCorpus::documents(const std::string& dataset) {
  ensure();
  return std::make_unique<Kept>(cache_ / "cleaned" / identity() / "documents.spool", dataset);
}

}  // namespace temper
