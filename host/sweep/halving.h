// Successive halving: at each rung (a step of a training stage, or a stage's end) all cells that are left are measured and
// only the best share goes on. Rungs wait for all of their cells, so that the verdict does not depend on which run ended
// first; what was decided is kept in <sweep>/halving.json. It is judged again only where a run that failed got its value
// later.
// Source: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization" (2016).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "host/config/yaml_tree.h"

namespace temper {

struct SweepPlan;
struct Experiment;

struct Rung {
  std::string stage;
  std::int64_t step = 0;     ///< 0: when the stage is complete and evaluated
  std::string text() const;  ///< "sft@100" or "sft"
  bool operator==(const Rung&) const = default;
};

struct Halving {
  std::string metric;  ///< of the stage's log, or "EVALUATOR.METRIC" after a stage's end
  bool higher_is_better = false;
  std::int64_t factor = 3;  ///< one in so many contenders goes on, rounded up
  std::vector<Rung> rungs;
  std::string text() const;  ///< "validation_loss:min, the best 1 in 3 at sft@100, sft"
  bool operator==(const Halving&) const = default;
};

/// Of the command line: "METRIC:max" or "METRIC:min", and "STAGE@STEP,STAGE".
Halving parse_halving(const std::string& metric, const std::string& rungs, std::int64_t factor);
/// Of the experiment: sweep: {halving: {metric, mode, factor, rungs}}. Throws ConfigError with file and line.
Halving read_halving(const config::YamlNode& section);
/// Throws ConfigError where rungs, metric and experiment do not fit together. `axes`: the sweep's keys.
void check_halving(const Halving& halving, const Experiment& experiment, const std::vector<std::string>& axes);

/// What is judged as one: the runs of a cell, and of other cells that are the same up to the rung.
struct Contender {
  std::vector<std::size_t> runs;              ///< indices in the plan, in its order
  std::vector<std::optional<double>> values;  ///< of each run; none if it failed or diverged
  std::optional<double> mean;                 ///< over the runs that have one
  bool goes_on = false;
};

/// Best first. With a value for every seed before those that lack some, then by the mean, then by the first run's id. Of n
/// contenders ceil(n / factor) go on, as far as they have any value.
std::vector<Contender> rank_contenders(std::vector<Contender> contenders, const Halving& halving, const SweepPlan& plan);
/// The runs among `alive` that share all of their stages' keys up to the rung, seed by seed, in the plan's order.
std::vector<Contender> contenders_at(const Rung& rung, const SweepPlan& plan, const std::vector<bool>& alive);

/// A rung that was decided.
struct Verdict {
  Rung rung;
  std::vector<Contender> ranked;
};
/// Of the rungs decided so far, in order; empty if the sweep has no halving.json. Throws DataError if it is damaged.
std::vector<Verdict> load_verdicts(const SweepPlan& plan, const std::filesystem::path& sweep);
void save_verdicts(const std::vector<Verdict>& verdicts, const SweepPlan& plan, const std::filesystem::path& sweep);

/// "validation_loss is 2.31, rank 5 of 8; 3 go on": why the contender at `place` does not.
std::string reason_to_stop(const Verdict& verdict, std::size_t place, const Halving& halving);
/// "rung sft@100: of 8 cells 3 go on, validation_loss 2.01 to 2.10; the next had 2.2"
std::string summary_of(const Verdict& verdict, const Halving& halving);
/// How many contenders each rung has at most, and how many runs reach the end at most.
struct HalvingForecast {
  std::vector<std::size_t> contenders, go_on;
  std::size_t runs_at_end = 0;
};
HalvingForecast forecast(const SweepPlan& plan);

}  // namespace temper
