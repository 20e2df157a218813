// Weights of a Hugging Face folder: model.safetensors, or the shards that model.safetensors.index.json lists. Never pickle.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "host/convert/weight_source.h"
#include "host/train/safetensors.h"

namespace temper {

class FolderWeights final : public WeightSource {
 public:
  /// Opens and checks every file. Throws DataError: no safetensors (and says what is there instead), a shard that is
  /// missing, a tensor that is not where the index says.
  explicit FolderWeights(const std::filesystem::path& folder);

  std::map<std::string, std::vector<std::int64_t>> shapes() const override;
  at::Tensor read(const std::string& name) const override;
  std::string where() const override { return folder_.string(); }

 private:
  void open_shards(const std::filesystem::path& index);

  std::filesystem::path folder_;
  std::vector<SafetensorsFile> files_;
  std::map<std::string, std::size_t> file_of_;
};

}  // namespace temper
