// Running conformance checks: one child process a check, with a time limit; what a crash or a hang leaves is an outcome.
#include <ATen/Parallel.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>

#include "checks.h"
#include "temper/architecture.h"

namespace temper {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// What one child is asked for: text in the pipe, first byte the outcome's kind.
using Work = std::function<Outcome()>;

Outcome guarded_work(const Work& work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return Outcome::fail(std::string("threw: ") + error.what());
  } catch (...) {
    return Outcome::fail("threw an exception of unknown type");
  }
}

void write_all(int fd, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(fd, text.data() + done, text.size() - done);
    if (n <= 0) return;
    done += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void child(int fd, const Work& work) {
  const int null = open("/dev/null", O_WRONLY);
  dup2(null, 1);
  dup2(null, 2);
  at::set_num_threads(1);
  const Outcome outcome = guarded_work(work);
  write_all(fd, static_cast<char>('0' + static_cast<int>(outcome.kind)) + outcome.text);
  _exit(0);
}

Outcome isolated(const Work& work, double timeout_seconds) {
  int ends[2];
  if (pipe(ends) != 0) throw PluginError(std::string("cannot make a pipe for a check: ") + std::strerror(errno));
  const pid_t pid = fork();
  if (pid < 0) throw PluginError(std::string("cannot start a process for a check: ") + std::strerror(errno));
  if (pid == 0) {
    close(ends[0]);
    child(ends[1], work);
  }
  close(ends[1]);
  std::string answer;
  bool late = false;
  for (const auto start = Clock::now();;) {
    const double left = timeout_seconds - seconds_since(start);
    pollfd wait{ends[0], POLLIN, 0};
    const int ready = left <= 0 ? 0 : poll(&wait, 1, static_cast<int>(left * 1000) + 1);
    if (ready < 0 && errno == EINTR) continue;
    if (ready <= 0) {
      late = true;
      kill(pid, SIGKILL);
      break;
    }
    char buffer[4096];
    const ssize_t n = read(ends[0], buffer, sizeof buffer);
    if (n <= 0) break;
    answer.append(buffer, static_cast<std::size_t>(n));
  }
  close(ends[0]);
  int status = 0;
  while (waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (late) return Outcome::fail("did not end within " + std::to_string(static_cast<int>(timeout_seconds)) + " s");
  if (WIFSIGNALED(status)) {
    return Outcome::fail("crashed: signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")");
  }
  if (answer.empty()) return Outcome::fail("ended the process with exit code " + std::to_string(WEXITSTATUS(status)));
  return {static_cast<Outcome::Kind>(answer[0] - '0'), answer.substr(1)};
}

/// The architecture's own small sizes, if it has any; what was given by name wins.
Subject make_subject(const OpenedPlugin& plugin, const Registration& registration, const CheckOptions& options) {
  std::map<std::string, std::string> given;
  if (registration.kind == Architecture::kKind) {
    const auto model = plugin.make<Architecture>(registration.id, default_values(registration.specs),
                                                 {conformance::kVocabulary, options.seed});
    for (const auto& [name, value] : model->tiny_preset()) given[name] = value;
  }
  std::vector<std::string> missing;
  for (const auto& spec : registration.specs) {
    const auto found = options.values.find(spec.name);
    if (found != options.values.end()) given[spec.name] = found->second;
    // Any name will do for a dataset or a stage while nothing runs.
    const bool is_name =
        spec.type == ParamType::kDatasets || spec.type == ParamType::kStage || spec.type == ParamType::kStages;
    if (spec.required && is_name && given.count(spec.name) == 0) given[spec.name] = "some_name";
    if (spec.required && given.count(spec.name) == 0) missing.push_back(spec.name);
  }
  return {plugin, registration, values_from_text(registration.specs, given), missing, options.seed};
}

/// "kind id" lines.
std::string list_registrations(const OpenedPlugin& plugin) {
  std::string text;
  for (const auto& registration : plugin.registrations) text += registration.kind + " " + registration.id + "\n";
  return text;
}

}  // namespace

std::string to_string(Outcome::Kind kind) {
  switch (kind) {
    case Outcome::Kind::kPass:
      return "pass";
    case Outcome::Kind::kWarn:
      return "warn";
    case Outcome::Kind::kSkip:
      return "skip";
    case Outcome::Kind::kFail:
      return "fail";
  }
  return "unknown";
}

const std::vector<Check>& conformance_checks() {
  static const std::vector<Check> all = [] {
    std::vector<Check> checks;
    conformance::add_library_checks(checks);
    conformance::add_params_checks(checks);
    conformance::add_architecture_checks(checks);
    conformance::add_decoding_checks(checks);
    conformance::add_device_checks(checks);
    conformance::add_objective_checks(checks);
    conformance::add_dataset_checks(checks);
    conformance::add_filter_checks(checks);
    conformance::add_tokenizer_checks(checks);
    conformance::add_evaluator_checks(checks);
    return checks;
  }();
  return all;
}

std::vector<CheckReport> check_plugin(const std::filesystem::path& file, const CheckOptions& options,
                                      const std::function<void(const CheckReport&)>& on_report) {
  std::vector<CheckReport> reports;
  const auto report = [&](CheckReport one) {
    if (on_report) on_report(one);
    reports.push_back(std::move(one));
  };
  const auto run = [&](const Work& work) {
    return options.in_process ? guarded_work(work) : isolated(work, options.timeout_seconds);
  };

  // What the library registers is asked in a child as well: registration may crash.
  auto start = Clock::now();
  const Outcome listing = run([&] { return Outcome{Outcome::Kind::kPass, list_registrations(open_plugin(file))}; });
  CheckReport opened{"library.opens", "", "", "It can be opened and registers its plugins.", listing, seconds_since(start)};
  if (listing.kind == Outcome::Kind::kPass) {
    opened.outcome = listing.text.empty() ? Outcome::fail("it registers nothing") : Outcome::pass();
  }
  const bool usable = opened.outcome.kind == Outcome::Kind::kPass;
  if (!usable || options.only.empty() || opened.check.rfind(options.only, 0) == 0) report(std::move(opened));
  if (!usable) return reports;

  for (std::size_t begin = 0; begin < listing.text.size();) {
    const std::size_t space = listing.text.find(' ', begin), end = listing.text.find('\n', begin);
    const std::string kind = listing.text.substr(begin, space - begin), id = listing.text.substr(space + 1, end - space - 1);
    begin = end + 1;
    for (const auto& check : conformance_checks()) {
      if (check.level > options.level || (!check.kind.empty() && check.kind != kind)) continue;
      if (!options.only.empty() && check.id.rfind(options.only, 0) != 0) continue;
      start = Clock::now();
      const Outcome outcome = run([&] {
        const OpenedPlugin plugin = open_plugin(file);
        const Registration* registration = plugin.find(kind, id);
        if (registration == nullptr) return Outcome::fail("it registers something else the second time");
        if (check.id.rfind("library.", 0) == 0) return check.run({plugin, *registration, {}, {}, options.seed});
        return check.run(make_subject(plugin, *registration, options));
      });
      report({check.id, kind, id, check.sentence, outcome, seconds_since(start)});
    }
  }
  return reports;
}

}  // namespace temper
