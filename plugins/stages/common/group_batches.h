// Batches of whatever a stage trains on in groups (all answers to one prompt, the two sides of a pair): a new order each
// epoch, a position that can be saved. What a group is, only the stage's own function knows.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "temper/train.h"

namespace temper::stages {

class GroupBatches final : public BatchSource {
 public:
  using Make = std::function<Batch(const std::vector<std::int64_t>& groups)>;
  /// `make` turns some groups' numbers into a batch. A batch never mixes epochs; an epoch's last one may be smaller.
  GroupBatches(std::int64_t groups, std::int64_t batch_size, std::uint64_t seed, Make make);
  Batch next() override;
  /// Whole groups, in the batch's order.
  Batch next_part(std::int64_t part, std::int64_t parts) override;
  double epochs_done() const override;
  std::string position() const override;
  void restore(const std::string& position) override;

 private:
  std::vector<std::int64_t> next_groups();

  std::int64_t groups_, batch_size_;
  std::uint64_t seed_;
  Make make_;
  std::int64_t epoch_ = 0, cursor_ = 0;
};

}  // namespace temper::stages
