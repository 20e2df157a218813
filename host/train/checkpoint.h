// A checkpoint is a folder: model.safetensors, temper.json (what it is), the tokenizer's file, and, while a stage is still
// training, state.safetensors (optimiser, random state, data position), or, when it is done and kept something beside the
// weights (heads, adapters), extras.safetensors. It appears by one rename, so a crash leaves the
// previous one. Equal weights give equal bytes, hence equal sha256.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/context.h"
#include "temper/params.h"

namespace temper {

struct CheckpointManifest {
  std::string architecture, tokenizer;  ///< plugin ids
  ParamValues architecture_values, tokenizer_values;
  std::string tokenizer_file;
  std::string prompt_template;  ///< "" if the model was never tuned
  std::string experiment, run_id, stage;
  std::string status;  ///< running, complete, early_stop
  std::int64_t vocab_size = 0, step = 0, tokens = 0;
  double seconds = 0, flops = 0;
  std::string weights_sha256;  ///< of model.safetensors; filled by save_checkpoint
  std::string extras_sha256;   ///< of extras.safetensors, "" if there is none; filled by save_checkpoint
  std::string state_sha256;    ///< of state.safetensors, "" if there is none; filled by save_checkpoint
};

/// Writes everything to a staging folder beside `folder`, then renames. Returns the sha256 of the weights.
std::string save_checkpoint(const std::filesystem::path& folder, CheckpointManifest manifest, Architecture& model,
                            const std::string& tokenizer_bytes, const StateDict* state, const StateDict* extras = nullptr);
/// Value types are the JSON's own. Throws DataError if the folder is no checkpoint or its weights' hash differs.
CheckpointManifest read_manifest(const std::filesystem::path& folder);
/// The values kept for `plugin` ("architecture llama"), whose parameters are `specs`: one that it did not have yet when the
/// checkpoint was made gets its default, which therefore has to mean what was done before. Throws DataError for one that it
/// does not have any more.
ParamValues stored_values(const std::filesystem::path& folder, const std::string& plugin, const ParamValues& stored,
                          const std::vector<ParamSpec>& specs);
std::string read_tokenizer_bytes(const std::filesystem::path& folder, const CheckpointManifest& manifest);
/// Copies the weights into `model`. Every name and shape has to match, both ways; the hash is verified.
void load_weights(const std::filesystem::path& folder, const CheckpointManifest& manifest, Architecture& model);
/// The hash is verified.
StateDict read_state(const std::filesystem::path& folder, const CheckpointManifest& manifest);
/// What the stage kept beside the weights; empty if nothing. The hash is verified.
StateDict read_extras(const std::filesystem::path& folder, const CheckpointManifest& manifest);

/// Empty if temper.json is as it was written and every file is there with the hash that it gives; else a sentence about what
/// is wrong. Reads only.
std::string checkpoint_fault(const std::filesystem::path& folder);

/// Resumable checkpoints of a stage in `folder` (named step-<number>), newest first.
std::vector<std::filesystem::path> resumable_checkpoints(const std::filesystem::path& folder);
std::filesystem::path resumable_name(const std::filesystem::path& folder, std::int64_t step);

}  // namespace temper
