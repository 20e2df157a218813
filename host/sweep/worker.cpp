// Child processes (see worker.h).
#include "host/sweep/worker.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include "host/dist/ranks.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

std::string why(int signal) {
  std::string text = "was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
  if (signal == SIGKILL) text += ", which is how a system short of memory ends a process";
  return text;
}

std::string why_code(int code) {
  switch (code) {
    case 1:
      return "ended early (exit code 1)";
    case 2:
      return "ended with wrong usage or experiment (exit code 2)";
    case 3:
      return "ended with wrong or missing data (exit code 3)";
    case 4:
      return "ended because a plugin is at fault (exit code 4)";
    case 130:
      return "was stopped (exit code 130)";
    default:
      return "ended with exit code " + std::to_string(code);
  }
}

}  // namespace

TaskEnd end_of_process(int code, int signal) {
  TaskEnd end;
  if (signal != 0) {
    end.code = -1;
    end.signal = signal;
    end.reason = why(signal);
    return end;
  }
  end.code = code;
  if (code != 0) end.reason = why_code(code);
  end.stopped = code == 130;
  return end;
}

Worker::Worker(const std::string& program, const std::vector<std::string>& args, const fs::path& log, int threads)
    : log_(log) {
  create_folders(log.parent_path());
  const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (output < 0) throw DataError("cannot write the log '" + log.string() + "': " + std::strerror(errno));
  std::vector<std::string> words{program};
  words.insert(words.end(), args.begin(), args.end());
  std::vector<char*> argv;
  for (auto& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  // Everything that allocates is done before the fork: another thread may hold the allocator's lock.
  std::vector<std::string> variables = environment_of_one();
  std::erase_if(variables, [](const std::string& one) { return one.rfind("OMP_NUM_THREADS=", 0) == 0; });
  variables.push_back("OMP_NUM_THREADS=" + std::to_string(threads));
  std::vector<char*> environment;
  for (auto& variable : variables) environment.push_back(variable.data());
  environment.push_back(nullptr);
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ == 0) {
    setpgid(0, 0);  // the terminal's Ctrl-C goes to the coordinator alone
    prctl(PR_SET_PDEATHSIG, SIGINT);
    if (getppid() != parent) _exit(130);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    const int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    execve(program.c_str(), argv.data(), environment.data());
    _exit(127);
  }
  const int reason = errno;
  close(output);
  if (pid_ < 0) throw DataError(std::string("cannot start a worker: ") + std::strerror(reason));
}

Worker::~Worker() {
  if (ended_ || pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool Worker::poll() {
  if (ended_) return true;
  int status = 0;
  const pid_t got = waitpid(pid_, &status, WNOHANG);
  if (got == 0 || (got < 0 && errno == EINTR)) return false;
  ended_ = true;
  if (got < 0) {
    end_.code = -1;
    end_.reason = "was lost: " + std::string(std::strerror(errno));
  } else {
    end_ = WIFSIGNALED(status) ? end_of_process(0, WTERMSIG(status)) : end_of_process(WEXITSTATUS(status), 0);
    if (end_.signal != 0 && !killed_because_.empty()) end_.reason = killed_because_;
  }
  end_.seconds = seconds();
  return true;
}

void Worker::ask_to_stop() const {
  if (!ended_) ::kill(pid_, SIGINT);
}

void Worker::kill(const std::string& reason) {
  if (ended_) return;
  killed_because_ = reason;
  ::kill(pid_, SIGKILL);
}

double Worker::seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }

std::string tail_of(const fs::path& log, std::size_t lines) {
  std::ifstream file(log, std::ios::binary);
  std::stringstream content;
  content << file.rdbuf();
  std::vector<std::string> all;
  for (std::string line; std::getline(content, line);) {
    const auto overwritten = line.rfind('\r');
    if (overwritten != std::string::npos) line = line.substr(overwritten + 1);
    if (!line.empty()) all.push_back(std::move(line));
  }
  std::string tail;
  for (std::size_t i = all.size() > lines ? all.size() - lines : 0; i < all.size(); ++i) tail += all[i] + "\n";
  return tail;
}

}  // namespace temper
