// Run folders and ids (see run_paths.h).
#include "host/run/run_paths.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "host/util/files.h"
#include "temper/error.h"

namespace temper {

RunPaths paths_of_record(const std::filesystem::path& record) {
  RunPaths paths;
  paths.record = record;
  paths.folder = record.parent_path() / record.stem();
  paths.cache = record.parent_path() / ".." / "cache";
  return paths;
}

RunPaths claim_run(const std::filesystem::path& out, const std::string& experiment, std::uint64_t seed,
                   const std::string& identity, std::string& run_id) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &utc);
  const std::string base = std::string(stamp) + "-s" + std::to_string(seed) + "-" + identity.substr(0, 6);
  create_folders(out / experiment);
  for (int attempt = 1; attempt < 10000; ++attempt) {
    run_id = attempt == 1 ? base : base + "-" + std::to_string(attempt);
    const std::filesystem::path folder = out / experiment / run_id;
    if (mkdir(folder.c_str(), 0777) == 0) return paths_of_record(out / experiment / (run_id + ".h5"));
    if (errno != EEXIST) throw DataError("cannot create folder '" + folder.string() + "': " + std::strerror(errno));
  }
  throw DataError("cannot find a free run id under '" + (out / experiment).string() + "'");
}

}  // namespace temper
