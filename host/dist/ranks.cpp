// Reading a launcher's environment (see ranks.h).
#include "host/dist/ranks.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "temper/error.h"

namespace temper {
namespace {

std::optional<std::string> text_of(const Variables& variable, const char* name) {
  const char* value = variable(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return std::string(value);
}

int number_of(const Variables& variable, const char* name, int low, int high) {
  const auto text = text_of(variable, name);
  if (!text) {
    throw ConfigError(std::string("the environment says that this is one process of many, but ") + name +
                      " is not set; start it with `temper run --nproc N`, torchrun, srun or mpirun, or set it");
  }
  int value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < low || value > high) {
    throw ConfigError(std::string("the environment's ") + name + " is '" + *text + "'; it must be a number from " +
                      std::to_string(low) + " to " + std::to_string(high));
  }
  return value;
}

/// The first host of a Slurm list such as "node[03-05,9],other".
std::string first_host(const std::string& list) {
  const auto end = list.find_first_of(",[");
  if (end == std::string::npos || list[end] == ',') return list.substr(0, end);
  const auto number_end = list.find_first_of("-,]", end + 1);
  return list.substr(0, end) + list.substr(end + 1, number_end - end - 1);
}

struct Names {
  const char *launcher, *rank, *world_size, *local_rank, *local_size;
};

/// The names by which each launcher says it; the first whose world size is set counts.
constexpr Names kLaunchers[] = {
    {"RANK and WORLD_SIZE", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"},
    {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_SIZE"},
    // A job's batch script has SLURM_NTASKS, but only srun's steps have a number of tasks of their own.
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", ""},
};
constexpr int kMostRanks = 65536;

/// Of srun without MASTER_PORT: a port that the ranks of a step agree on and other steps hardly have, below those that the
/// system gives to whoever asks.
int port_of_step(const Variables& variable) {
  constexpr int kFirst = 15000, kPorts = 15000;
  const auto number = [&](const char* name) {
    long long value = 0;
    const std::string text = text_of(variable, name).value_or("");
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
  };
  return static_cast<int>(kFirst + (number("SLURM_JOB_ID") * 7 + number("SLURM_STEP_ID")) % kPorts);
}

const char* of_environment(const char* name) { return *name == '\0' ? nullptr : std::getenv(name); }

}  // namespace

std::optional<Ranks> ranks_from(const Variables& variable) {
  for (const auto& names : kLaunchers) {
    if (!text_of(variable, names.world_size)) continue;
    Ranks ranks;
    ranks.launcher = names.launcher;
    ranks.world_size = number_of(variable, names.world_size, 1, kMostRanks);
    if (ranks.world_size == 1) return std::nullopt;
    ranks.rank = number_of(variable, names.rank, 0, ranks.world_size - 1);
    // Without a word about this machine's share, all processes are on it as far as device and threads go.
    ranks.local_rank =
        text_of(variable, names.local_rank) ? number_of(variable, names.local_rank, 0, kMostRanks) : ranks.rank;
    ranks.local_size = 1;
    if (text_of(variable, names.local_size)) ranks.local_size = number_of(variable, names.local_size, 1, kMostRanks);
    const std::string slurm_nodes = text_of(variable, "SLURM_STEP_NODELIST").value_or("");
    ranks.address = text_of(variable, "MASTER_ADDR").value_or(first_host(slurm_nodes));
    if (ranks.address.empty()) {
      throw ConfigError("the environment (" + std::string(names.launcher) +
                        ") says that this is one process of many, but MASTER_ADDR is not set; " +
                        "set it to the host of rank 0, the same for all");
    }
    const bool of_slurm = text_of(variable, "SLURM_JOB_ID") && std::string_view(names.launcher) == "srun";
    ranks.port = static_cast<std::uint16_t>(of_slurm && !text_of(variable, "MASTER_PORT")
                                                ? port_of_step(variable)
                                                : number_of(variable, "MASTER_PORT", 1, 65535));
    ranks.store_is_there = text_of(variable, "TORCHELASTIC_USE_AGENT_STORE").value_or("") == "True";
    ranks.attempt = text_of(variable, "TORCHELASTIC_RESTART_COUNT").value_or("");
    if (text_of(variable, "TEMPER_STORE_SOCKET")) ranks.listening = number_of(variable, "TEMPER_STORE_SOCKET", 0, 1 << 20);
    return ranks;
  }
  return std::nullopt;
}

std::optional<Ranks> ranks_from_environment() { return ranks_from(of_environment); }

void require_one_process(const Variables& variable, const std::string& what) {
  for (const auto& names : kLaunchers) {
    if (!text_of(variable, names.world_size)) continue;
    const int world_size = number_of(variable, names.world_size, 1, kMostRanks);
    if (world_size == 1) return;
    throw ConfigError(what + " is led by one process, but the environment (" + names.launcher +
                      ") says that this is one of " + std::to_string(world_size) +
                      "; start it once, without a launcher, or unset " + names.world_size);
  }
}

void require_one_process(const std::string& what) { require_one_process(of_environment, what); }

bool is_rank_variable(const std::string& name) {
  constexpr std::array kNames = {"RANK",        "WORLD_SIZE",         "LOCAL_RANK",   "LOCAL_WORLD_SIZE", "NODE_RANK",
                                 "GROUP_RANK",  "ROLE_RANK",          "MASTER_ADDR",  "MASTER_PORT",      "GROUP_WORLD_SIZE",
                                 "ROLE_NAME",   "SLURM_NODEID",       "SLURM_PROCID", "SLURM_LOCALID",    "ROLE_WORLD_SIZE",
                                 "SLURM_GTIDS", "TEMPER_STORE_SOCKET"};
  constexpr std::array kBeginnings = {"OMPI_", "PMIX_", "PMI_", "TORCHELASTIC_", "SLURM_STEP"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
         std::any_of(kBeginnings.begin(), kBeginnings.end(), [&](const char* one) { return name.rfind(one, 0) == 0; });
}

std::vector<std::string> environment_of_one() {
  std::vector<std::string> variables;
  for (char** one = environ; *one != nullptr; ++one) {
    std::string variable = *one;
    if (!is_rank_variable(variable.substr(0, variable.find('=')))) variables.push_back(std::move(variable));
  }
  return variables;
}

}  // namespace temper
