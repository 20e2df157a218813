// Local ranks as child processes (see launcher.h).
#include "host/dist/launcher.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "host/util/cancel.h"
#include "temper/error.h"

namespace temper {
namespace {

using Clock = std::chrono::steady_clock;

/// How long the other ranks may take to stop by themselves: they find out within a beat or two and then write nothing more.
constexpr std::chrono::seconds kGrace{5};

/// A listening socket on a port that is free now and stays taken: rank 0 inherits it.
int listen_anywhere(std::uint16_t& port) {
  const int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (socket_fd < 0 || bind(socket_fd, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(socket_fd, 1024) != 0 ||
      getsockname(socket_fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw Error(std::string("cannot open a port of this machine for the ranks to meet: ") + std::strerror(errno), 1);
  }
  port = ntohs(address.sin_port);
  return socket_fd;
}

struct Child {
  pid_t pid = 0;
  bool running = true;
  int code = 0;
};

void become_rank(int rank, int ranks, std::uint16_t port, int listening, const std::vector<std::string>& args) {
  const auto set = [](const char* name, const std::string& value) { setenv(name, value.c_str(), 1); };
  set("RANK", std::to_string(rank));
  set("WORLD_SIZE", std::to_string(ranks));
  set("LOCAL_RANK", std::to_string(rank));
  set("LOCAL_WORLD_SIZE", std::to_string(ranks));
  set("MASTER_ADDR", "127.0.0.1");
  set("MASTER_PORT", std::to_string(port));
  unsetenv("TORCHELASTIC_USE_AGENT_STORE");
  // What c10d has to warn of, temper says in its own words.
  setenv("TORCH_CPP_LOG_LEVEL", "ERROR", 0);
  if (rank == 0) {
    set("TEMPER_STORE_SOCKET", std::to_string(listening));
  } else {
    unsetenv("TEMPER_STORE_SOCKET");
    close(listening);
  }
  std::vector<char*> arguments;
  std::string program = "temper";
  arguments.push_back(program.data());
  for (const auto& arg : args) arguments.push_back(const_cast<char*>(arg.c_str()));
  arguments.push_back(nullptr);
  execv("/proc/self/exe", arguments.data());
  std::fprintf(stderr, "temper: cannot start rank %d: %s\n", rank, std::strerror(errno));
  _exit(1);
}

/// Whether one ended; sets its code.
bool collect_one(std::vector<Child>& children) {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, WNOHANG);
  const auto child = std::find_if(children.begin(), children.end(), [&](const Child& each) { return each.pid == pid; });
  if (pid <= 0 || child == children.end()) return false;
  child->running = false;
  child->code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
  if (WIFSIGNALED(status)) {
    std::fprintf(
        stderr,
        "temper: rank %d was ended by signal %d (%s); all ranks stop, `temper resume` goes on from the last checkpoint\n",
        static_cast<int>(child - children.begin()), WTERMSIG(status), strsignal(WTERMSIG(status)));
  }
  return true;
}

void signal_all(const std::vector<Child>& children, int number) {
  for (const auto& child : children) {
    if (child.running) kill(child.pid, number);
  }
}

}  // namespace

int launch_ranks(int ranks, const std::vector<std::string>& args) {
  if (ranks < 1) throw ConfigError("--nproc is " + std::to_string(ranks) + "; it must be at least 1");
  std::uint16_t port = 0;
  const int listening = listen_anywhere(port);
  // The ranks say what a signal does; this process only passes it on.
  announce_cancel(false);
  const pid_t parent = getpid();
  std::vector<Child> children;
  for (int rank = 0; rank < ranks; ++rank) {
    const pid_t pid = fork();
    if (pid < 0) {
      signal_all(children, SIGKILL);
      throw Error(std::string("cannot start rank ") + std::to_string(rank) + ": " + std::strerror(errno), 1);
    }
    if (pid == 0) {
      // A group of its own, so that a terminal's Ctrl-C comes once, from here; and no rank outlives its launcher.
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (getppid() != parent) _exit(1);
      become_rank(rank, ranks, port, listening, args);
    }
    children.push_back({pid});
  }
  close(listening);

  int code = 0;
  bool told = false, killed = false;
  Clock::time_point failed_at;
  while (std::any_of(children.begin(), children.end(), [](const Child& child) { return child.running; })) {
    if (cancel_requested() && !told) {
      signal_all(children, SIGINT);
      told = true;
    }
    if (collect_one(children)) {
      for (const auto& child : children) {
        if (code != 0 || child.running || child.code == 0) continue;
        code = child.code;
        failed_at = Clock::now();
      }
      continue;
    }
    if (code != 0 && code != 130 && !killed && Clock::now() - failed_at > kGrace) {
      signal_all(children, SIGKILL);
      killed = true;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return code;
}

}  // namespace temper
