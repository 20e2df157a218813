// The record of one run: everything that was configured, logged and measured, in one HDF5 file. The runner writes it; the
// reader (record_reader.h) and any HDF5 tool read it. Layout: layout.h.
// Crash safety: the file is kept in memory and each flush replaces the one on disk as a whole, so what is there is complete
// at every instant; a kill loses at most what came after the last flush. Texts with NUL or invalid UTF-8 keep every byte:
// their column becomes sequences of uint8 (table.h). All methods may be called from every thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "temper/context.h"
#include "temper/evaluator.h"

namespace temper {

struct ResolvedRow {
  std::string key, value, source, where;
};

struct PluginRow {
  std::string slot, kind, id, version, sha256, abi_tag;
};

struct DataRow {
  std::string name, path, sha256;
  std::int64_t documents = 0, bytes = 0, tokens = 0;
  bool operator==(const DataRow&) const = default;
};

/// What one filter of the corpus did.
struct LedgerRow {
  std::string name, plugin;
  std::int64_t documents = 0, dropped = 0, edited = 0, bytes_in = 0, bytes_out = 0;
  struct Reason {
    std::string kind;  ///< drop: why documents went; span: what was found in them; figure: the filter's own number
    std::string name;
    double value = 0;
    bool operator==(const Reason&) const = default;
  };
  std::vector<Reason> reasons = {};
  bool operator==(const LedgerRow&) const = default;
};

struct RecordFacts {
  std::string experiment, run_id;
  std::uint64_t seed = 0;
  std::string config_source;  ///< the experiment file as given
  std::vector<ResolvedRow> resolved;
  std::vector<PluginRow> plugins;
  std::map<std::string, std::string> host;  ///< become attributes host_<key>
};

struct StageFacts {
  std::string plugin;
  std::vector<std::string> parents;
  std::string cache_key = {};
};

struct StageSummary {
  std::string plugin, status, cache_key, checkpoint, checkpoint_sha256, prompt_template;
  std::vector<std::string> parents;
  double seconds = 0, flops = 0;
  std::int64_t tokens = 0, steps = 0;
};

class RunRecord {
 public:
  /// The file is on disk when this returns. DataError if the path exists: a record is never overwritten.
  static std::unique_ptr<RunRecord> create(const std::filesystem::path& path, const RecordFacts& facts);
  /// For a process that follows another one's run: the same methods, and no file.
  static std::unique_ptr<RunRecord> create_unkept(const RecordFacts& facts);
  /// For resume. DataError if the file is damaged, not a record, of another version, or being written by somebody else.
  static std::unique_ptr<RunRecord> open(const std::filesystem::path& path);
  ~RunRecord();  ///< flushes what is left, as well as it can
  RunRecord(const RunRecord&) = delete;
  RunRecord& operator=(const RunRecord&) = delete;

  void set_data(const std::vector<DataRow>& rows);
  void set_ledger(const std::vector<LedgerRow>& rows);  ///< of all filters, in their order; replaces what was there
  void begin_stage(const std::string& name, const StageFacts& facts);  ///< status running; what is there already stays
  /// A metric declared before keeps its rows and takes the new unit, doc and direction.
  void declare_metric(const std::string& stage, const MetricSpec& spec);
  /// Cheap: kept in memory until the next flush. PluginError if the metric was not declared.
  void append(const std::string& stage, const std::string& metric, std::int64_t step, double value);
  /// Drops the rows of all metrics with step > last_step_kept, so that a resumed stage logs each step once.
  void truncate_log(const std::string& stage, std::int64_t last_step_kept);
  void end_stage(const std::string& stage, const StageSummary& summary);
  std::optional<StageSummary> stage(const std::string& name) const;
  std::vector<std::string> stage_names() const;  ///< in order of creation
  /// Replaces an earlier result. PluginError if scores and their names do not fit together.
  void write_eval(const std::string& stage, const std::string& evaluator, const EvalResult& result);
  bool has_eval(const std::string& stage, const std::string& evaluator) const;
  /// The stage as it stands (without its evaluations), or one evaluation of it, as a file of its own that import_* takes
  /// into another record. The file appears whole or not at all.
  void export_stage(const std::string& stage, const std::filesystem::path& file);
  void export_eval(const std::string& stage, const std::string& evaluator, const std::filesystem::path& file);
  /// Replaces what the record has of it, except for a stage's evaluations. DataError if the file is missing or damaged.
  void import_stage(const std::filesystem::path& file, const std::string& stage);
  void import_eval(const std::filesystem::path& file, const std::string& stage, const std::string& evaluator);
  void add_note(const std::string& stage, const std::string& text);
  /// Answers of one step; truncate_log drops those of later steps too. The names are the same at every call.
  void add_samples(const std::string& stage, std::int64_t step, const std::vector<std::string>& score_names,
                   const std::vector<SampleRow>& rows);
  /// One of the same name is replaced.
  void add_sentinel(const std::string& stage, const Sentinel& sentinel);
  /// running, partial (a part of it was asked for), complete, diverged, failed, cancelled or stopped (a sweep gave it up);
  /// all but running set the time in `finished`.
  void set_status(const std::string& status);
  /// Of a run of which a part was asked for: how far that went, "sft" or "sft@100".
  void set_reached(const std::string& what);
  /// Status stopped, with the reason and what was measured.
  void set_stopped(const std::string& reason, const std::optional<double>& value);
  std::string attribute(const std::string& name) const;
  /// For attributes that records of older versions lack.
  std::string attribute_or(const std::string& name, const std::string& fallback) const;
  std::string config_source() const;
  std::vector<PluginRow> plugins() const;

  void flush();  ///< durable when it returns; DataError on a full disk, the old file then still being whole
  /// Flushes at most so often that it takes under 1% of the time.
  void flush_if_due();
  const std::filesystem::path& path() const;  ///< empty: not kept

 private:
  struct State;
  explicit RunRecord(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace temper
