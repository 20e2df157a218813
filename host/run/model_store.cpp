// Loading models (see model_store.h).
#include "host/run/model_store.h"

#include <algorithm>

#include "host/run/run_paths.h"

namespace temper {
namespace fs = std::filesystem;

std::unique_ptr<Tokenizer> load_tokenizer(const Registry& registry, const fs::path& checkpoint,
                                          const CheckpointManifest& manifest) {
  ParamValues values = stored_values(checkpoint, "tokenizer " + manifest.tokenizer, manifest.tokenizer_values,
                                     registry.find("tokenizer", manifest.tokenizer).specs);
  // The checkpoint has its own copy of the tokenizer; where training once read it from no longer matters.
  if (values.has("file")) values.set("file", {std::string(), ValueSource::kDefault, ""});
  auto tokenizer = registry.make<Tokenizer>(manifest.tokenizer, values, {checkpoint.string()});
  tokenizer->load(read_tokenizer_bytes(checkpoint, manifest));
  return tokenizer;
}

std::unique_ptr<Architecture> load_architecture(const Registry& registry, const fs::path& checkpoint,
                                                const CheckpointManifest& manifest, c10::Device device) {
  const ParamValues values = stored_values(checkpoint, "architecture " + manifest.architecture, manifest.architecture_values,
                                           registry.find("architecture", manifest.architecture).specs);
  auto model = registry.make<Architecture>(manifest.architecture, values, {manifest.vocab_size, 0});
  load_weights(checkpoint, manifest, *model);
  model->to(device);
  return model;
}

LoadedModel load_model(const Registry& registry, const fs::path& checkpoint, c10::Device device) {
  LoadedModel loaded;
  loaded.manifest = read_manifest(checkpoint);
  loaded.tokenizer = load_tokenizer(registry, checkpoint, loaded.manifest);
  loaded.model = load_architecture(registry, checkpoint, loaded.manifest, device);
  return loaded;
}

std::string template_or_default(const std::string& prompt_template) {
  return prompt_template.empty() ? "instruction" : prompt_template;
}

std::vector<std::string> finished_stages(const fs::path& record) {
  if (!fs::exists(record)) throw DataError("record '" + record.string() + "' was not found");
  const RunPaths paths = paths_of_record(record);
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  if (fs::is_directory(paths.folder)) {
    for (const auto& entry : fs::directory_iterator(paths.folder)) {
      const fs::path manifest = entry.path() / "final/temper.json";
      if (fs::exists(manifest)) found.emplace_back(fs::last_write_time(manifest), entry.path().filename().string());
    }
  }
  if (found.empty()) {
    throw DataError("record '" + record.string() + "' has no finished checkpoint beside it in '" + paths.folder.string() +
                    "'");
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [time, name] : found) names.push_back(std::move(name));
  return names;
}

fs::path find_checkpoint(const std::string& reference) {
  if (fs::is_directory(reference)) return reference;
  const auto colon = reference.rfind(':');
  const std::string record = colon == std::string::npos ? reference : reference.substr(0, colon);
  if (!fs::exists(record)) {
    throw DataError("model '" + reference + "' was not found; give a checkpoint folder or RECORD.h5:STAGE");
  }
  std::string known;
  for (const auto& stage : finished_stages(record)) known += (known.empty() ? "" : ", ") + stage;
  if (colon == std::string::npos) {
    throw ConfigError("model '" + reference + "' names a record but no stage; write " + record +
                      ":STAGE with one of: " + known);
  }
  const fs::path checkpoint = paths_of_record(record).final_checkpoint(reference.substr(colon + 1));
  if (!fs::exists(checkpoint)) {
    throw ConfigError("record '" + record + "' has no finished stage '" + reference.substr(colon + 1) +
                      "'; it has: " + known);
  }
  return checkpoint;
}

}  // namespace temper
