// Shared results (see stage_cache.h).
#include "host/run/stage_cache.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <tuple>

#include "host/util/file_lock.h"
#include "host/util/files.h"
#include "host/util/time_text.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

constexpr auto kHeartbeat = std::chrono::seconds(5);
constexpr auto kPoll = std::chrono::milliseconds(200);

std::string host_name() {
  char name[256] = {};
  gethostname(name, sizeof name - 1);
  return name;
}

/// What owner.json says, for people.
std::string describe_owner(const fs::path& owner) {
  try {
    const Json json = Json::parse(read_text_file(owner));
    // The clock may have been set back since.
    const auto age = std::max(std::chrono::seconds(0), std::chrono::duration_cast<std::chrono::seconds>(
                                                           fs::file_time_type::clock::now() - fs::last_write_time(owner)));
    return "process " + std::to_string(json.at("pid").get<std::int64_t>()) + " on " + json.at("host").get<std::string>() +
           ", since " + json.at("since").get<std::string>() + ", last sign " + std::to_string(age.count()) + " s ago";
  } catch (const std::exception&) {
    return "another process";
  }
}

int open_lock(const fs::path& entry) {
  const fs::path path = entry / "lock";
  const int handle = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
  if (handle < 0) throw DataError("cannot open '" + path.string() + "': " + std::strerror(errno));
  return handle;
}

bool try_lock(int handle, const fs::path& entry) {
  return try_lock_file(handle, entry, "put --out on a file system with locks, or use --no-cache");
}

std::optional<std::pair<dev_t, ino_t>> inode_of(const fs::path& file) {
  struct stat status {};
  if (stat(file.c_str(), &status) != 0) return std::nullopt;
  return std::make_pair(status.st_dev, status.st_ino);
}

/// Checkpoints of the runs under `out`: OUT/EXPERIMENT/RUN/STAGE/final.
std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> users_by_inode(const fs::path& out) {
  std::map<std::pair<dev_t, ino_t>, std::vector<std::string>> users;
  std::error_code ignored;
  for (const auto& experiment : fs::directory_iterator(out, ignored)) {
    if (!experiment.is_directory() || experiment.path().filename() == "cache") continue;
    for (const auto& run : fs::directory_iterator(experiment.path(), ignored)) {
      if (!run.is_directory()) continue;
      for (const auto& stage : fs::directory_iterator(run.path(), ignored)) {
        const auto inode = inode_of(stage.path() / "final" / "model.safetensors");
        if (inode) users[*inode].push_back(run.path().filename().string() + ":" + stage.path().filename().string());
      }
    }
  }
  return users;
}

std::vector<fs::path> files_under(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::is_directory(folder)) return files;
  for (const auto& item : fs::recursive_directory_iterator(folder)) {
    if (item.is_regular_file()) files.push_back(item.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

EntryLock::EntryLock(const fs::path& entry, const std::function<void(const std::string&)>& on_wait,
                     const std::function<bool()>& cancelled)
    : owner_(entry / "owner.json") {
  create_folders(entry);
  handle_ = open_lock(entry);
  bool told = false;
  try {
    while (!try_lock(handle_, entry)) {
      if (!told) on_wait(describe_owner(owner_));
      told = true;
      if (cancelled()) throw Cancelled("stopped while waiting for another process");
      std::this_thread::sleep_for(kPoll);
    }
  } catch (...) {
    close(handle_);
    throw;
  }
  write_file_atomically(owner_, Json{{"pid", getpid()}, {"host", host_name()}, {"since", now_text()}}.dump() + "\n");
  heartbeat_ = std::jthread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, kHeartbeat, [&] { return stop.stop_requested(); })) sign();
  });
}

void EntryLock::sign() {
  std::error_code ignored;  // a sign of life that cannot be given is none
  fs::last_write_time(owner_, fs::file_time_type::clock::now(), ignored);
}

EntryLock::~EntryLock() {
  heartbeat_.request_stop();
  if (heartbeat_.joinable()) heartbeat_.join();
  std::error_code ignored;
  fs::remove(owner_, ignored);
  close(handle_);
}

