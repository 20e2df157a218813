// Checkpoint folders (see checkpoint.h).
#include "host/train/checkpoint.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>

#include "host/train/safetensors.h"
#include "host/util/files.h"
#include "host/util/json_seal.h"
#include "temper/hash.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr int kFormatVersion = 1;
constexpr const char* kWeights = "model.safetensors";
constexpr const char* kState = "state.safetensors";
constexpr const char* kExtras = "extras.safetensors";
constexpr const char* kManifest = "temper.json";

Json to_json(const ParamValues& values) {
  Json json = Json::object();
  for (const auto& [name, resolved] : values.all()) {
    std::visit([&, key = name](const auto& value) { json[key] = value; }, resolved.value);
  }
  return json;
}

ParamValues values_from(const Json& json) {
  ParamValues values;
  for (const auto& [name, value] : json.items()) {
    ParamValue parsed;
    if (value.is_boolean())
      parsed = value.get<bool>();
    else if (value.is_number_integer())
      parsed = value.get<std::int64_t>();
    else if (value.is_number())
      parsed = value.get<double>();
    else if (value.is_array())
      parsed = value.get<std::vector<std::string>>();
    else
      parsed = value.get<std::string>();
    values.set(name, {parsed, ValueSource::kFile, ""});
  }
  return values;
}

void write_dict(const fs::path& path, const StateDict& dict) {
  TensorFile file;
  file.tensors = dict.tensors;
  file.metadata = dict.texts;
  write_safetensors(path, file);
}

void check_sha(const fs::path& path, const std::string& expected) {
  const std::string sha = sha256_file(path);
  if (sha == expected) return;
  throw DataError("checkpoint file '" + path.string() + "' is damaged: its sha256 is " + sha.substr(0, 12) +
                  "..., temper.json says " + expected.substr(0, 12) + "...");
}

}  // namespace

std::string save_checkpoint(const fs::path& folder, CheckpointManifest manifest, Architecture& model,
                            const std::string& tokenizer_bytes, const StateDict* state, const StateDict* extras) {
  const fs::path staging = folder.string() + ".staging" + std::to_string(getpid());
  fs::remove_all(staging);
  create_folders(staging);
  try {
    TensorFile weights;
    for (const auto& parameter : model.parameters()) weights.tensors[parameter.name] = parameter.tensor;
    weights.metadata["format"] = "pt";
    write_safetensors(staging / kWeights, weights);
    manifest.weights_sha256 = sha256_file(staging / kWeights);
    if (state != nullptr) {
      write_dict(staging / kState, *state);
      manifest.state_sha256 = sha256_file(staging / kState);
    }
    if (extras != nullptr && !(extras->tensors.empty() && extras->texts.empty())) {
      write_dict(staging / kExtras, *extras);
      manifest.extras_sha256 = sha256_file(staging / kExtras);
    }
    if (!manifest.tokenizer_file.empty()) write_file_atomically(staging / manifest.tokenizer_file, tokenizer_bytes);
    Json json = {{"format_version", kFormatVersion},
                 {"experiment", manifest.experiment},
                 {"run_id", manifest.run_id},
                 {"stage", manifest.stage},
                 {"status", manifest.status},
                 {"step", manifest.step},
                 {"tokens", manifest.tokens},
                 {"seconds", manifest.seconds},
                 {"flops", manifest.flops},
                 {"architecture", manifest.architecture},
                 {"architecture_params", to_json(manifest.architecture_values)},
                 {"vocab_size", manifest.vocab_size},
                 {"tokenizer", manifest.tokenizer},
                 {"tokenizer_params", to_json(manifest.tokenizer_values)},
                 {"tokenizer_file", manifest.tokenizer_file},
                 {"tokenizer_sha256", sha256_hex(tokenizer_bytes)},
                 {"prompt_template", manifest.prompt_template},
                 {"weights_sha256", manifest.weights_sha256},
                 {"extras_sha256", manifest.extras_sha256},
                 {"state_sha256", manifest.state_sha256}};
    seal_json(json);
    write_file_atomically(staging / kManifest, json.dump(2) + "\n");
    publish_folder(staging, folder);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(staging, ignored);
    throw;
  }
  return manifest.weights_sha256;
}

CheckpointManifest read_manifest(const fs::path& folder) {
  const fs::path path = folder / kManifest;
  if (!fs::exists(path)) {
    throw DataError("'" + folder.string() + "' is no temper checkpoint: it has no " + kManifest);
  }
  CheckpointManifest manifest;
  try {
    const Json json = Json::parse(read_text_file(path));
    if (json.at("format_version") != kFormatVersion) {
      throw DataError("checkpoint '" + folder.string() + "' has format version " + json.at("format_version").dump() +
                      ", this program reads version " + std::to_string(kFormatVersion));
    }
    manifest.experiment = json.at("experiment");
    manifest.run_id = json.at("run_id");
    manifest.stage = json.at("stage");
    manifest.status = json.at("status");
    manifest.step = json.at("step");
    manifest.tokens = json.at("tokens");
    manifest.seconds = json.at("seconds");
    manifest.flops = json.at("flops");
    manifest.architecture = json.at("architecture");
    manifest.architecture_values = values_from(json.at("architecture_params"));
    manifest.vocab_size = json.at("vocab_size");
    manifest.tokenizer = json.at("tokenizer");
    manifest.tokenizer_values = values_from(json.at("tokenizer_params"));
    manifest.tokenizer_file = json.at("tokenizer_file");
    manifest.prompt_template = json.at("prompt_template");
    manifest.weights_sha256 = json.at("weights_sha256");
    manifest.extras_sha256 = json.value("extras_sha256", "");
    manifest.state_sha256 = json.value("state_sha256", "");
    if (fs::path(manifest.tokenizer_file).has_parent_path()) throw DataError("tokenizer_file must be a plain file name");
  } catch (const Json::exception& error) {
    throw DataError("checkpoint file '" + path.string() + "' is damaged: " + error.what());
  }
  return manifest;
}

