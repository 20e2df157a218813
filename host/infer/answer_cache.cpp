// Answers on disk (see answer_cache.h).
#include "host/infer/answer_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "host/infer/answer_json.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

constexpr std::size_t kCheckBytes = 8;
constexpr std::size_t kFrameBytes = sizeof(std::uint32_t) + kCheckBytes;

/// An open file under a lock for as long as it lives.
class LockedFile {
 public:
  explicit LockedFile(const fs::path& path) : path_(path), handle_(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (handle_ < 0) fail("open");
    while (flock(handle_, LOCK_EX) != 0) {
      if (errno != EINTR) fail("lock");
    }
  }
  ~LockedFile() { close(handle_); }
  LockedFile(const LockedFile&) = delete;
  LockedFile& operator=(const LockedFile&) = delete;

  std::string read_all() const {
    struct stat status {};
    if (fstat(handle_, &status) != 0) fail("read");
    std::string bytes(static_cast<std::size_t>(status.st_size), '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t got = pread(handle_, bytes.data() + done, bytes.size() - done, static_cast<off_t>(done));
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) fail("read");
      done += static_cast<std::size_t>(got);
    }
    return bytes;
  }
  void cut(std::size_t size) const {
    if (ftruncate(handle_, static_cast<off_t>(size)) != 0) fail("shorten");
  }
  void append(const std::string& bytes) const {
    if (lseek(handle_, 0, SEEK_END) < 0) fail("write");
    std::size_t done = 0;
    while (done < bytes.size()) {
      const ssize_t put = write(handle_, bytes.data() + done, bytes.size() - done);
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) fail("write");
      done += static_cast<std::size_t>(put);
    }
    if (fdatasync(handle_) != 0) fail("write");
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw DataError("cannot " + std::string(what) + " the cache of answers '" + path_.string() +
                    "': " + std::strerror(errno) + "; free space, or delete the file");
  }
  fs::path path_;
  int handle_;
};

std::string check_of(const std::string& body) { return sha256_hex(body).substr(0, kCheckBytes); }

std::string framed(const std::string& key, Json entry) {
  entry["key"] = key;
  const std::vector<std::uint8_t> cbor = Json::to_cbor(entry);
  const std::string body(cbor.begin(), cbor.end());
  const auto size = static_cast<std::uint32_t>(body.size());
  std::string frame(reinterpret_cast<const char*>(&size), sizeof size);
  return frame + check_of(body) + body;
}

void add_integers(Sha256& hash, const std::vector<std::int32_t>& values) {
  const std::uint64_t size = values.size();
  hash.update(&size, sizeof size).update(values.data(), values.size() * sizeof(std::int32_t));
}

/// What the cache lacks is asked for in one go, in order, each key once.
template <class Request, class Answer, class Key, class Find, class Ask, class Keep>
std::vector<Answer> through(const std::vector<Request>& requests, const Key& key_of, const Find& find, const Ask& ask,
                            const Keep& keep) {
  std::vector<std::string> keys;
  std::vector<Request> missing;
  std::vector<std::string> missing_keys;
  std::unordered_set<std::string> asked;
  for (const auto& request : requests) {
    keys.push_back(key_of(request));
    if (find(keys.back()) != nullptr) continue;
    if (!asked.insert(keys.back()).second) continue;
    missing.push_back(request);
    missing_keys.push_back(keys.back());
  }
  if (!missing.empty()) {
    std::vector<Answer> fresh = ask(missing);
    std::vector<std::pair<std::string, Answer>> entries;
    for (std::size_t i = 0; i < fresh.size(); ++i) entries.emplace_back(missing_keys[i], std::move(fresh[i]));
    keep(entries);
  }
  std::vector<Answer> answers;
  for (const auto& key : keys) answers.push_back(*find(key));
  return answers;
}

}  // namespace

AnswerCache::AnswerCache(const fs::path& folder, const std::string& identity) {
  if (!folder.empty()) path_ = folder / (sha256_hex("answers 1\n" + identity).substr(0, 32) + ".answers");
}

