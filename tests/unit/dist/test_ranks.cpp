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
                              {"TORCHELASTIC_USE_AGENT_STORE", "True"}});
  REQUIRE(torchrun);
  CHECK(torchrun->rank == 3);
  CHECK(torchrun->world_size == 4);
  CHECK(torchrun->local_rank == 1);
  CHECK(torchrun->local_size == 2);
  CHECK(torchrun->address == "host0");
  CHECK(torchrun->port == 29500);
  CHECK(torchrun->store_is_there);

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
