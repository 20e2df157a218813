// From what the user named (filters with their values, files to read) to what pipeline.h runs, and the identity that tells
// one cleaning from another: the inputs' content, the filters' code, values and files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/clean/pipeline.h"
#include "host/config/experiment.h"
#include "host/plugin/registry.h"

namespace temper::clean {

std::vector<StepPlan> step_plans(const Registry& registry, const std::vector<SlotConfig>& filters,
                                 const std::filesystem::path& base_dir);
/// SHA-256 over each filter's name, plugin file, values and the files that it reads.
std::string filters_identity(const Registry& registry, const std::vector<SlotConfig>& filters,
                             const std::filesystem::path& base_dir);

/// How files of the command line are read; the datasets `text` and `jsonl` do it.
struct InputOptions {
  std::string text_field = "text", id_field;
  std::string split_on = "file";
  std::int64_t max_line_mb = 64;
};

/// Files, folders and globs as one stream, in the order given. A name that ends in .jsonl, .ndjson, .json or .csv (also with
/// .gz or .zst behind it) is rows, everything else is plain text; of a folder both, the text first. Rows that cannot be read
/// are skipped and told of.
class Inputs {
 public:
  /// Throws DataError for a path that is missing, a glob or folder without a match.
  Inputs(const Registry& registry, const std::vector<std::string>& paths, const InputOptions& options);
  std::string fingerprint();
  std::unique_ptr<Stream<Document>> open();

 private:
  struct Part {
    std::unique_ptr<Dataset> dataset;
    double bytes = 0;
  };
  std::vector<Part> parts_;
};

}  // namespace temper::clean
