// Models as files: from a checkpoint folder or a record's stage ("run.h5:sft") to a model in memory with its tokenizer.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "host/plugin/registry.h"
#include "host/train/checkpoint.h"
#include "temper/architecture.h"
#include "temper/tokenizer.h"

namespace temper {

struct LoadedModel {
  CheckpointManifest manifest;
  std::unique_ptr<Tokenizer> tokenizer;
  std::unique_ptr<Architecture> model;
};

/// A model that was never tuned is prompted with `instruction`.
std::string template_or_default(const std::string& prompt_template);

/// Throws DataError with the possible stages if the reference names none that has a checkpoint.
std::filesystem::path find_checkpoint(const std::string& reference);
/// Stages of a record that have a checkpoint beside it, in the order in which they ran. Throws DataError if there are none.
std::vector<std::string> finished_stages(const std::filesystem::path& record);
/// Models are made in main memory and moved to `device`.
LoadedModel load_model(const Registry& registry, const std::filesystem::path& checkpoint, c10::Device device = c10::kCPU);
std::unique_ptr<Tokenizer> load_tokenizer(const Registry& registry, const std::filesystem::path& checkpoint,
                                          const CheckpointManifest& manifest);
std::unique_ptr<Architecture> load_architecture(const Registry& registry, const std::filesystem::path& checkpoint,
                                                const CheckpointManifest& manifest, c10::Device device = c10::kCPU);

}  // namespace temper
