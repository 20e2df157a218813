// Where an import takes its weights from: tensors under their Hugging Face names, whatever the files look like. Implemented
// for safetensors folders (hf_folder.h) and GGUF (gguf_model.h); read by fill.cpp.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace temper {

class WeightSource {
 public:
  virtual ~WeightSource() = default;
  virtual std::map<std::string, std::vector<std::int64_t>> shapes() const = 0;
  /// Of any number type. The name has to be one of shapes().
  virtual at::Tensor read(const std::string& name) const = 0;
  virtual std::string where() const = 0;  ///< for messages
};

}  // namespace temper
