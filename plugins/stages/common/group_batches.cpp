// Order and position of grouped batches (see group_batches.h).
#include "group_batches.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "temper/random.h"

namespace temper::stages {

GroupBatches::GroupBatches(std::int64_t groups, std::int64_t batch_size, std::uint64_t seed, Make make)
    : groups_(groups), batch_size_(batch_size), seed_(seed), make_(std::move(make)) {
  if (groups_ < 1) throw DataError("there is nothing to train on; check the datasets of this stage");
}

std::vector<std::int64_t> GroupBatches::next_groups() {
  const Permutation order(static_cast<std::uint64_t>(groups_), derive_seed(seed_, static_cast<std::uint64_t>(epoch_)));
  std::vector<std::int64_t> chosen;
  for (; cursor_ < groups_ && static_cast<std::int64_t>(chosen.size()) < batch_size_; ++cursor_) {
    chosen.push_back(static_cast<std::int64_t>(order(static_cast<std::uint64_t>(cursor_))));
  }
  if (cursor_ == groups_) {
    ++epoch_;
    cursor_ = 0;
  }
  return chosen;
}

Batch GroupBatches::next() { return make_(next_groups()); }

Batch GroupBatches::next_part(std::int64_t part, std::int64_t parts) {
  const std::vector<std::int64_t> groups = next_groups();
  const auto [begin, end] = part_of(static_cast<std::int64_t>(groups.size()), part, parts);
  if (begin == end) return {};
  return make_({groups.begin() + begin, groups.begin() + end});
}

double GroupBatches::epochs_done() const {
  return static_cast<double>(epoch_) + static_cast<double>(cursor_) / static_cast<double>(groups_);
}

std::string GroupBatches::position() const {
  return nlohmann::json{{"groups", groups_}, {"seed", seed_}, {"epoch", epoch_}, {"cursor", cursor_}}.dump();
}

void GroupBatches::restore(const std::string& position) {
  epoch_ = cursor_ = 0;
  if (position.empty()) return;
  try {
    const auto state = nlohmann::json::parse(position);
    if (state.at("groups") != groups_ || state.at("seed") != seed_) {
      throw DataError("the saved data position " + position + " belongs to other data: there are now " +
                      std::to_string(groups_) + " groups; restore the data, or start the stage anew");
    }
    epoch_ = state.at("epoch");
    cursor_ = state.at("cursor");
  } catch (const nlohmann::json::exception&) {
    throw DataError("the saved data position '" + position + "' cannot be read; start the stage anew");
  }
}

}  // namespace temper::stages
