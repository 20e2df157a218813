// `temper dump`: records for other programs, as CSV tables or as TensorBoard's event files.
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/dump/csv_tables.h"
#include "host/dump/event_files.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

std::vector<fs::path> records_in(const std::vector<std::string>& targets) {
  std::vector<fs::path> records;
  for (const auto& target : targets) {
    if (!fs::is_directory(target)) {
      records.emplace_back(target);
      continue;
    }
    const auto found = files_in(target, ".h5");
    if (found.empty()) throw DataError("folder '" + target + "' holds no record (*.h5)");
    records.insert(records.end(), found.begin(), found.end());
  }
  std::sort(records.begin(), records.end());
  return records;
}

}  // namespace

int dump_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("output,o", po::value<std::string>()->required(), "folder to write; it must not be there, or be empty")(
      "format", po::value<std::string>()->default_value("csv"),
      "csv: tables that pandas, R or a spreadsheet reads, one for each kind of row (logs.csv, metrics.csv, scores.csv, "
      "...), "
      "with everything that the records hold; tensorboard: event files with logs and metrics");
  const auto options =
      parse_options(args,
                    {"temper dump RECORD.h5|FOLDER|SWEEP... -o FOLDER [options]",
                     "Writes what records hold for other programs. Parquet is not among the formats: Debian "
                     "12 has no library for it, and pandas makes it of the tables in one line."},
                    own, 1, 100000);
  if (options.help_shown) return 0;
  const auto format = options.get<std::string>("format");
  if (format != "csv" && format != "tensorboard") throw ConfigError("--format " + format + ": must be csv or tensorboard");
  const fs::path output = fs::path(options.get<std::string>("output") + "/").parent_path();
  if (fs::exists(output) && !(fs::is_directory(output) && fs::is_empty(output))) {
    throw ConfigError("--output " + output.string() + " is there already and not empty; name a new folder");
  }
  const auto records = records_in(options.positional);
  // Whole or not at all.
  const fs::path staging = output.string() + ".tmp" + std::to_string(getpid());
  create_folders(staging);
  try {
    format == "csv" ? write_csv_tables(records, staging) : write_event_files(records, staging);
    publish_folder(staging, output);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(staging, ignored);
    throw;
  }
  std::printf("%zu record%s: %s\n", records.size(), records.size() == 1 ? "" : "s", output.c_str());
  return 0;
}

}  // namespace temper
