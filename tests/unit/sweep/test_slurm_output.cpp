// What Slurm's commands print. The lines of squeue and scontrol are those of Slurm 22.05.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "catch.h"
#include "host/sweep/slurm_folder.h"
#include "host/sweep/slurm_launcher.h"
#include "host/sweep/slurm_output.h"
#include "temper/error.h"

using namespace temper;

namespace {

SlurmTask ended(const std::string& state, const std::string& reason = "", int code = 0, int signal = 0) {
  return {"7", 0, state, reason, "n1", "", code, signal};
}

bool says(const std::optional<TaskEnd>& end, const std::string& words) {
  return end && end->reason.find(words) != std::string::npos;
}

}  // namespace

TEST_CASE("squeue's lines are tasks of arrays; other jobs are left out") {
  const auto tasks = parse_squeue(
      "7|2|RUNNING|None|vm|rates.sft.3-0a1b2c3d\n"
      "8|0|PENDING|Dependency||rates.run.4-0a1b2c3d\n"
      "16|N/A|COMPLETING|None|vm|sig.sh\n");
  REQUIRE(tasks.size() == 2);
  CHECK(tasks[0].job == "7");
  CHECK(tasks[0].index == 2);
  CHECK(tasks[0].state == "RUNNING");
  CHECK(tasks[0].node == "vm");
  CHECK(tasks[0].name == "rates.sft.3-0a1b2c3d");
  CHECK(tasks[1].reason == "Dependency");
  CHECK(tasks[1].node.empty());
  CHECK(parse_squeue("").empty());
}

TEST_CASE("scontrol tells of each task, and of waiting ones in one line") {
  const auto tasks = parse_scontrol(
      "JobId=3 ArrayJobId=1 ArrayTaskId=1 JobName=job.sh UserId=root(0) Account=(null) JobState=FAILED "
      "Reason=NonZeroExitCode Dependency=(null) Requeue=1 ExitCode=3:0 NodeList=vm BatchHost=vm Command=/a b/job.sh\n"
      "JobId=1 ArrayJobId=1 ArrayTaskId=2-3,5%2 JobName=job.sh JobState=PENDING Reason=Resources ExitCode=0:0 "
      "NodeList=(null)\n"
      "JobId=4 ArrayJobId=1 ArrayTaskId=4 JobName=job.sh JobState=FAILED Reason=RaisedSignal:9(Killed) ExitCode=0:9 "
      "NodeList=vm\n"
      "JobId=16 JobName=sig.sh JobState=COMPLETING Reason=None ExitCode=0:0 NodeList=vm\n");
  REQUIRE(tasks.size() == 5);
  CHECK(tasks[0].code == 3);
  CHECK(tasks[0].reason == "NonZeroExitCode");
  CHECK(tasks[0].node == "vm");
  CHECK(tasks[1].index == 2);
  CHECK(tasks[3].index == 5);
  CHECK(tasks[3].state == "PENDING");
  CHECK(tasks[3].node.empty());
  CHECK(tasks[4].signal == 9);
}

TEST_CASE("sacct's lines, with who cancelled and without steps") {
  const auto tasks = parse_sacct(
      "7_0|COMPLETED|0:0|n1\n7_1|CANCELLED by 1000|0:15|None assigned\n7_[2-3%1]|PENDING|0:0|None "
      "assigned\n12|FAILED|1:0|n1\n");
  REQUIRE(tasks.size() == 4);
  CHECK(tasks[0].state == "COMPLETED");
  CHECK(tasks[1].state == "CANCELLED");
  CHECK(tasks[1].signal == 15);
  CHECK(tasks[1].node.empty());
  CHECK(tasks[2].index == 2);
  CHECK(tasks[3].index == 3);
}

TEST_CASE("job ids, indices and the controller's settings") {
  CHECK(parse_submitted("1234\n") == "1234");
  CHECK(parse_submitted("1234;cluster\n") == "1234");
  CHECK(parse_submitted("Submitted batch job 1234\n").empty());
  CHECK(parse_indices("2-5,8%2") == std::vector<int>{2, 3, 4, 5, 8});
  CHECK(parse_indices("0-8:4") == std::vector<int>{0, 4, 8});
  CHECK(parse_indices("N/A").empty());
  CHECK(parse_indices("0-").empty());
  CHECK(indices_text({0, 1, 2, 5, 7, 8}) == "0-2,5,7-8");
  CHECK(parse_indices(indices_text({3, 9, 10})) == std::vector<int>{3, 9, 10});
  const std::string config =
      "Configuration data as of 2026-01-01T00:00:00\nMaxArraySize            = 1001\nMinJobAge = 300 sec\n";
  CHECK(config_value(config, "MaxArraySize") == "1001");
  CHECK(config_value(config, "MinJobAge") == "300");
  CHECK(config_value(config, "MaxArray").empty());
  const auto own = parse_own_end("139 12 77\n");
  REQUIRE(own);
  CHECK(own->code == 139);
  CHECK(own->job == "77");
  CHECK_FALSE(parse_own_end("139").has_value());
}

