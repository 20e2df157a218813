// Import of other systems' models (see import.h).
#include "host/convert/import.h"

#include <memory>
#include <optional>

#include "host/convert/architecture_config.h"
#include "host/convert/fill.h"
#include "host/convert/gguf.h"
#include "host/convert/gguf_model.h"
#include "host/convert/hf_folder.h"
#include "host/convert/source_tokenizer.h"
#include "host/train/checkpoint.h"
#include "host/util/files.h"
#include "temper/architecture.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

/// Everything about a model but its values.
struct Opened {
  std::unique_ptr<GgufFile> file;
  std::unique_ptr<WeightSource> weights;
  std::string config_json, config_name;
  SourceTokenizer tokenizer;
};

Opened open_gguf(const Registry& registry, const fs::path& source) {
  Opened opened;
  opened.file = std::make_unique<GgufFile>(source);
  auto weights = std::make_unique<GgufWeights>(*opened.file);
  opened.config_json = weights->config_json();
  opened.config_name = source.string();
  opened.weights = std::move(weights);
  opened.tokenizer = gguf_source_tokenizer(registry, *opened.file);
  return opened;
}

Opened open_folder(const Registry& registry, const fs::path& source) {
  if (fs::exists(source / "temper.json")) {
    throw ConfigError("'" + source.string() + "' is a temper checkpoint already; it needs no import");
  }
  const fs::path config = source / "config.json";
  if (!fs::exists(config))
    throw DataError("'" + source.string() + "' has no config.json; give a Hugging Face model's folder");
  Opened opened;
  opened.weights = std::make_unique<FolderWeights>(source);
  opened.config_json = read_text_file(config);
  opened.config_name = config.string();
  opened.tokenizer = folder_tokenizer(registry, source, opened.config_json);
  return opened;
}

Opened open_source(const Registry& registry, const fs::path& source) {
  if (fs::is_directory(source)) return open_folder(registry, source);
  if (!fs::exists(source))
    throw DataError("'" + source.string() + "' was not found; give a Hugging Face folder or a GGUF file");
  if (!is_gguf(source)) {
    throw DataError("'" + source.string() + "' is no GGUF file; give one, or the folder that holds a model's config.json");
  }
  return open_gguf(registry, source);
}

}  // namespace

fs::path check_target(const fs::path& target, bool force, const std::string& mark) {
  fs::path folder = fs::absolute(target).lexically_normal();
  if (!folder.has_filename()) folder = folder.parent_path();
  if (!fs::exists(folder)) return folder;
  const bool is_ours = fs::is_directory(folder) && (fs::is_empty(folder) || fs::exists(folder / mark));
  if (force && is_ours) return folder;
  throw ConfigError("'" + target.string() + "' exists already; " +
                    (is_ours ? "give another name, or --force to replace it"
                             : "it holds something else (no " + mark + "), so give another name"));
}

ImportReport import_model(const Registry& registry, const fs::path& source, const fs::path& target, bool force,
                          Progress& progress) {
  const fs::path folder = check_target(target, force, "temper.json");
  const Opened opened = open_source(registry, source);
  const FoundArchitecture found = find_architecture(registry, opened.config_json, opened.config_name);
  const Tokenizer& tokenizer = *opened.tokenizer.tokenizer;
  if (tokenizer.vocab_size() > found.vocab_size) {
    throw DataError("the tokenizer has " + std::to_string(tokenizer.vocab_size()) + " tokens but the model only " +
                    std::to_string(found.vocab_size) + " (vocab_size); are the files of one model?");
  }
  const auto model = registry.make<Architecture>(found.id, found.values, {found.vocab_size, 0});
  fill_model(*model, *opened.weights, progress);
  CheckpointManifest manifest;
  manifest.architecture = found.id;
  manifest.architecture_values = found.values;
  manifest.tokenizer = opened.tokenizer.id;
  manifest.tokenizer_values = opened.tokenizer.values;
  manifest.tokenizer_file = tokenizer.model_file_name();
  manifest.prompt_template = tokenizer.prompt_template();
  manifest.stage = "import";
  manifest.status = "complete";
  manifest.vocab_size = found.vocab_size;
  create_folders(folder.parent_path());
  save_checkpoint(folder, manifest, *model, tokenizer.model_bytes(), nullptr);
  ImportReport report{found.id,         opened.tokenizer.id,    manifest.prompt_template, 0,
                      found.vocab_size, tokenizer.vocab_size(), opened.tokenizer.notes};
  for (const auto& parameter : model->parameters()) report.parameters += parameter.tensor.numel();
  return report;
}

}  // namespace temper
