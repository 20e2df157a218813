// Collectives, messages and the watch (see group.h). The store holds: "life/R" the beats of rank R; "say/N" the leader's
// N-th message, until all have heard it; "heard" how many have been heard, by all others together; "gone" the words of
// whoever found another one missing; "left/R" that R ended as it should.
#include "host/dist/group.h"

#include <ATen/ATen.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "host/dist/backend.h"
#include "host/dist/gradient_sync.h"
#include "host/util/files.h"
#include "host/util/split.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Clock = std::chrono::steady_clock;
using StorePtr = c10::intrusive_ptr<c10d::Store>;

constexpr std::chrono::milliseconds kBeat{1000};
constexpr const char* kAdvice = "; all ranks stop, `temper resume` goes on from the last checkpoint";
constexpr int kGone = 1;

fs::path backend_file(const std::string& name) {
  for (const auto& folder : program_folders("backends")) {
    if (fs::exists(folder / (name + ".so"))) return folder / (name + ".so");
  }
  throw ConfigError(
      "there is no backend '" + name + "' for many processes in a folder 'backends' beside this program or " +
      "under its lib/temper; it is built where its engine's headers are: libgloo-dev for gloo, CUDA's and nccl.h for nccl");
}

MakeBackend open_backend(const std::string& name) {
  const fs::path file = backend_file(name);
  // Never closed: the engine's threads outlive every scope.
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw ConfigError("the backend '" + name + "' does not load here: " + dlerror());
  void* made = dlsym(library, kMakeBackend);
  if (made == nullptr) throw ConfigError("'" + file.string() + "' is no backend: it has no " + kMakeBackend);
  MakeBackend function = nullptr;
  std::memcpy(&function, &made, sizeof function);
  return function;
}

std::vector<std::uint8_t> bytes_of(const std::string& text) { return {text.begin(), text.end()}; }
std::string text_of(const std::vector<std::uint8_t>& bytes) { return {bytes.begin(), bytes.end()}; }

/// A connection of its own: the client of a store serves one call at a time, and waiting is a call.
StorePtr connect(const Ranks& ranks, std::chrono::milliseconds timeout, bool serve) {
  c10d::TCPStoreOptions options;
  options.port = ranks.port;
  options.isServer = serve;
  options.numWorkers = static_cast<std::size_t>(ranks.world_size);
  options.waitWorkers = false;
  options.timeout = timeout;
  if (serve && ranks.listening >= 0) options.masterListenFd = ranks.listening;
  auto store = c10::make_intrusive<c10d::TCPStore>(ranks.address, options);
  return c10::make_intrusive<c10d::PrefixStore>("temper" + ranks.attempt, store);
}

}  // namespace

struct Group::Engine {
  StorePtr store, watch_store;
  c10::intrusive_ptr<c10d::Backend> cpu, gpu;    ///< by where a tensor is; no `gpu` without use_device
  c10::intrusive_ptr<c10d::ProcessGroup> group;  ///< the backends as the Reducer wants them
};

Group::Group(const Ranks& ranks, const GroupOptions& options)
    : ranks_(ranks), options_(options), engine_(std::make_unique<Engine>()) {
  const MakeBackend make = open_backend(options_.backend);
  try {
    engine_->store = connect(ranks_, options_.timeout, ranks_.rank == 0 && !ranks_.store_is_there);
    engine_->watch_store = connect(ranks_, options_.timeout, false);
    make(engine_->store, ranks_.rank, ranks_.world_size, options_.timeout, engine_->cpu);
    engine_->group = c10::make_intrusive<c10d::ProcessGroup>(engine_->store, ranks_.rank, ranks_.world_size);
    engine_->group->setBackend(c10::DeviceType::CPU, c10d::ProcessGroup::BackendType::GLOO, engine_->cpu);
  } catch (const std::exception& error) {
    throw Error("rank " + std::to_string(ranks_.rank) + " of " + std::to_string(ranks_.world_size) +
                    " found the others missing at " + ranks_.address + ":" + std::to_string(ranks_.port) + " within " +
                    std::to_string(options_.timeout.count()) + " s (" + first_line(error.what()) +
                    "); check that all were started with the same address and number",
                1);
  }
  answered_ = Clock::now();
  watch_ = std::thread([this] { watch(); });
  watch_of_watch_ = std::thread([this] { watch_the_watch(); });
}

