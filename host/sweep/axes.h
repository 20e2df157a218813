// What a sweep varies, and the cells that come of it: grid, zipped and random axes, axes that apply only where another one
// has a value, explicit lists, exclusions. From the command line or the experiment's `sweep` section. Values are YAML texts,
// set on the experiment as --set does.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/config/yaml_tree.h"
#include "host/sweep/halving.h"

namespace temper {

using Assignment = std::pair<std::string, std::string>;  ///< key, value

struct Axis {
  std::string key;
  std::vector<std::string> values;    ///< of a grid or a choice
  std::string distribution;           ///< "", "choice", "uniform" or "log_uniform"
  double low = 0, high = 0;           ///< of the last two
  std::vector<Assignment> when = {};  ///< only in cells where earlier axes have these values
};

struct SweepSpec {
  std::vector<Axis> axes;
  std::vector<std::vector<std::string>> zips;     ///< keys whose axes run in step
  std::vector<std::vector<Assignment>> list;      ///< explicit cells, each crossed with the axes
  std::vector<std::vector<Assignment>> excludes;  ///< cells that have all of these are left out
  std::vector<std::uint64_t> seeds;               ///< empty: the experiment's own
  std::int64_t draws = 0;                         ///< of the random axes, together
  std::optional<Halving> halving;                 ///< which cells are stopped early
};

/// "KEY=a,b,c", "KEY=uniform(0,1)", "KEY=log_uniform(1e-5,1e-3)" or "KEY=choice(a,b)".
Axis parse_axis(const std::string& text);
/// "K=a,L=b": one cell of a list, or an exclusion.
std::vector<Assignment> parse_assignments(const std::string& text, const std::string& option);
/// "1..5", "1,2,7" or a mixture.
std::vector<std::uint64_t> parse_seeds(const std::string& text, const std::string& option);
/// The experiment's `sweep` section. Throws ConfigError with file and line.
SweepSpec read_spec(const config::YamlNode& section);

/// Cells in order, the last axis running fastest; a cell has no value for an axis that does not apply. Random axes are drawn
/// by `seed`. Throws ConfigError if nothing is left, an axis repeats, or a zip or condition names no axis.
std::vector<std::vector<Assignment>> expand(const SweepSpec& spec, std::uint64_t seed);

}  // namespace temper