void AnswerCache::load() {
  if (loaded_) return;
  loaded_ = true;
  if (path_.empty() || !fs::exists(path_)) return;
  const LockedFile file(path_);
  const std::string bytes = file.read_all();
  std::size_t at = 0;
  while (bytes.size() - at >= kFrameBytes) {
    std::uint32_t size = 0;
    std::memcpy(&size, bytes.data() + at, sizeof size);
    if (bytes.size() - at - kFrameBytes < size) break;
    const std::string body = bytes.substr(at + kFrameBytes, size);
    if (bytes.compare(at + sizeof size, kCheckBytes, check_of(body)) != 0) break;
    const Json entry = Json::from_cbor(body);
    const auto& key = entry.at("key").get_ref<const std::string&>();
    if (entry.contains("text")) {
      completions_[key] = completion_from(entry);
    } else {
      scores_[key] = score_from(entry);
    }
    at += kFrameBytes + size;
  }
  if (at < bytes.size()) file.cut(at);
}

void AnswerCache::append(const std::string& bytes) {
  if (path_.empty()) return;
  create_folders(path_.parent_path());
  LockedFile(path_).append(bytes);
}

const Completion* AnswerCache::completion(const std::string& key) {
  load();
  const auto found = completions_.find(key);
  return found == completions_.end() ? nullptr : &found->second;
}

const Score* AnswerCache::score(const std::string& key) {
  load();
  const auto found = scores_.find(key);
  return found == scores_.end() ? nullptr : &found->second;
}

void AnswerCache::add_completions(const std::vector<std::pair<std::string, Completion>>& entries) {
  load();
  std::string bytes;
  for (const auto& [key, completion] : entries) {
    completions_[key] = completion;
    bytes += framed(key, to_json(completion));
  }
  append(bytes);
}

void AnswerCache::add_scores(const std::vector<std::pair<std::string, Score>>& entries) {
  load();
  std::string bytes;
  for (const auto& [key, score] : entries) {
    scores_[key] = score;
    bytes += framed(key, to_json(score));
  }
  append(bytes);
}

std::string cache_key(const GenerateRequest& request, const SamplingParams& params) {
  Sha256 hash;
  hash.update("generate\n");
  add_integers(hash, request.prompt_ids);
  const double numbers[] = {static_cast<double>(params.max_new_tokens),
                            params.temperature,
                            static_cast<double>(params.top_k),
                            params.top_p,
                            params.min_p,
                            params.repetition_penalty};
  hash.update(numbers, sizeof numbers);
  // Greedy answers are the same whatever the seed.
  const std::uint64_t seed = params.temperature == 0 ? 0 : request.seed;
  hash.update(&seed, sizeof seed);
  for (const auto& stop : params.stop) hash.update(std::to_string(stop.size()) + ":" + stop);
  return hash.update(params.weights).hex().substr(0, 32);
}

std::string cache_key(const ScoreRequest& request) {
  Sha256 hash;
  hash.update("score\n");
  add_integers(hash, request.context_ids);
  add_integers(hash, request.continuation_ids);
  return hash.hex().substr(0, 32);
}

std::vector<Completion> CachedGenerator::generate(const std::vector<GenerateRequest>& requests,
                                                  const SamplingParams& params) {
  return through<GenerateRequest, Completion>(
      requests, [&](const GenerateRequest& request) { return cache_key(request, params); },
      [&](const std::string& key) { return cache_.completion(key); },
      [&](const std::vector<GenerateRequest>& missing) { return inner_.generate(missing, params); },
      [&](const auto& entries) { cache_.add_completions(entries); });
}

std::vector<Score> CachedScorer::score(const std::vector<ScoreRequest>& requests) {
  return through<ScoreRequest, Score>(
      requests, [](const ScoreRequest& request) { return cache_key(request); },
      [&](const std::string& key) { return cache_.score(key); },
      [&](const std::vector<ScoreRequest>& missing) { return inner_.score(missing); },
      [&](const auto& entries) { cache_.add_scores(entries); });
}

}  // namespace temper
