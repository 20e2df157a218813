// Safetensors folders, single or sharded (see hf_folder.h).
#include "host/convert/hf_folder.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "host/convert/json_file.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr const char* kSingle = "model.safetensors";
constexpr const char* kIndex = "model.safetensors.index.json";

[[noreturn]] void no_safetensors(const fs::path& folder) {
  std::string pickled;
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string end = entry.path().extension();
    if (end == ".bin" || end == ".pt" || end == ".pth" || end == ".ckpt") pickled = entry.path().filename();
  }
  if (pickled.empty()) {
    throw DataError("'" + folder.string() + "' has neither " + kSingle + " nor " + kIndex +
                    "; give a folder with one of them");
  }
  throw DataError("'" + folder.string() + "' has its weights only as pickle ('" + pickled +
                  "'), which may run any code when read, so temper never does; convert them to safetensors first");
}

}  // namespace

FolderWeights::FolderWeights(const fs::path& folder) : folder_(folder) {
  if (fs::exists(folder / kSingle)) {
    files_.emplace_back(folder / kSingle);
    for (const auto& [name, entry] : files_[0].entries()) file_of_[name] = 0;
  } else if (fs::exists(folder / kIndex)) {
    open_shards(folder / kIndex);
  } else {
    no_safetensors(folder);
  }
}

void FolderWeights::open_shards(const fs::path& index) {
  const auto json = read_json_file(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw DataError("'" + index.string() + "' has no object weight_map");
  }
  std::map<std::string, std::size_t> shard_of;
  for (const auto& [name, value] : json["weight_map"].items()) {
    const std::string shard = value.is_string() ? value.get<std::string>() : "";
    if (shard.empty() || fs::path(shard).has_parent_path() || fs::path(shard).extension() != ".safetensors") {
      throw DataError("'" + index.string() + "' places tensor '" + name + "' in " +
                      value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace) +
                      ", which is no name of a safetensors file beside it");
    }
    const auto [place, is_new] = shard_of.try_emplace(shard, files_.size());
    if (is_new) {
      if (!fs::exists(folder_ / shard)) {
        throw DataError("shard '" + shard + "' of '" + index.string() + "' is missing; fetch it again");
      }
      files_.emplace_back(folder_ / shard);
    }
    if (!files_[place->second].entries().contains(name)) {
      throw DataError("shard '" + shard + "' has no tensor '" + name + "', though '" + index.string() + "' says so");
    }
    file_of_[name] = place->second;
  }
  for (const auto& [shard, number] : shard_of) {
    for (const auto& [name, entry] : files_[number].entries()) {
      const auto found = file_of_.find(name);
      if (found != file_of_.end() && found->second == number) continue;
      throw DataError("shard '" + shard + "' has the tensor '" + name + "', which '" + index.string() +
                      "' does not place there; are the files of one model?");
    }
  }
}

std::map<std::string, std::vector<std::int64_t>> FolderWeights::shapes() const {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, number] : file_of_) shapes[name] = files_[number].entries().at(name).shape;
  return shapes;
}

at::Tensor FolderWeights::read(const std::string& name) const { return files_[file_of_.at(name)].read(name); }

}  // namespace temper
