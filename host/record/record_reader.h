// Reads a record: status, compare, report and resume use it. Takes a snapshot of the file when it is made, so it needs no
// lock and a run that is still being written can be read at any time.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/record/run_record.h"

namespace temper {

struct LogPoint {
  std::int64_t step = 0;
  double value = 0;
};

struct StepSample {
  std::int64_t step = 0;
  SampleRow row;
};
struct StageSamples {
  std::vector<std::string> score_names;
  std::vector<StepSample> samples;
};

struct NoteRow {
  std::string time, text;
};

/// All methods throw DataError in clear words for what is not there.
/// The value of a resolved key, or of the plugin in a slot of that name; null if there is neither. Rows have `key` and
/// `value`.
template <class Row>
const std::string* value_of_key(const std::vector<Row>& resolved, const std::string& key) {
  const std::string plugin = key + ".plugin";
  for (const auto& row : resolved) {
    if (row.key == key || row.key == plugin) return &row.value;
  }
  return nullptr;
}

class RecordReader {
 public:
  explicit RecordReader(const std::filesystem::path& path);
  ~RecordReader();
  RecordReader(const RecordReader&) = delete;
  RecordReader& operator=(const RecordReader&) = delete;

  const std::filesystem::path& path() const;
  std::string attribute(const std::string& name) const;   ///< of the run; numbers are written out
  std::map<std::string, std::string> attributes() const;  ///< all of them: experiment, seed, status, host_...
  std::string config_source() const;
  std::vector<ResolvedRow> resolved() const;
  std::vector<PluginRow> plugins() const;
  std::vector<DataRow> data() const;      ///< empty if none was written yet
  std::vector<LedgerRow> ledger() const;  ///< empty if nothing was cleaned

  std::vector<std::string> stage_names() const;  ///< in order of creation
  StageSummary stage(const std::string& name) const;
  std::vector<NoteRow> notes(const std::string& stage) const;
  StageSamples samples(const std::string& stage) const;  ///< empty if the stage shows none
  std::vector<Sentinel> sentinels(const std::string& stage) const;
  std::vector<std::string> log_names(const std::string& stage) const;
  MetricSpec log_spec(const std::string& stage, const std::string& metric) const;
  std::vector<LogPoint> log(const std::string& stage, const std::string& metric) const;
  std::vector<std::string> evaluators(const std::string& stage) const;
  EvalResult eval(const std::string& stage, const std::string& evaluator) const;
  /// Without prompts, responses and references, in a fraction of the time.
  EvalResult scores(const std::string& stage, const std::string& evaluator) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace temper
