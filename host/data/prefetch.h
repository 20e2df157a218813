// Builds the next batch on a second thread while the current one is trained on. Batches, their order and position() are
// those of the source inside. The objective's example() then runs beside its loss(): both are const, and an objective keeps
// no changing state of its own. Stages get it from the stage context.
#pragma once

#include <future>
#include <memory>
#include <string>

#include "temper/context.h"

namespace temper {

class PrefetchedBatches final : public BatchSource {
 public:
  explicit PrefetchedBatches(std::unique_ptr<BatchSource> source);
  ~PrefetchedBatches() override;

  Batch next() override;
  /// Both speak of the batch handed out last, not of the one being built.
  double epochs_done() const override { return epochs_done_; }
  std::string position() const override { return position_; }
  void restore(const std::string& position) override;

 private:
  struct Built {
    Batch batch;
    std::string position;  ///< of the source once the batch was built
    double epochs_done = 0;
  };
  void start();
  void finish_pending();

  std::unique_ptr<BatchSource> source_;
  std::string position_;
  double epochs_done_ = 0;
  std::future<Built> pending_;
};

}  // namespace temper
