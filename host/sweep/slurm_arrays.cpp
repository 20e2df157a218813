// Grouping tasks into job arrays (see slurm_arrays.h).
#include "host/sweep/slurm_arrays.h"

#include <algorithm>
#include <set>

namespace temper {
namespace {

using Members = std::vector<std::size_t>;  // places in the list of orders

class Grouping {
 public:
  Grouping(const std::vector<TaskOrder>& orders, std::map<std::size_t, SlurmPlace> places, int first, std::size_t largest)
      : orders_(orders), places_(std::move(places)), next_(first), largest_(largest) {}

  std::vector<ArrayPlan> plan() {
    // A task is as deep as the longest chain of tasks before it that are submitted with it.
    std::map<std::size_t, std::size_t> depth_of_task;
    std::map<std::pair<std::size_t, std::string>, Members> levels;
    for (std::size_t i = 0; i < orders_.size(); ++i) {
      std::size_t depth = 0;
      for (const std::size_t need : orders_[i].after) {
        const auto found = depth_of_task.find(need);
        if (found != depth_of_task.end()) depth = std::max(depth, found->second + 1);
      }
      depth_of_task[orders_[i].task] = depth;
      levels[{depth, orders_[i].kind}].push_back(i);
    }
    for (const auto& [level, group] : levels) add_level(level.second, group);
    return std::move(arrays_);
  }

 private:
  std::vector<SlurmPlace> places_before(std::size_t order) const {
    std::vector<SlurmPlace> before;
    for (const std::size_t need : orders_[order].after) before.push_back(places_.at(need));
    std::sort(before.begin(), before.end());
    return before;
  }

  void add_level(const std::string& kind, const Members& group) {
    std::map<std::vector<int>, Members> by_arrays;
    for (const std::size_t i : group) {
      std::vector<int> arrays;
      for (const auto& place : places_before(i)) arrays.push_back(place.array);
      by_arrays[arrays].push_back(i);
    }
    for (auto& [arrays, part] : by_arrays) {
      if (arrays.empty()) {
        add(kind, part, numbered(part), Waits::kNot, {});
      } else if (each_has_its_own(arrays, part)) {
        std::sort(part.begin(), part.end(),
                  [&](std::size_t a, std::size_t b) { return places_before(a)[0].index < places_before(b)[0].index; });
        std::vector<int> indices;
        for (const std::size_t i : part) indices.push_back(places_before(i)[0].index);
        std::vector<SlurmPlace> after;
        for (const int array : arrays) after.push_back({array, 0});
        add(kind, part, indices, Waits::kEachForItsOwn, after);
      } else {
        std::map<std::vector<SlurmPlace>, Members> by_places;
        for (const std::size_t i : part) by_places[places_before(i)].push_back(i);
        for (const auto& [places, same] : by_places) add(kind, same, numbered(same), Waits::kAllForSome, places);
      }
    }
  }

  /// Whether the tasks can stand at the indices of what they wait for: one array each, one index, and no two the same.
  bool each_has_its_own(const std::vector<int>& arrays, const Members& group) const {
    if (group.size() < 2 || std::set<int>(arrays.begin(), arrays.end()).size() != arrays.size()) return false;
    std::set<int> seen;
    return std::all_of(group.begin(), group.end(), [&](std::size_t i) {
      const auto places = places_before(i);
      const bool same =
          std::all_of(places.begin(), places.end(), [&](const SlurmPlace& place) { return place.index == places[0].index; });
      return same && seen.insert(places[0].index).second;
    });
  }

  static std::vector<int> numbered(const Members& group) {
    std::vector<int> indices;
    for (std::size_t i = 0; i < group.size(); ++i) indices.push_back(static_cast<int>(i));
    return indices;
  }

  void add(const std::string& kind, const Members& group, const std::vector<int>& indices, Waits waits,
           const std::vector<SlurmPlace>& after) {
    for (std::size_t begin = 0; begin < group.size(); begin += largest_) {
      ArrayPlan array{next_++, kind, {}, {}, waits, after};
      for (std::size_t i = begin; i < std::min(group.size(), begin + largest_); ++i) {
        array.orders.push_back(group[i]);
        // Indices count from 0 in each array, unless they have to be those of other tasks.
        array.indices.push_back(waits == Waits::kEachForItsOwn ? indices[i] : indices[i - begin]);
        places_[orders_[group[i]].task] = {array.number, array.indices.back()};
      }
      arrays_.push_back(std::move(array));
    }
  }

  const std::vector<TaskOrder>& orders_;
  std::map<std::size_t, SlurmPlace> places_;
  int next_;
  std::size_t largest_;
  std::vector<ArrayPlan> arrays_;
};

}  // namespace

std::vector<ArrayPlan> group_into_arrays(const std::vector<TaskOrder>& orders, std::map<std::size_t, SlurmPlace> places,
                                         int first, std::size_t largest) {
  return Grouping(orders, std::move(places), first, largest).plan();
}

}  // namespace temper
