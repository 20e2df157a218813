// `temper status`: what a run has done, read from its record without disturbing a process that writes it.
#include <cstdio>
#include <sstream>

#include "host/record/record_reader.h"
#include "host/run/run_paths.h"
#include "host/run/runner.h"
#include "host/run/stage_cache.h"
#include "host/train/checkpoint.h"
#include "host/util/progress.h"

namespace temper {

std::string describe_status(const std::filesystem::path& record) {
  const RecordReader reader(record);
  const RunPaths paths = paths_of_record(record);
  std::ostringstream text;
  text << reader.attribute("experiment") << "  run " << reader.attribute("run_id") << "  " << reader.attribute("status")
       << "\n";
  if (reader.attribute("status") == "stopped") text << "  " << reader.attribute("stopped_because") << "\n";
  char line[160];
  std::snprintf(line, sizeof line, "  %-20s %-12s %10s %12s %10s  %s\n", "stage", "status", "steps", "tokens", "time",
                "evaluated");
  text << line;
  for (const auto& name : reader.stage_names()) {
    const auto summary = reader.stage(name);
    std::string evals;
    for (const auto& evaluator : reader.evaluators(name)) evals += (evals.empty() ? "" : ", ") + evaluator;
    std::int64_t steps = summary.steps;
    auto resumable = resumable_checkpoints(paths.stage_folder(name));
    if (resumable.empty() && !summary.cache_key.empty()) {
      resumable = resumable_checkpoints(StageCache(paths.cache).stage_folder(summary.cache_key));
    }
    if (summary.status == "running" && !resumable.empty()) steps = read_manifest(resumable.front()).step;
    std::snprintf(line, sizeof line, "  %-20s %-12s %10ld %12ld %10s  %s\n", name.c_str(), summary.status.c_str(),
                  static_cast<long>(steps), static_cast<long>(summary.tokens), format_duration(summary.seconds).c_str(),
                  evals.c_str());
    text << line;
  }
  return text.str();
}

}  // namespace temper
