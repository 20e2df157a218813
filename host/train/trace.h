// A trace of some training steps, through LibTorch's own profiler: every operator, forward, backward and update as spans,
// and the sums of gradients over ranks beside them. The file opens in Perfetto, chrome://tracing and TensorBoard.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace temper {

class StepTrace {
 public:
  /// Writes `file` after the steps that are traced: five, after two that warm up; fewer if training ends before.
  explicit StepTrace(std::filesystem::path file);
  ~StepTrace();  ///< writes what there is
  StepTrace(const StepTrace&) = delete;
  StepTrace& operator=(const StepTrace&) = delete;

  /// Called by the thread that trains, before each step.
  void step_begins();

 private:
  void write();

  std::filesystem::path file_;
  std::int64_t begun_ = 0;
  bool on_ = false;
};

}  // namespace temper