TEST_CASE("how a task ended comes from Slurm, its script, or both") {
  CHECK_FALSE(end_in_slurm(std::nullopt, std::nullopt).has_value());
  // A job that Slurm puts back into the queue is not over, whatever its first try wrote.
  CHECK_FALSE(end_in_slurm(ended("PENDING"), OwnEnd{130, 5, "7"}).has_value());
  CHECK(end_in_slurm(ended("COMPLETED"), std::nullopt)->reason.empty());
  CHECK(end_in_slurm(std::nullopt, OwnEnd{0, 5, "7"})->reason.empty());
  CHECK(end_in_slurm(std::nullopt, OwnEnd{0, 5, "7"})->seconds == 5);
  // Done, and cancelled a moment later.
  CHECK(end_in_slurm(ended("CANCELLED"), OwnEnd{0, 5, "7"})->reason.empty());

  CHECK(end_in_slurm(ended("FAILED", "NonZeroExitCode", 3), std::nullopt)->code == 3);
  CHECK(says(end_in_slurm(ended("FAILED", "NonZeroExitCode", 4), std::nullopt), "a plugin is at fault"));
  CHECK(end_in_slurm(ended("FAILED", "NonZeroExitCode", 139), OwnEnd{139, 1, "7"})->signal == 11);
  CHECK(says(end_in_slurm(ended("FAILED", "NonZeroExitCode", 137), std::nullopt), "Killed"));
  CHECK(says(end_in_slurm(ended("FAILED", "RaisedSignal", 0, 9), std::nullopt), "signal 9"));
  CHECK(says(end_in_slurm(ended("FAILED", "BadConstraints"), std::nullopt), "BadConstraints"));
  const auto stopped = end_in_slurm(ended("FAILED", "NonZeroExitCode", 130), OwnEnd{130, 1, "7"});
  CHECK(stopped->stopped);
  CHECK(stopped->signal == 0);

  CHECK(says(end_in_slurm(ended("TIMEOUT"), OwnEnd{130, 60, "7"}), "TIMEOUT"));
  CHECK(says(end_in_slurm(ended("OUT_OF_MEMORY"), OwnEnd{137, 60, "7"}), "--slurm-mem"));
  CHECK(says(end_in_slurm(ended("NODE_FAIL"), std::nullopt), "lost its node n1"));
  CHECK(says(end_in_slurm(ended("CANCELLED"), std::nullopt), "was cancelled"));
  CHECK(end_in_slurm(ended("CANCELLED"), std::nullopt)->stopped);
  CHECK(says(end_in_slurm(ended("BOOT_FAIL", "None"), std::nullopt), "BOOT_FAIL"));
  CHECK(is_put_off(ended("CANCELLED", "DependencyNeverSatisfied")));
  CHECK_FALSE(is_put_off(ended("CANCELLED", "None")));
}

TEST_CASE("words for sbatch: what a site wants, and nothing that the sweep says itself") {
  SlurmOptions options;
  options.cpus = 4;
  options.partition = "long";
  options.memory = "8G";
  options.args = {"qos=high", "--requeue"};
  CHECK(site_words(options) == std::vector<std::string>{"--nodes=1", "--ntasks=1", "--cpus-per-task=4", "--no-requeue",
                                                        "--partition=long", "--mem=8G", "--qos=high", "--requeue"});
  for (const char* word : {"array=0-3", "--dependency=afterok:1", "-p", "", "--"}) {
    INFO(word);
    options.args = {word};
    CHECK_THROWS_AS(site_words(options), ConfigError);
  }
}

TEST_CASE("an array's folder is read as it was written, also when its id was not noted") {
  namespace fs = std::filesystem;
  const fs::path sweep = fs::temp_directory_path() / ("slurm folder " + std::to_string(getpid()));
  fs::remove_all(sweep);
  const std::vector<TaskOrder> orders{{5, "a=1-s1", "run", {"run", "it's"}, {}}, {6, "a=2-s1", "run", {"run"}, {}}};
  SlurmArray array = write_array(sweep, {3, "run", {0, 1}, {0, 4}, Waits::kNot, {}}, orders, "/bin/echo", 2);
  note_accounted(array, 4);
  CHECK_FALSE(own_end(array, 0).has_value());
  // The script of a task can be run by hand, and says how it ended.
  CHECK(std::system(("SLURM_ARRAY_JOB_ID=77 SLURM_ARRAY_TASK_ID=0 sh " + shell_quoted((array.folder / "array.sh").string()))
                        .c_str()) == 0);
  const auto read = load_arrays(sweep);
  REQUIRE(read.size() == 1);
  CHECK(read[0].number == 3);
  CHECK(read[0].name == array.name);
  CHECK(read[0].job == "77");
  CHECK(read[0].tasks == array.tasks);
  CHECK(read[0].accounted == std::set<int>{4});
  CHECK(own_end(read[0], 0)->code == 0);
  std::ifstream log(log_of(sweep, "a=1-s1"));
  std::string line;
  std::getline(log, line);
  CHECK(line == "run it's");
  fs::remove_all(sweep);
}
