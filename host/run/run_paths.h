// Where a run keeps its files: <out>/<experiment>/<run_id>.h5 is the record, the folder of the same name holds checkpoints,
// <out>/cache holds what runs share (trained tokenizers, tokenised corpora), keyed by content.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace temper {

struct RunPaths {
  std::filesystem::path record, folder, cache;

  std::filesystem::path stage_folder(const std::string& stage) const { return folder / stage; }
  std::filesystem::path final_checkpoint(const std::string& stage) const { return folder / stage / "final"; }
};

RunPaths paths_of_record(const std::filesystem::path& record);
/// A run id that no other process can get: date, time, seed and the start of the experiment's identity, and the run's folder
/// made exclusively. Throws DataError if the place cannot be written.
RunPaths claim_run(const std::filesystem::path& out, const std::string& experiment, std::uint64_t seed,
                   const std::string& identity, std::string& run_id);

}  // namespace temper
