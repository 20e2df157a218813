// Records as CSV tables, one file for each kind of row over all records, to be joined by run_id, stage and item_id: runs,
// config, plugins, data, ledger, stages, notes, sentinels, logs, samples, sample_scores, metrics, examples, scores.
// Everything of a record is in them. Numbers are written so that reading them gives the same bits; one that is none is
// empty.
#pragma once

#include <filesystem>
#include <vector>

namespace temper {

/// Into a folder that exists. Texts become clean UTF-8 without NUL: what is not is replaced by U+FFFD. Throws DataError for
/// a record that cannot be read and where the folder cannot be written.
void write_csv_tables(const std::vector<std::filesystem::path>& records, const std::filesystem::path& folder);

}  // namespace temper
