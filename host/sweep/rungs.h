// Halving while a sweep runs: which runs are left, who brings a contender to a rung, what was measured there, and the mark
// in the records of those that are stopped. The coordinator says when a rung's tasks have ended.
#pragma once

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/sweep/halving.h"
#include "host/sweep/plan.h"

namespace temper {

class Rungs {
 public:
  /// Without halving there are no rungs and all runs are left.
  Rungs(const SweepPlan& plan, std::filesystem::path folder);
  /// What an earlier coordinator decided, and what it may not have come to write into records. From the first rung on that
  /// was decided without a run that failed, all is judged again, because that run is tried again; what was measured is kept.
  void take_up();

  std::size_t decided() const { return verdicts_.size(); }
  bool all_decided() const { return decided() == plan_.rung_tasks.size(); }
  bool is_left(std::size_t run) const { return left_[run]; }
  const std::vector<bool>& left() const { return left_; }
  /// Whose record the task of a rung writes: of the runs it is done for, the first that was left when the rung came.
  std::size_t runner_of(std::size_t task) const { return runners_[task]; }
  /// Whether the task of a rung was done by an earlier coordinator, by what the record says.
  bool was_done(std::size_t task) const;
  /// Decides the next rung, whose tasks have all ended; `failed` says of a task that it did not end well. Throws ConfigError
  /// if the metric is not in the records.
  const Verdict& decide(const std::vector<bool>& failed);
  /// "rung sft@100: of 8 cells 3 go on, ..."
  std::string summary() const { return summary_of(verdicts_.back(), *plan_.halving); }

 private:
  std::filesystem::path record_of(std::size_t run) const { return folder_ / (plan_.runs[run].run_id + ".h5"); }
  std::optional<double> value_of(std::size_t run, const Rung& rung) const;
  std::size_t rung_of(const Verdict& verdict) const;
  void choose_runners();
  void take(const Verdict& verdict);
  void mark(const Verdict& verdict, std::size_t place) const;

  const SweepPlan& plan_;
  std::filesystem::path folder_;
  std::vector<Verdict> verdicts_;
  std::vector<std::vector<std::optional<double>>> measured_;  ///< by rung and run: by an earlier coordinator
  std::vector<std::size_t> stopped_at_;  ///< of each run: the rung; the number of rungs if it was never stopped
  std::vector<bool> left_;
  std::vector<std::size_t> runners_;  ///< by task
};

/// The record of a run that no worker wrote: the run's values and nothing else.
void make_placeholder(const SweepPlan& plan, std::size_t run, const std::filesystem::path& record);
/// Whether the record is of that kind; a run makes its own in its place.
bool is_placeholder(const std::filesystem::path& record);

}  // namespace temper
