// Where everything lies in a record, and how it is read back; shared by the writer (run_record) and the reader
// (record_reader). Version kSchemaVersion; a file of another version is refused, never guessed at.
//
//   /                                attributes schema_version, temper_version, experiment, run_id, seed, status, created,
//                                    finished, host_<fact>; of a run that a sweep stopped stopped_because, stopped_value;
//                                    of one of which a part was asked for reached
//   /config/source                   text of the experiment file
//   /config/resolved                 table key, value, source, where
//   /plugins, /data                  tables
//   /ledger/filters                  table name, plugin, documents, dropped, edited, bytes_in, bytes_out: cleaning, if any
//   /ledger/reasons                  table filter, kind (drop, span, figure), name, value
//   /stages/<name>                   attributes name, order, plugin, parents, status, cache_key, seconds, tokens, steps,
//                                    flops, checkpoint, checkpoint_sha256, prompt_template
//   /stages/<name>/notes             table time, text
//   /stages/<name>/samples           table step, prompt, response, one column a score
//   /stages/<name>/sentinels         table name, passed, value, limit, evidence: checks made before training
//   /stages/<name>/log/<metric>      table step, value; attributes name, unit, doc, higher_is_better
//   /stages/<name>/evals/<evaluator>/metrics    table name, value, stderr, ci_low, ci_high, n, higher_is_better, unit, doc
//   /stages/<name>/evals/<evaluator>/examples   table item_id, prompt_sha, prompt, response, reference, one column a score;
//                                               before the scores `cluster`, where items share a source
// higher_is_better is 1 for higher, 0 for lower, -1 for neither.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "host/record/run_record.h"
#include "host/record/table.h"

namespace temper::layout {

inline constexpr std::int64_t kSchemaVersion = 1;

int to_code(Better better);
Better to_better(std::int64_t code);

/// Opens /stages/<name>; DataError naming the stages there are if it is not there.
h5::Handle open_stage(hid_t file, const std::string& name);
/// A group inside a group, or DataError.
h5::Handle open_group(hid_t parent, const std::string& name);

/// Throws DataError unless the file is a record of this version.
void check_schema(hid_t file, const std::string& path);
std::vector<std::string> stage_names(hid_t file);  ///< in order of creation
bool has_stage(hid_t file, const std::string& name);
StageSummary read_stage(hid_t file, const std::string& name);
void write_stage(hid_t stage, const StageSummary& summary);
/// Exact names of the objects in `group` inside a stage ("log", "evals").
std::vector<std::string> names_in(hid_t stage, const std::string& group);
bool has_eval(hid_t file, const std::string& stage, const std::string& evaluator);
/// `with_texts`: prompts, responses and references, too; they are most of an evaluation.
EvalResult read_eval(hid_t file, const std::string& stage, const std::string& evaluator, bool with_texts);
std::vector<PluginRow> read_plugins(hid_t file);

/// Empty if the stage has none.
Table read_optional_table(hid_t stage, const std::string& name);

Table eval_metrics_table(const EvalResult& result);
/// Throws PluginError if a row's scores do not match the names, or a score name is taken.
Table eval_examples_table(const EvalResult& result);

}  // namespace temper::layout
