// An evaluator: a model in, named numbers with per-example rows out. Rows carry item_id and prompt_sha, so that two stages
// can be compared item by item. Judging text alone (answers written by anything) is an optional second interface.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/context.h"
#include "temper/metrics.h"

namespace temper {

struct ExampleRow {
  std::string item_id;
  std::string prompt_sha;  ///< sha256 of the rendered prompt
  std::string prompt, response, reference;
  std::vector<double> scores;  ///< one a name in EvalResult::score_names
  std::string cluster = {};    ///< rows of one source (EvalItem::cluster) are drawn together; "" stands alone
};

/// Score names tie items to metrics, so that stages are compared item by item: a metric that is a mean over items has a
/// score of the same name; a metric NAME that is a ratio of sums has the scores "NAME.num" and "NAME.den". Other metrics are
/// shown without a paired difference.
struct EvalResult {
  std::vector<MetricValue> metrics;
  std::vector<std::string> score_names;
  std::vector<ExampleRow> examples;
};

class TEMPER_API Evaluator {
 public:
  static constexpr std::string_view kKind = "evaluator";
  struct Args {
    std::string base_dir;  ///< relative paths in parameters start here
  };
  virtual ~Evaluator();
  /// Deterministic, independent of batch size. An empty item set is a DataError. [run]
  virtual EvalResult evaluate(EvalContext& context) = 0;
  /// What another process does for an evaluation of rank 0 (see EvalContext::call_others), on an evaluator of its own with
  /// the same parameters. It has the context's models and files; nobody hears its generator and scorer. [run]
  virtual void help(EvalContext& context, const std::string& order);
};

/// Scores answers without a model: `temper score`.
class TEMPER_API TextJudge {
 public:
  virtual ~TextJudge();
  /// Once, before the first row, for judges that ask a model of their own. `models` outlives the judge's last row.
  virtual void begin_judging(ModelLender& models);
  /// One JSON object in (prompt, response, and what the evaluator documents), one out with the verdict's fields.
  /// Throws DataError saying which field is missing or wrong.
  virtual std::string judge(const std::string& row_json) = 0;
};

}  // namespace temper