bool EntryLock::is_held(const fs::path& entry) {
  // For reading, so that a cache on a read-only medium can be looked at: nobody holds anything there.
  const int handle = open((entry / "lock").c_str(), O_RDONLY | O_CLOEXEC);
  if (handle < 0) return false;
  const bool is_held = flock(handle, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  close(handle);
  return is_held;
}

bool is_stage_entry(const fs::path& folder) {
  return fs::exists(folder / "done.json") || fs::exists(folder / "partial.h5") || fs::exists(folder / "lock") ||
         fs::exists(folder / "stage.h5");
}

bool StageCache::has_stage(const std::string& key) const { return fs::exists(stage_folder(key) / "done.json"); }

std::string StageCache::verify_stage(const std::string& key) const {
  const fs::path folder = stage_folder(key);
  try {
    const Json done = Json::parse(read_text_file(folder / "done.json"));
    for (const auto& [name, sha] : done.at("files").items()) {
      if (!fs::exists(folder / name)) return "'" + name + "' is missing";
      if (sha256_file(folder / name) != sha.get<std::string>()) return "'" + name + "' has another checksum";
    }
  } catch (const std::exception& error) {
    return std::string("done.json cannot be read (") + error.what() + ")";
  }
  return "";
}

void StageCache::complete_stage(const CacheEntry& facts) const {
  const fs::path folder = stage_folder(facts.key);
  Json files = Json::object();
  std::uint64_t bytes = 0;
  auto all = files_under(folder / "final");
  all.push_back(folder / "stage.h5");
  for (const auto& file : all) {
    files[fs::relative(file, folder).string()] = sha256_file(file);
    bytes += fs::file_size(file);
  }
  std::error_code ignored;
  fs::remove(folder / "partial.h5", ignored);
  const Json done = {{"key", facts.key},
                     {"stage", facts.stage},
                     {"plugin", facts.plugin},
                     {"status", facts.status},
                     {"experiment", facts.experiment},
                     {"run_id", facts.run_id},
                     {"created", now_text()},
                     {"seconds", facts.seconds},
                     {"steps", facts.steps},
                     {"bytes", bytes},
                     {"files", files}};
  write_file_atomically(folder / "done.json", done.dump(1) + "\n");
}

void StageCache::remove_stage(const std::string& key) const {
  const fs::path folder = stage_folder(key);
  // done.json first: what is left of an entry without it counts as never computed.
  fs::remove(folder / "done.json");
  fs::remove(folder / "stage.h5");
  fs::remove(folder / "partial.h5");
  fs::remove_all(folder / "final");
}

bool StageCache::remove(const CacheEntry& entry) const {
  if (entry.kind != "stage") return fs::remove(eval_file(entry.key));
  const fs::path folder = stage_folder(entry.key);
  if (!fs::exists(folder)) return false;
  const int handle = open_lock(folder);
  const bool free = try_lock(handle, folder);
  if (free) {
    fs::remove(folder / "done.json");
    fs::remove_all(folder);
  }
  close(handle);
  return free;
}

std::vector<CacheEntry> StageCache::list() const {
  std::vector<CacheEntry> entries;
  const auto users = users_by_inode(folder_.parent_path());
  if (fs::is_directory(folder_ / "stages")) {
    for (const auto& item : fs::directory_iterator(folder_ / "stages")) {
      if (!item.is_directory()) continue;
      CacheEntry entry;
      entry.key = item.path().filename().string();
      entry.kind = "stage";
      entry.running = EntryLock::is_held(item.path());
      if (const auto inode = inode_of(item.path() / "final" / "model.safetensors")) {
        if (const auto found = users.find(*inode); found != users.end()) entry.users = found->second;
      }
      for (const auto& file : files_under(item.path())) entry.bytes += fs::file_size(file);
      if (fs::exists(item.path() / "done.json")) {
        try {
          const Json done = Json::parse(read_text_file(item.path() / "done.json"));
          entry.stage = done.at("stage");
          entry.plugin = done.at("plugin");
          entry.status = done.at("status");
          entry.experiment = done.at("experiment");
          entry.run_id = done.at("run_id");
          entry.created = done.at("created");
          entry.seconds = done.at("seconds");
          entry.steps = done.value("steps", std::int64_t{0});
          entry.complete = true;
        } catch (const std::exception&) {
          entry.status = "damaged";
        }
      }
      entries.push_back(std::move(entry));
    }
  }
  if (fs::is_directory(folder_ / "evals")) {
    for (const auto& item : fs::directory_iterator(folder_ / "evals")) {
      if (item.path().extension() != ".h5") continue;
      CacheEntry entry;
      entry.key = item.path().stem().string();
      entry.kind = "evaluation";
      entry.complete = true;
      entry.bytes = item.file_size();
      entries.push_back(std::move(entry));
    }
  }
  std::sort(entries.begin(), entries.end(), [](const CacheEntry& a, const CacheEntry& b) {
    if (a.kind != b.kind) return a.kind == "stage";
    return std::tie(a.created, a.key) > std::tie(b.created, b.key);
  });
  return entries;
}

void share_folder(const fs::path& source, const fs::path& target) {
  const fs::path staging = target.string() + ".tmp" + std::to_string(getpid());
  fs::remove_all(staging);
  create_folders(staging);
  for (const auto& file : files_under(source)) {
    const fs::path copy = staging / fs::relative(file, source);
    create_folders(copy.parent_path());
    std::error_code error;
    fs::create_hard_link(file, copy, error);
    if (!error) continue;
    fs::copy_file(file, copy, error);
    if (error) throw DataError("cannot copy '" + file.string() + "' to '" + copy.string() + "': " + error.message());
  }
  publish_folder(staging, target);
}

}  // namespace temper
