// What launchers say in the environment.
#include <map>

#include "catch.h"
#include "host/dist/ranks.h"
#include "temper/error.h"

using namespace temper;

namespace {

std::optional<Ranks> from(const std::map<std::string, std::string>& environment) {
  return ranks_from([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

std::string error_of(const std::map<std::string, std::string>& environment) {
  try {
    from(environment);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a process without a launcher is alone, and so is the only one of a launcher") {
  CHECK_FALSE(from({}).has_value());
  CHECK_FALSE(from({{"RANK", "0"}, {"WORLD_SIZE", "1"}}).has_value());
  // A batch script of Slurm is one process, however many tasks its job has.
  CHECK_FALSE(from({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}).has_value());
}

TEST_CASE("torchrun, mpirun and srun are understood") {
  const auto torchrun = from({{"RANK", "3"},
                              {"WORLD_SIZE", "4"},
                              {"LOCAL_RANK", "1"},
                              {"LOCAL_WORLD_SIZE", "2"},
                              {"MASTER_ADDR", "host0"},
                              {"MASTER_PORT", "29500"},
                              {"TORCHELASTIC_USE_AGENT_STORE", "True"},
                              {"TORCHELASTIC_RESTART_COUNT", "2"}});
  REQUIRE(torchrun);
  CHECK(torchrun->rank == 3);
  CHECK(torchrun->world_size == 4);
  CHECK(torchrun->local_rank == 1);
  CHECK(torchrun->local_size == 2);
  CHECK(torchrun->address == "host0");
  CHECK(torchrun->port == 29500);
  CHECK(torchrun->store_is_there);
  CHECK(torchrun->attempt == "2");

  const auto mpirun = from({{"OMPI_COMM_WORLD_RANK", "1"},
                            {"OMPI_COMM_WORLD_SIZE", "2"},
                            {"OMPI_COMM_WORLD_LOCAL_RANK", "0"},
                            {"OMPI_COMM_WORLD_LOCAL_SIZE", "1"},
                            {"MASTER_ADDR", "10.0.0.1"},
                            {"MASTER_PORT", "1234"}});
  REQUIRE(mpirun);
  CHECK(mpirun->rank == 1);
  CHECK(mpirun->local_rank == 0);
  CHECK_FALSE(mpirun->store_is_there);

  for (const auto& [list, host] : std::map<std::string, std::string>{
           {"node[03-05,9],other", "node03"}, {"a1,a2", "a1"}, {"alone", "alone"}, {"n[7]", "n7"}}) {
    INFO(list);
    const auto srun = from({{"SLURM_PROCID", "2"},
                            {"SLURM_STEP_NUM_TASKS", "3"},
                            {"SLURM_LOCALID", "0"},
                            {"SLURM_STEP_NODELIST", list},
                            {"MASTER_PORT", "2000"}});
    REQUIRE(srun);
    CHECK(srun->rank == 2);
    CHECK(srun->address == host);
  }
}

TEST_CASE("the ranks of a step of Slurm agree on a port, and other steps have another") {
  const auto port = [](const std::string& job, const std::string& step, const std::string& rank) {
    return from({{"SLURM_PROCID", rank},
                 {"SLURM_STEP_NUM_TASKS", "2"},
                 {"SLURM_STEP_NODELIST", "n1"},
                 {"SLURM_JOB_ID", job},
                 {"SLURM_STEP_ID", step}})
        ->port;
  };
  CHECK(port("4000000000", "0", "0") == port("4000000000", "0", "1"));
  CHECK(port("12", "0", "0") != port("12", "1", "0"));
  CHECK(port("12", "0", "0") != port("13", "0", "0"));
  CHECK(port("4000000000", "0", "0") >= 15000);
  CHECK(port("4000000000", "0", "0") < 30000);
}

TEST_CASE("a command for one process is refused where a launcher has started several") {
  const auto refusal = [](const std::map<std::string, std::string>& environment) -> std::string {
    try {
      require_one_process(
          [&](const char* name) -> const char* {
            const auto found = environment.find(name);
            return found == environment.end() ? nullptr : found->second.c_str();
          },
          "a sweep");
    } catch (const ConfigError& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal({}).empty());
  CHECK(refusal({{"WORLD_SIZE", "1"}, {"RANK", "0"}}).empty());
  // The script of a job, however many tasks the job has, and a step of one task.
  CHECK(refusal({{"SLURM_NTASKS", "4"}, {"SLURM_PROCID", "0"}}).empty());
  CHECK(refusal({{"SLURM_STEP_NUM_TASKS", "1"}, {"SLURM_PROCID", "0"}}).empty());
  CHECK(refusal({{"WORLD_SIZE", "2"}}).find("one of 2") != std::string::npos);
  CHECK(refusal({{"SLURM_STEP_NUM_TASKS", "3"}, {"SLURM_PROCID", "1"}}).find("(srun)") != std::string::npos);
  CHECK(refusal({{"OMPI_COMM_WORLD_SIZE", "3"}}).find("(mpirun)") != std::string::npos);
}

TEST_CASE("what tells a process its rank is not for its children; the rest of a launcher's environment is") {
  for (const char* name : {"RANK", "WORLD_SIZE", "MASTER_PORT", "OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID",
                           "SLURM_STEP_NUM_TASKS", "TORCHELASTIC_RUN_ID", "TEMPER_STORE_SOCKET"}) {
    INFO(name);
    CHECK(is_rank_variable(name));
  }
  for (const char* name : {"PATH", "SLURM_JOB_ID", "SLURM_CONF", "OMP_NUM_THREADS", "RANKS", "PMIXED"}) {
    INFO(name);
    CHECK_FALSE(is_rank_variable(name));
  }
}

TEST_CASE("a wrong environment names the variable, its value and what is allowed") {
  const std::map<std::string, std::string> good{
      {"RANK", "1"}, {"WORLD_SIZE", "2"}, {"MASTER_ADDR", "127.0.0.1"}, {"MASTER_PORT", "29500"}};
  REQUIRE(error_of(good).empty());
  const auto with = [&](const std::string& name, const std::string& value) {
    auto changed = good;
    changed[name] = value;
    return error_of(changed);
  };
  CHECK(with("RANK", "2").find("RANK is '2'; it must be a number from 0 to 1") != std::string::npos);
  CHECK(with("RANK", "one").find("RANK is 'one'") != std::string::npos);
  CHECK(with("RANK", "").find("RANK is not set") != std::string::npos);
  CHECK(with("WORLD_SIZE", "-1").find("WORLD_SIZE is '-1'") != std::string::npos);
  CHECK(with("MASTER_PORT", "70000").find("from 1 to 65535") != std::string::npos);
  CHECK(with("MASTER_ADDR", "").find("MASTER_ADDR is not set") != std::string::npos);
}