ParamValues stored_values(const fs::path& folder, const std::string& plugin, const ParamValues& stored,
                          const std::vector<ParamSpec>& specs) {
  for (const auto& spec : specs) {
    if (spec.required && !stored.has(spec.name)) {
      throw DataError("checkpoint '" + folder.string() + "' has no value of " + spec.name + ", which " + plugin +
                      " needs; use the version of the plugin that made it");
    }
  }
  ParamValues values = default_values(specs);
  for (const auto& [name, value] : stored.all()) {
    if (!values.has(name)) {
      throw DataError("checkpoint '" + folder.string() + "' was made with " + name + " = " + to_text(value.value) + " of " +
                      plugin + ", which has no such parameter; use the version of the plugin that made it");
    }
    values.set(name, value);
  }
  return values;
}

std::string read_tokenizer_bytes(const fs::path& folder, const CheckpointManifest& manifest) {
  return manifest.tokenizer_file.empty() ? "" : read_text_file(folder / manifest.tokenizer_file);
}

void load_weights(const fs::path& folder, const CheckpointManifest& manifest, Architecture& model) {
  const fs::path path = folder / kWeights;
  check_sha(path, manifest.weights_sha256);
  TensorFile file = read_safetensors(path);
  const at::NoGradGuard guard;
  for (auto& parameter : model.parameters()) {
    const auto found = file.tensors.find(parameter.name);
    if (found == file.tensors.end()) {
      throw DataError("checkpoint '" + folder.string() + "' has no tensor '" + parameter.name + "'");
    }
    if (found->second.sizes() != parameter.tensor.sizes()) {
      throw DataError("tensor '" + parameter.name + "' of checkpoint '" + folder.string() +
                      "' has another shape than the model it is loaded into");
    }
    parameter.tensor.copy_(found->second);
    file.tensors.erase(found);
  }
  if (!file.tensors.empty()) {
    throw DataError("checkpoint '" + folder.string() + "' has a tensor the model does not know: '" +
                    file.tensors.begin()->first + "'");
  }
}

StateDict read_state(const fs::path& folder, const CheckpointManifest& manifest) {
  // Checkpoints of older versions have no hash of it.
  if (!manifest.state_sha256.empty()) check_sha(folder / kState, manifest.state_sha256);
  TensorFile file = read_safetensors(folder / kState);
  return {std::move(file.tensors), std::move(file.metadata)};
}

StateDict read_extras(const fs::path& folder, const CheckpointManifest& manifest) {
  if (manifest.extras_sha256.empty()) return {};
  check_sha(folder / kExtras, manifest.extras_sha256);
  TensorFile file = read_safetensors(folder / kExtras);
  return {std::move(file.tensors), std::move(file.metadata)};
}

std::string checkpoint_fault(const fs::path& folder) {
  try {
    const CheckpointManifest manifest = read_manifest(folder);
    const Json json = Json::parse(read_text_file(folder / kManifest));
    if (const std::string fault = fault_of_json(json); !fault.empty()) return std::string(kManifest) + ": " + fault;
    check_sha(folder / kWeights, manifest.weights_sha256);
    if (!manifest.extras_sha256.empty()) check_sha(folder / kExtras, manifest.extras_sha256);
    if (!manifest.state_sha256.empty()) check_sha(folder / kState, manifest.state_sha256);
    const std::string tokenizer_sha = json.value("tokenizer_sha256", "");
    if (!manifest.tokenizer_file.empty() && !tokenizer_sha.empty()) {
      check_sha(folder / manifest.tokenizer_file, tokenizer_sha);
    }
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

fs::path resumable_name(const fs::path& folder, std::int64_t step) {
  std::string digits = std::to_string(step);
  digits.insert(0, digits.size() < 9 ? 9 - digits.size() : 0, '0');
  return folder / ("step-" + digits);
}

std::vector<fs::path> resumable_checkpoints(const fs::path& folder) {
  std::vector<fs::path> found;
  if (!fs::is_directory(folder)) return found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename();
    const bool plain = name.rfind("step-", 0) == 0 && name.find_first_not_of("0123456789", 5) == std::string::npos;
    if (plain && fs::exists(entry.path() / kState)) found.push_back(entry.path());
  }
  std::sort(found.rbegin(), found.rend());
  return found;
}

}  // namespace temper
