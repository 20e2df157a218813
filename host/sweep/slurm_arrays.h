// Which tasks go into one job array, and what the array waits for. Tasks of one kind and depth share an array where Slurm
// can say what they wait for in one breath. No command is run here.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "host/sweep/launcher.h"

namespace temper {

/// A task that Slurm has: in which array (the sweep's own number for it) and at which index.
struct SlurmPlace {
  int array = 0;
  int index = 0;
  auto operator<=>(const SlurmPlace&) const = default;
};

enum class Waits {
  kNot,
  kEachForItsOwn,  ///< aftercorr: each task for those of the same index in other arrays
  kAllForSome      ///< afterok: the whole array for some tasks
};

struct ArrayPlan {
  int number = 0;
  std::string kind;
  std::vector<std::size_t> orders;  ///< places in the list of orders
  std::vector<int> indices;         ///< of each, ascending
  Waits waits = Waits::kNot;
  std::vector<SlurmPlace> after;  ///< kEachForItsOwn: the index says nothing
};

/// `places` are the tasks that Slurm has already; arrays are numbered from `first`, in the order in which to submit them.
/// `largest` is the number of tasks that an array may have.
std::vector<ArrayPlan> group_into_arrays(const std::vector<TaskOrder>& orders, std::map<std::size_t, SlurmPlace> places,
                                         int first, std::size_t largest);

}  // namespace temper
