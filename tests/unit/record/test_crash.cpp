// Killed writers, racing creators and full disks. Children are forked and end with _exit or a signal.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

#include "support.h"

using namespace record_test;

namespace {

/// Runs `work` in a child; gives its wait status.
template <class Work>
int in_child(Work work) {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    int code = 99;
    try {
      code = work();
    } catch (...) {
    }
    _exit(code);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

[[noreturn]] void die() {
  kill(getpid(), SIGKILL);
  std::abort();
}

}  // namespace

TEST_CASE("P-HDF5-01 a writer killed without a flush leaves the last durable state") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const int status = in_child([&] {
    const auto record = RunRecord::create(path, facts());
    record->declare_metric("sft", kLoss);
    for (int step = 1; step <= 3; ++step) record->append("sft", "loss", step, step);
    record->flush();
    for (int step = 4; step <= 7; ++step) record->append("sft", "loss", step, step);
    die();
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(steps_of(path) == range(1, 3));
  const auto record = RunRecord::open(path);
  for (int step = 4; step <= 9; ++step) record->append("sft", "loss", step, step);
  record->flush();
  CHECK(steps_of(path) == range(1, 9));
}

TEST_CASE("P-HDF5-02 a writer killed after each flush leaves a file that opens without repair") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const int status = in_child([&] {
    const auto record = RunRecord::create(path, facts());
    record->declare_metric("sft", kLoss);
    for (int step = 1; step <= 7; ++step) {
      record->append("sft", "loss", step, step);
      record->flush();
    }
    die();
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(steps_of(path) == range(1, 7));
  // Superblock version 0: the formats with "open for write" flags begin at 2.
  CHECK(static_cast<int>(read_bytes(path)[8]) == 0);
}

TEST_CASE("a writer killed at any instant leaves a whole file, and the next one goes on") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  { RunRecord::create(path, facts()); }
  std::int64_t flushed = 0;
  for (int round = 0; round < 12; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      try {
        const auto record = RunRecord::open(path);
        record->declare_metric("sft", kLoss);
        for (std::int64_t step = flushed + 1;; ++step) {
          record->append("sft", "loss", step, static_cast<double>(step));
          record->write_eval("sft", "qa", eval_of({std::to_string(step)}));
          record->flush();
        }
      } catch (...) {
      }
      _exit(1);
    }
    // Not before the child has written once; then at ever other points of its loop.
    while (!fs::exists(path.string() + ".lock")) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::microseconds(30000 + 2717 * round));
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const RecordReader reader(path);
    if (reader.stage_names().empty()) continue;
    const auto steps = steps_of(path);
    CHECK(steps == range(1, static_cast<std::int64_t>(steps.size())));
    REQUIRE(static_cast<std::int64_t>(steps.size()) >= flushed);
    flushed = static_cast<std::int64_t>(steps.size());
    if (flushed > 0) CHECK(reader.eval("sft", "qa").examples.at(0).response == std::to_string(flushed));
  }
  CHECK(flushed > 0);
  RunRecord::open(path);
  CHECK(folder.names() == std::vector<std::string>{"r.h5"});  // leftovers of the killed are gone
}

TEST_CASE("of many processes that create one record exactly one succeeds") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  std::vector<pid_t> children;
  for (int i = 0; i < 8; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      int code = 99;
      try {
        RecordFacts own = facts();
        own.run_id = std::to_string(getpid());
        RunRecord::create(path, own);
        code = 0;
      } catch (const DataError&) {
        code = 3;
      } catch (...) {
      }
      _exit(code);
    }
    children.push_back(child);
  }
  std::vector<pid_t> winners;
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK((WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3));
    if (WEXITSTATUS(status) == 0) winners.push_back(child);
  }
  REQUIRE(winners.size() == 1);
  CHECK(RecordReader(path).attribute("run_id") == std::to_string(winners[0]));
}

TEST_CASE("a write that fails is a DataError, the old file stays whole and a later flush has everything") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const int status = in_child([&] {
    signal(SIGXFSZ, SIG_IGN);
    const auto record = RunRecord::create(path, facts());
    record->declare_metric("sft", kLoss);
    record->append("sft", "loss", 1, 1);
    record->flush();
    const std::string before = read_bytes(path);
    rlimit limit{};
    getrlimit(RLIMIT_FSIZE, &limit);
    const rlimit small{4096, limit.rlim_max};
    setrlimit(RLIMIT_FSIZE, &small);
    record->append("sft", "loss", 2, 2);
    const std::string message = error_from<DataError>([&] { record->flush(); });
    if (message.find("r.h5") == std::string::npos) return 1;
    if (read_bytes(path) != before) return 2;
    setrlimit(RLIMIT_FSIZE, &limit);
    record->append("sft", "loss", 3, 3);
    record->flush();
    return steps_of(path) == range(1, 3) ? 0 : 3;
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}

TEST_CASE("a full disk is a DataError that says so") {
  // The device that is always full stands in for a disk: the temporary file is a link to it.
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const auto record = RunRecord::create(path, facts());
  const std::string before = read_bytes(path);
  REQUIRE(symlink("/dev/full", (path.string() + ".tmp" + std::to_string(getpid())).c_str()) == 0);
  record->add_note("sft", "x");
  CHECK_THAT(error_from<DataError>([&] { record->flush(); }), ContainsSubstring("No space left"));
  CHECK(read_bytes(path) == before);
  record->flush();
  CHECK(RecordReader(path).notes("sft").size() == 1);
}

TEST_CASE("threads may log while one flushes") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  const auto record = RunRecord::create(path, facts());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    const std::string metric = "m" + std::to_string(t);
    record->declare_metric("sft", {metric, "", "Some number.", Better::kHigher});
    threads.emplace_back([&record, metric] {
      for (int step = 1; step <= 500; ++step) {
        record->append("sft", metric, step, step);
        if (step % 100 == 0) record->flush();
      }
    });
  }
  for (auto& thread : threads) thread.join();
  record->flush();
  for (int t = 0; t < 4; ++t) CHECK(steps_of(path, "sft", "m" + std::to_string(t)) == range(1, 500));
}