void Group::use_device(c10::Device device) {
  if (!device.is_cuda() || engine_->gpu) return;
  const MakeBackend make = open_backend("nccl");
  try {
    // Keys of its own: both engines count their messages from 0.
    const auto store = c10::make_intrusive<c10d::PrefixStore>("nccl", engine_->store);
    make(store, ranks_.rank, ranks_.world_size, options_.timeout, engine_->gpu);
    engine_->group->setBackend(c10::DeviceType::CUDA, c10d::ProcessGroup::BackendType::NCCL, engine_->gpu);
  } catch (const std::exception& error) {
    throw ConfigError("rank " + std::to_string(ranks_.rank) + " cannot use NCCL (" + first_line(error.what()) +
                      "); NCCL_DEBUG=INFO says more, device: cpu needs none");
  }
}

c10d::Backend& Group::backend_for(const at::Tensor& tensor) {
  if (tensor.device().is_cpu()) return *engine_->cpu;
  if (engine_->gpu && tensor.device().is_cuda()) return *engine_->gpu;
  throw ConfigError("ranks share no tensors on device " + tensor.device().str() + "; run with device: cpu, or cuda");
}

Group::~Group() {
  leaving_ = true;
  if (watch_.joinable()) watch_.join();
  if (watch_of_watch_.joinable()) watch_of_watch_.join();
}

void Group::leave() noexcept {
  if (leaving_.exchange(true)) return;
  try {
    engine_->store->set("left/" + std::to_string(ranks_.rank), bytes_of("1"));
    if (ranks_.rank != 0 || ranks_.store_is_there) return;
    // The store is in this process: it stays until the others have read what they wait for.
    for (int rank = 1; rank < ranks_.world_size; ++rank) {
      engine_->store->wait({"left/" + std::to_string(rank)}, std::chrono::seconds(10));
    }
  } catch (const std::exception&) {
    // Whoever is gone already is not waited for.
  }
}

void Group::fail(const std::string& words) noexcept {
  if (leaving_.exchange(true)) return;
  try {
    // Who says it adds the advice.
    const std::string cause = words.substr(0, words.find(kAdvice));
    engine_->store->set("gone", bytes_of("rank " + std::to_string(ranks_.rank) + " ended: " + cause));
    // Time for the others, if the store is here.
    if (ranks_.rank == 0) std::this_thread::sleep_for(3 * kBeat);
  } catch (const std::exception&) {
    // Without the store the others know already.
  }
}

template <class Work>
void Group::collective(const char* what, Work&& work) {
  try {
    work()->wait();
  } catch (const std::exception& error) {
    explain(what, error);
  }
}

void Group::explain(const char* what, const std::exception& error) {
  const std::string missing = missing_ranks();
  throw Error("rank " + std::to_string(ranks_.rank) + " could not " + what +
                  " with the other ranks: " + (missing.empty() ? first_line(error.what()) : missing) + kAdvice,
              1);
}

void Group::all_reduce_sum(at::Tensor& tensor) {
  std::vector<at::Tensor> tensors{tensor};
  collective("add up", [&] { return backend_for(tensor).allreduce(tensors); });
}

void Group::broadcast(at::Tensor& tensor, int root) {
  std::vector<at::Tensor> tensors{tensor};
  c10d::BroadcastOptions options;
  options.rootRank = root;
  collective("share", [&] { return backend_for(tensor).broadcast(tensors, options); });
}

std::vector<std::string> Group::all_gather(const std::string& bytes) {
  const auto world = static_cast<std::size_t>(ranks_.world_size);
  const auto gather = [&](at::Tensor& mine) {
    std::vector<std::vector<at::Tensor>> all(1);
    for (std::size_t i = 0; i < world; ++i) all[0].push_back(at::empty_like(mine));
    std::vector<at::Tensor> own{mine};
    collective("collect", [&] { return engine_->cpu->allgather(all, own); });
    return all[0];
  };
  at::Tensor size = at::tensor({static_cast<std::int64_t>(bytes.size())}, at::kLong);
  std::int64_t longest = 1;
  std::vector<std::size_t> sizes;
  for (const auto& each : gather(size)) {
    sizes.push_back(static_cast<std::size_t>(each.item<std::int64_t>()));
    longest = std::max(longest, each.item<std::int64_t>());
  }
  at::Tensor padded = at::zeros({longest}, at::kByte);
  std::memcpy(padded.data_ptr(), bytes.data(), bytes.size());
  const auto parts = gather(padded);
  std::vector<std::string> result;
  for (std::size_t i = 0; i < world; ++i) result.emplace_back(static_cast<const char*>(parts[i].const_data_ptr()), sizes[i]);
  return result;
}

void Group::barrier() {
  collective("meet", [&] { return engine_->cpu->barrier(); });
}

