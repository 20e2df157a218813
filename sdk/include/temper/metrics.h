// Names and facts of the numbers that stages and evaluators emit. A metric is declared before it is used, so that the
// record always holds its unit, its meaning and which direction is better.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/error.h"

namespace temper {

enum class Better { kHigher, kLower, kNeither };

struct MetricSpec {
  std::string name;  ///< [a-z][a-z0-9_]*
  std::string unit;  ///< "nats/token", "tokens/s", "" for a plain number
  std::string doc;   ///< one sentence
  Better better = Better::kNeither;
};

/// A measured number with how sure it is. 95% interval; NaN where it cannot be had (n < 2).
struct MetricValue {
  MetricSpec spec;
  double value = 0;
  double std_error = 0;
  double ci_low = 0, ci_high = 0;
  std::int64_t n = 0;  ///< items the number rests on
};

/// Time series of a stage. `log` for an undeclared name throws PluginError. [any]
class TEMPER_API MetricSink {
 public:
  virtual ~MetricSink();
  virtual void declare(const MetricSpec& spec) = 0;
  virtual void log(const std::string& name, std::int64_t step, double value) = 0;
};

/// Mean with its normal 95% interval (t is not used: n is in the hundreds). Values must be finite.
TEMPER_API MetricValue mean_metric(MetricSpec spec, const std::vector<double>& values);
/// Share of ones with Wilson's 95% interval. Source: Wilson, JASA 22 (1927).
TEMPER_API MetricValue proportion_metric(MetricSpec spec, std::int64_t successes, std::int64_t n);
/// Ratio of sums with a 95% bootstrap interval over items (percentile, `resamples` draws by `seed`). Items with 0 on both
/// sides do not count, not in `n` either.
TEMPER_API MetricValue ratio_metric(MetricSpec spec, const std::vector<double>& numerators,
                                    const std::vector<double>& denominators, std::uint64_t seed, int resamples = 1000);
/// The same with whole clusters drawn (items of one name stay together; "" is a cluster of its own), for items that share a
/// source. A mean is a ratio with ones below. Source: Field and Welsh, JRSS B 69 (2007), the cluster bootstrap.
TEMPER_API MetricValue clustered_metric(MetricSpec spec, const std::vector<double>& numerators,
                                        const std::vector<double>& denominators, const std::vector<std::string>& clusters,
                                        std::uint64_t seed, int resamples = 1000);

}  // namespace temper
