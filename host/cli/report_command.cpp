// `temper report`: one page about runs or a sweep. An output that exists is kept unless --force is given.
#include <cstdio>
#include <filesystem>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/report/report.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;

int report_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("output,o", po::value<std::string>()->default_value("report.html"), "the page to write")(
      "force", "replace the page if it is there")(
      "metric", po::value<std::string>()->default_value(""),
      "the first metric whose name matches this expression says which cell is best; by default the first that has a better "
      "direction and a score for each item")("baseline", po::value<std::string>()->default_value(""),
                                             "column that the others are compared with; the first by default")(
      "by", po::value<std::string>()->default_value(""),
      "columns: stage, run, or keys joined by commas; by default a sweep's axes, else stage")(
      "intersect", "compare the items that all columns share instead of refusing different sets");
  const auto options =
      parse_options(args,
                    {"temper report RECORD.h5|FOLDER|SWEEP... [-o report.html] [options]",
                     "Writes one HTML page that needs nothing else: what was run, what is best and how sure, "
                     "curves, gains and losses, and how to run it again."},
                    own, 1, 100000);
  if (options.help_shown) return 0;
  const fs::path output = options.get<std::string>("output");
  if (fs::is_directory(output)) {
    throw ConfigError("--output " + output.string() + " is a folder; name the page to write, e.g. " +
                      (output / "report.html").string());
  }
  if (fs::exists(output) && !options.has("force")) {
    throw ConfigError("--output " + output.string() + " exists; choose another name, or replace it with --force");
  }
  if (output.has_parent_path() && !fs::is_directory(output.parent_path())) {
    throw DataError("--output " + output.string() + ": there is no folder '" + output.parent_path().string() +
                    "'; create it first");
  }
  ReportOptions report;
  for (const auto& path : options.positional) report.paths.emplace_back(path);
  report.metric = options.get<std::string>("metric");
  report.baseline = options.get<std::string>("baseline");
  report.by = options.get<std::string>("by");
  report.intersect = options.has("intersect");
  const std::string page = render_report(report);
  write_file_atomically(output, page);
  std::printf("report: %s (%.1f MB)\n", output.c_str(), static_cast<double>(page.size()) / 1e6);
  return 0;
}

}  // namespace temper
