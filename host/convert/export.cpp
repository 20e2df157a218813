// Export to Hugging Face's layout (see export.h).
#include "host/convert/export.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <charconv>
#include <map>
#include <nlohmann/json.hpp>

#include "host/convert/import.h"
#include "host/convert/json_file.h"
#include "host/train/safetensors.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;
using Sources = std::map<std::string, TensorSource>;

const char* type_word(at::ScalarType type) {
  if (type == at::kBFloat16) return "bfloat16";
  return type == at::kHalf ? "float16" : "float32";
}

/// The values in the wanted type. Too large a value would silently become infinite in float16.
at::Tensor converted(const at::Tensor& value, at::ScalarType type, const std::string& name) {
  const at::Tensor result = value.to(type);
  if (type == at::kHalf && at::isinf(result).any().item<bool>() && !at::isinf(value).any().item<bool>()) {
    throw DataError("tensor '" + name + "' has values above 65504, which float16 cannot hold; use --dtype bfloat16");
  }
  return result;
}

Sources sources_of(Architecture& model, at::ScalarType type, Progress& progress) {
  std::map<std::string, at::Tensor> parameters;
  for (auto& parameter : model.parameters()) parameters[parameter.name] = parameter.tensor.detach();
  const auto names = model.weight_names();
  progress.begin("exporting tensors", static_cast<std::int64_t>(names.size()));
  auto done = std::make_shared<std::int64_t>(0);
  Sources sources;
  for (const auto& name : names) {
    const auto found = parameters.find(name.name);
    if (found == parameters.end()) throw PluginError("weight_names() has '" + name.name + "', which is no parameter");
    at::Tensor value = found->second;
    if (name.num_rows > 0) value = value.narrow(0, name.first_row, name.num_rows);
    if (name.transposed && value.dim() == 2) value = value.t();
    const auto make = [value, type, &progress, done, label = name.hugging_face_name] {
      if (cancel_requested()) throw Cancelled("export stopped; nothing was written");
      progress.update(++*done, label);
      return converted(value, type, label);
    };
    if (!sources.emplace(name.hugging_face_name, TensorSource{type, value.sizes().vec(), make}).second) {
      throw PluginError("weight_names() has '" + name.hugging_face_name + "' twice");
    }
  }
  return sources;
}

/// Tensors in order of their names, a new shard whenever the next one would not fit.
std::vector<Sources> shards_of(const Sources& sources, std::uint64_t limit) {
  std::vector<Sources> shards(1);
  std::uint64_t size = 0;
  for (const auto& [name, source] : sources) {
    if (size > 0 && size + source.bytes() > limit) {
      shards.emplace_back();
      size = 0;
    }
    size += source.bytes();
    shards.back()[name] = source;
  }
  return shards;
}

std::string shard_name(std::size_t number, std::size_t count) {
  char name[64];
  std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", number + 1, count);
  return name;
}

void write_weights(const fs::path& folder, const Sources& sources, std::uint64_t limit) {
  const std::map<std::string, std::string> metadata = {{"format", "pt"}};
  const auto shards = shards_of(sources, limit);
  if (shards.size() == 1) {
    write_safetensors(folder / "model.safetensors", sources, metadata);
    return;
  }
  std::map<std::string, std::string> places;
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < shards.size(); ++i) {
    const std::string name = shard_name(i, shards.size());
    write_safetensors(folder / name, shards[i], metadata);
    for (const auto& [tensor, source] : shards[i]) {
      places[tensor] = name;
      total += source.bytes();
    }
  }
  const Json index = {{"metadata", {{"total_size", total}}}, {"weight_map", places}};
  write_file_atomically(folder / "model.safetensors.index.json", index.dump(2) + "\n");
}

/// The architecture's own configuration with what only the tokenizer and the caller know.
Json config_of(const Architecture& model, const Tokenizer& tokenizer, at::ScalarType type) {
  const std::string text = model.hugging_face_config();
  if (text.empty()) throw ConfigError("this architecture has no Hugging Face form, so it cannot be exported");
  Json config = parse_json_text(text, "hugging_face_config()");
  config["dtype"] = type_word(type);
  const auto ends = tokenizer.eos_ids();
  config["eos_token_id"] = ends.at(0);
  config["pad_token_id"] = tokenizer.pad_id() >= 0 ? Json(tokenizer.pad_id()) : Json(nullptr);
  const bool encoder_decoder = model.traits().encoder_decoder;
  config["bos_token_id"] = !encoder_decoder && tokenizer.bos_id() >= 0 ? Json(tokenizer.bos_id()) : Json(nullptr);
  return config;
}

Json generation_config_of(const Json& config, const Tokenizer& tokenizer) {
  Json generation = Json::object();
  for (const char* key : {"bos_token_id", "pad_token_id", "decoder_start_token_id"}) {
    if (config.contains(key) && !config[key].is_null()) generation[key] = config[key];
  }
  const auto ends = tokenizer.eos_ids();
  if (ends.size() == 1) {
    generation["eos_token_id"] = ends[0];
  } else {
    generation["eos_token_id"] = ends;
  }
  return generation;
}

}  // namespace

std::vector<std::string> export_model(Architecture& model, const Tokenizer& tokenizer, const fs::path& target,
                                      const ExportOptions& options, Progress& progress) {
  const fs::path folder = check_target(target, options.force, "config.json");
  const Json config = config_of(model, tokenizer, options.type);
  const auto tokenizer_files = tokenizer.hugging_face_files();
  if (tokenizer_files.empty()) throw ConfigError("this tokenizer has no Hugging Face form, so the model cannot be exported");
  create_folders(folder.parent_path());
  const fs::path staging = folder.string() + ".staging" + std::to_string(getpid());
  fs::remove_all(staging);
  create_folders(staging);
  std::vector<std::string> names;
  try {
    write_file_atomically(staging / "config.json", config.dump(2) + "\n");
    write_file_atomically(staging / "generation_config.json", generation_config_of(config, tokenizer).dump(2) + "\n");
    for (const auto& [name, bytes] : tokenizer_files) {
      if (fs::path(name).has_parent_path()) throw PluginError("hugging_face_files() has the path '" + name + "'");
      write_file_atomically(staging / name, bytes);
    }
    write_weights(staging, sources_of(model, options.type, progress), options.shard_size);
    progress.end();
    for (const auto& entry : fs::directory_iterator(staging)) names.push_back(entry.path().filename());
    publish_folder(staging, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(staging, ignored);
    throw;
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::uint64_t parse_size(const std::string& text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const std::string unit(end, text.data() + text.size());
  std::uint64_t scale = 0;
  for (const auto& [name, bytes] :
       std::map<std::string, std::uint64_t>{{"", 1}, {"kB", 1000}, {"KB", 1000}, {"MB", 1'000'000}, {"GB", 1'000'000'000}}) {
    if (unit == name) scale = bytes;
  }
  if (error != std::errc() || scale == 0 || value == 0 || value > (std::uint64_t{1} << 60) / scale) {
    throw ConfigError("shard size '" + text + "' is not understood; write it like 5GB, 200MB or 300kB");
  }
  return value * scale;
}

}  // namespace temper
