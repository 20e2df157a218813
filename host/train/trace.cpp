// Traces of training steps (see trace.h).
#include "host/train/trace.h"

#include <ATen/Context.h>
#include <torch/csrc/autograd/profiler_kineto.h>

#include <cstdio>
#include <cstdlib>
#include <exception>
#include <set>
#include <utility>

#include "host/util/files.h"

namespace temper {
namespace {

constexpr std::int64_t kWarmUp = 2, kTraced = 5;

}  // namespace

StepTrace::StepTrace(std::filesystem::path file) : file_(std::move(file)) { create_folders(file_.parent_path()); }

StepTrace::~StepTrace() {
  try {
    write();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "temper: the trace '%s' could not be written: %s\n", file_.c_str(), error.what());
  }
}

void StepTrace::step_begins() {
  ++begun_;
  if (begun_ == kWarmUp + 1) {
    // Its complaint that there is no GPU is nobody's business; a level that the user has set stays.
    setenv("KINETO_LOG_LEVEL", "99", /*overwrite=*/0);
    const torch::profiler::impl::ProfilerConfig config(torch::profiler::impl::ProfilerState::KINETO);
    std::set<torch::profiler::impl::ActivityType> activities{torch::profiler::impl::ActivityType::CPU};
    if (at::globalContext().hasCUDA()) activities.insert(torch::profiler::impl::ActivityType::CUDA);
    torch::autograd::profiler::prepareProfiler(config, activities);
    torch::autograd::profiler::enableProfiler(config, activities);
    on_ = true;
  } else if (begun_ == kWarmUp + kTraced + 1) {
    write();
  }
}

void StepTrace::write() {
  if (!std::exchange(on_, false)) return;
  torch::autograd::profiler::disableProfiler()->save(file_.string());
}

}  // namespace temper