std::unique_ptr<GradientSync> Group::sync_gradients(const std::vector<at::Tensor>& parameters,
                                                    const std::vector<std::vector<std::size_t>>& buckets, bool scatter) {
  const bool on_gpu = engine_->gpu && parameters.front().is_cuda();
  return make_gradient_sync(engine_->group, on_gpu ? engine_->gpu : engine_->cpu, parameters, buckets, scatter,
                            [this](const std::exception& error) { explain("add up gradients", error); });
}

void Group::all_gather_parts(at::Tensor& whole) {
  const std::int64_t size = whole.numel() / ranks_.world_size;
  at::Tensor own = whole.narrow(0, ranks_.rank * size, size).clone();
  collective("share", [&] { return backend_for(whole)._allgather_base(whole, own); });
}

void Group::tell(const std::string& message) {
  // Orders may be long. Once all have heard all of them, the store need not keep them.
  if (engine_->store->add("heard", 0) == told_ * (ranks_.world_size - 1)) {
    for (; forgotten_ < told_; ++forgotten_) engine_->store->deleteKey("say/" + std::to_string(forgotten_));
  }
  engine_->store->set("say/" + std::to_string(told_++), bytes_of(message));
}

std::string Group::hear() {
  const std::string key = "say/" + std::to_string(told_++);
  // Rank 0 may be busy for hours; that it lives is the watch's business.
  engine_->store->wait({key}, std::chrono::hours(24 * 365));
  std::string message = text_of(engine_->store->get(key));
  engine_->store->add("heard", 1);
  return message;
}

/// Looks for a few beats who shows no life; "" if all do.
std::string Group::missing_ranks() {
  try {
    auto store = connect(ranks_, std::chrono::seconds(5), false);
    std::map<int, std::int64_t> before;
    for (int rank = 0; rank < ranks_.world_size; ++rank) before[rank] = store->add("life/" + std::to_string(rank), 0);
    std::this_thread::sleep_for(3 * kBeat);
    std::string missing;
    for (const auto& [rank, beats] : before) {
      if (rank == ranks_.rank || store->add("life/" + std::to_string(rank), 0) != beats) continue;
      missing += (missing.empty() ? "rank " : ", rank ") + std::to_string(rank);
    }
    return missing.empty() ? "" : missing + " is gone";
  } catch (const std::exception&) {
    return keeper() + " is gone";
  }
}

/// Who has the store.
std::string Group::keeper() const { return ranks_.store_is_there ? "the launcher" : "rank 0"; }

/// Ends the process from a thread of the watch, because the thread that works may wait for the missing rank in a call that
/// cannot be interrupted; every file is readable at every instant.
void Group::end_with(const std::string& words) {
  if (leaving_.exchange(true)) return;
  std::fprintf(stderr, "temper: rank %d: %s%s\n", ranks_.rank, words.c_str(), kAdvice);
  std::fflush(stderr);
  _exit(kGone);
}

void Group::watch() {
  try {
    watch_until_left();
  } catch (const std::exception& error) {
    end_with(keeper() + " is gone (" + first_line(error.what()) + ")");
  }
}

/// A call of the store has no end of its own when the other machine is cut off or its process is stopped.
void Group::watch_the_watch() {
  while (!leaving_) {
    if (Clock::now() - answered_.load() > options_.silence) {
      end_with(keeper() + " has shown no life for " + std::to_string(options_.silence.count()) + " s");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

void Group::watch_until_left() {
  struct Life {
    std::int64_t beats = 0;
    Clock::time_point seen = Clock::now();
  };
  std::map<int, Life> lives;
  auto& store = *engine_->watch_store;
  while (!leaving_) {
    store.add("life/" + std::to_string(ranks_.rank), 1);
    if (store.check({"gone"})) {
      const std::string words = text_of(store.get("gone"));
      // Time for the others, if the store is here.
      std::this_thread::sleep_for(ranks_.rank == 0 ? 3 * kBeat : kBeat);
      return end_with(words);
    }
    std::string silent;
    for (int rank = 0; rank < ranks_.world_size; ++rank) {
      if (rank == ranks_.rank) continue;
      Life& life = lives[rank];
      const std::int64_t beats = store.add("life/" + std::to_string(rank), 0);
      if (beats != life.beats) life = {beats, Clock::now()};
      // One that has not come yet is the engine's to miss.
      if (beats == 0 || Clock::now() - life.seen < options_.silence) continue;
      if (store.check({"left/" + std::to_string(rank)})) continue;
      silent += (silent.empty() ? "rank " : ", rank ") + std::to_string(rank);
    }
    if (!silent.empty()) {
      store.set("gone", bytes_of(silent + " has shown no life for " + std::to_string(options_.silence.count()) + " s"));
    }
    answered_ = Clock::now();
    const auto next = Clock::now() + kBeat;
    while (!leaving_ && Clock::now() < next) std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

}  // namespace temper
