// The loop over mutants (see driver.h): limits on time and memory, and what is printed when a reader breaks them.
#include "driver.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>

#include "temper/error.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/common_interface_defs.h>
// The sanitizer's own address space defies RLIMIT_AS, so it is asked to refuse large allocations itself.
extern "C" const char* __asan_default_options() { return "max_allocation_size_mb=256"; }
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

namespace temper::fuzz {
namespace {

// Generous, because the sanitizers are slow and the machine may be busy; a loop without end is caught all the same.
constexpr int kSecondsEach = 20;

/// What is running, for handlers that may only write(2).
char running[160] = "nothing";

void write_running(const char* what) {
  const auto put = [](const char* text) {
    [[maybe_unused]] const auto count = write(STDERR_FILENO, text, std::strlen(text));
  };
  put("fuzz: ");
  put(what);
  put(" at ");
  put(running);
  put("\n");
}

extern "C" void on_signal(int number) {
  write_running(number == SIGALRM ? "no answer in time" : "crash");
  if (number == SIGALRM) _exit(1);
  std::signal(number, SIG_DFL);
  std::raise(number);
}

void install_handlers() {
  std::signal(SIGALRM, on_signal);
#ifdef __SANITIZE_ADDRESS__
  __sanitizer_set_death_callback([] { write_running("sanitizer report"); });
#else
  for (const int number : {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL}) std::signal(number, on_signal);
#endif
}

void limit_memory(std::uint64_t more) {
  if (kSanitized) return;
  std::uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)) + more;
  setrlimit(RLIMIT_AS, &limit);
}

enum class Outcome { kLoaded, kRefused, kBroken };

Outcome read_one(const Target& target, const std::string& bytes) {
  alarm(kSecondsEach);
  Outcome outcome = Outcome::kLoaded;
  try {
    target.read(bytes);
  } catch (const Error&) {
    outcome = Outcome::kRefused;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz: %s\nfuzz: is no temper::Error; it came at %s\n", error.what(), running);
    outcome = Outcome::kBroken;
  }
  alarm(0);
  return outcome;
}

struct Options {
  std::uint64_t mutants = 0, first = 0, seed = 1;
  double seconds = 0;
};

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    if (i + 1 == argc) throw ConfigError("option " + name + " has no value");
    const std::string value = argv[++i];
    if (name == "--mutants") {
      options.mutants = std::stoull(value);
    } else if (name == "--first") {
      options.first = std::stoull(value);
    } else if (name == "--seed") {
      options.seed = std::stoull(value);
    } else if (name == "--seconds") {
      options.seconds = std::stod(value);
    } else {
      throw ConfigError("unknown option " + name + "; there are --mutants, --first, --seed and --seconds");
    }
  }
  return options;
}

bool run_target(const Target& target, const Options& options) {
  const auto begin = std::chrono::steady_clock::now();
  const auto seconds = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
  for (std::size_t i = 0; i < target.seeds.size(); ++i) {
    std::snprintf(running, sizeof running, "target %s, valid file %zu", target.name.c_str(), i);
    try {
      target.read(target.seeds[i]);
    } catch (const std::exception& error) {
      std::fprintf(stderr, "fuzz: %s: the valid file does not load: %s\n", running, error.what());
      return false;
    }
  }
  limit_memory(target.memory);
  const std::uint64_t count = options.mutants > 0 ? options.mutants : target.mutants;
  std::uint64_t done = 0, loaded = 0;
  for (; done < count && (options.seconds == 0 || seconds() < options.seconds); ++done) {
    const std::uint64_t number = options.first + done;
    std::snprintf(running, sizeof running, "target %s, --seed %llu --first %llu --mutants 1", target.name.c_str(),
                  static_cast<unsigned long long>(options.seed), static_cast<unsigned long long>(number));
    const Outcome outcome = read_one(target, mutate(target, options.seed, number));
    if (outcome == Outcome::kBroken) return false;
    if (outcome == Outcome::kLoaded) ++loaded;
  }
  std::printf("%s: %llu mutants, %llu loaded, %llu refused, %.1f s\n", target.name.c_str(),
              static_cast<unsigned long long>(done), static_cast<unsigned long long>(loaded),
              static_cast<unsigned long long>(done - loaded), seconds());
  // A reader that refuses everything, or believes everything, was not tested.
  if (count >= 1000 && (loaded == 0 || loaded == done)) {
    std::fprintf(stderr, "fuzz: target %s: all mutants ended the same way; are its seeds and its reader right?\n",
                 target.name.c_str());
    return false;
  }
  return true;
}

}  // namespace

std::string as_file(const std::string& name, const std::string& bytes) {
  static const auto folder = std::filesystem::temp_directory_path() / ("temper_fuzz_" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  const auto path = folder / name;
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  return path.string();
}

int fuzz_main(int argc, char** argv, const std::vector<Target>& targets) {
  bool good = true;
  try {
    const Options options = parse(argc, argv);
    install_handlers();
    for (const auto& target : targets) good = run_target(target, options) && good;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fuzz: %s\n", error.what());
    good = false;
  }
  std::filesystem::remove_all(std::filesystem::temp_directory_path() / ("temper_fuzz_" + std::to_string(getpid())));
  return good ? 0 : 1;
}

}  // namespace temper::fuzz
