// Opening a plugin library for conformance checks, and watching what that does to the process.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "temper/abi.h"
#include "temper/testing.h"

namespace temper {
namespace {

class Collector final : public Registrar {
 public:
  std::vector<Registration> registrations;

 private:
  void add_registration(Registration registration) override { registrations.push_back(std::move(registration)); }
};

int count_threads() {
  int count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++count;
  return count;
}

/// Catches what is written to stdout and stderr, also by C code, in a temporary file.
class OutputCatcher {
 public:
  OutputCatcher() : file_(std::tmpfile()) {
    std::fflush(stdout);
    std::fflush(stderr);
    for (int fd : {1, 2}) saved_[fd - 1] = dup(fd);
    if (file_ != nullptr) {
      for (int fd : {1, 2}) dup2(fileno(file_), fd);
    }
  }
  ~OutputCatcher() { restore(); }
  std::string text() {
    restore();
    std::string text;
    if (file_ == nullptr) return text;
    std::rewind(file_);
    char buffer[4096];
    for (std::size_t n; (n = std::fread(buffer, 1, sizeof buffer, file_)) > 0;) text.append(buffer, n);
    std::fclose(file_);
    file_ = nullptr;
    return text;
  }

 private:
  void restore() {
    std::fflush(stdout);
    std::fflush(stderr);
    for (int fd : {1, 2}) {
      if (saved_[fd - 1] < 0) continue;
      dup2(saved_[fd - 1], fd);
      close(saved_[fd - 1]);
      saved_[fd - 1] = -1;
    }
  }
  std::FILE* file_;
  int saved_[2] = {-1, -1};
};

/// The tag in the file's bytes; of several different ones all, separated by blanks.
std::string tag_in_bytes(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  const std::string text = std::move(bytes).str(), head = "TEMPER-ABI|", tail = "|end";
  std::set<std::string> tags;
  for (std::size_t start = 0; (start = text.find(head, start)) != std::string::npos; start += head.size()) {
    const std::size_t end = text.find(tail, start);
    if (end != std::string::npos) tags.insert(text.substr(start, end + tail.size() - start));
  }
  std::string all;
  for (const auto& tag : tags) all += (all.empty() ? "" : " ") + tag;
  return all;
}

std::string text_or_empty(const char* text) { return text == nullptr ? "" : text; }

at::Tensor rng_state() { return at::detail::getDefaultCPUGenerator().get_state().clone(); }

}  // namespace

const Registration* OpenedPlugin::find(std::string_view kind, std::string_view wanted) const {
  for (const auto& registration : registrations) {
    if (registration.kind == kind && registration.id == wanted) return &registration;
  }
  return nullptr;
}

OpenedPlugin open_plugin(const std::filesystem::path& file) {
  OpenedPlugin opened;
  opened.file = std::filesystem::absolute(file);
  opened.file_tag = tag_in_bytes(opened.file);
  const at::Tensor rng_before = rng_state();
  const int pool_before = at::get_num_threads(), threads_before = count_threads();
  const auto dtype_before = at::get_default_dtype();
  const auto start = std::chrono::steady_clock::now();
  Collector collector;
  const TemperPlugin* descriptor = nullptr;
  std::string failure;
  {
    OutputCatcher catcher;
    // Never closed: objects made by the plugin live on in autograd graphs.
    void* handle = dlopen(opened.file.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) failure = text_or_empty(dlerror());
    if (handle != nullptr) descriptor = static_cast<const TemperPlugin*>(dlsym(handle, "temper_plugin"));
    if (failure.empty() && descriptor == nullptr) failure = "it does not export the symbol temper_plugin";
    if (failure.empty() &&
        (descriptor->struct_size != sizeof(TemperPlugin) || descriptor->descriptor_version != kDescriptorVersion)) {
      failure = "its descriptor has version " + std::to_string(descriptor->descriptor_version) + ", the SDK has " +
                std::to_string(kDescriptorVersion) + "; rebuild it";
    }
    if (failure.empty() && descriptor->register_all == nullptr) failure = "its descriptor has no register_all function";
    if (failure.empty()) {
      try {
        descriptor->register_all(collector);
      } catch (const std::exception& error) {
        failure = std::string("its registration failed: ") + error.what();
      } catch (...) {
        failure = "its registration failed with an exception of unknown type";
      }
    }
    opened.facts.output = catcher.text();
  }
  opened.facts.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (!failure.empty()) throw PluginError("cannot open plugin '" + file.string() + "': " + failure);
  opened.facts.threads_started = count_threads() - threads_before;
  opened.facts.num_threads_changed = at::get_num_threads() != pool_before;
  opened.facts.dtype_changed = at::get_default_dtype() != dtype_before;
  opened.facts.rng_changed = !rng_state().equal(rng_before);
  opened.id = text_or_empty(descriptor->id);
  opened.version = text_or_empty(descriptor->version);
  opened.source = text_or_empty(descriptor->source);
  opened.abi_tag = text_or_empty(descriptor->abi_tag);
  opened.registrations = std::move(collector.registrations);
  return opened;
}

}  // namespace temper
