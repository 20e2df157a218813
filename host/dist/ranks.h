// Who this process is among the processes of one run, as the launcher's environment says it: `temper run --nproc`, torchrun
// and alike (RANK, WORLD_SIZE, LOCAL_RANK, MASTER_ADDR, MASTER_PORT), srun (SLURM_*), or mpirun (OMPI_COMM_WORLD_*).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace temper {

struct Ranks {
  int rank = 0, world_size = 1;
  int local_rank = 0, local_size = 1;  ///< among the processes of this machine
  std::string address;                 ///< where rank 0's store listens
  std::uint16_t port = 0;
  bool store_is_there = false;  ///< the launcher keeps a store of its own at that address (torchrun)
  int listening = -1;           ///< rank 0: a socket that listens already, inherited; -1: none
  std::string attempt;          ///< of a launcher that starts its processes anew when some fail; the store stays
  std::string launcher;         ///< which environment this is from, for messages
};

using Variables = std::function<const char*(const char* name)>;

/// Nothing for a process that is alone. Throws ConfigError that names the variable if one is missing or not a number in
/// range.
std::optional<Ranks> ranks_from(const Variables& variable);
/// Of this process's environment.
std::optional<Ranks> ranks_from_environment();

/// For commands that one process does: ConfigError if the environment says that this is one of several. `what`: "a sweep".
void require_one_process(const Variables& variable, const std::string& what);
void require_one_process(const std::string& what);

/// Whether a launcher tells its processes who they are with this variable. Their children must not take it for theirs.
bool is_rank_variable(const std::string& name);
/// This process's variables ("NAME=VALUE") without those.
std::vector<std::string> environment_of_one();

}  // namespace temper
