// What a llama-family GGUF file says about its model, in Hugging Face's terms: a config.json, and the weights under
// LlamaForCausalLM's or Qwen2ForCausalLM's names. ggml keeps the rotary pairs of `llama` models side by side, so their q and
// k rows are put back (P-MODEL-01, P-MODEL-02); those of `qwen2` already are as they should be.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "host/convert/gguf.h"
#include "host/convert/weight_source.h"

namespace temper {

class GgufWeights final : public WeightSource {
 public:
  /// Throws DataError: another architecture, settings or tensors that a config.json cannot express. `file` has to outlive
  /// this.
  explicit GgufWeights(const GgufFile& file);

  std::string config_json() const { return config_json_; }
  std::map<std::string, std::vector<std::int64_t>> shapes() const override;
  at::Tensor read(const std::string& name) const override;
  std::string where() const override { return file_.path().string(); }

 private:
  std::int64_t needed(const std::string& key) const;
  std::int64_t head_count(const std::string& key, std::int64_t fallback) const;
  void make_config();

  const GgufFile& file_;
  std::string architecture_, config_json_;
  std::int64_t heads_ = 0, key_heads_ = 0;
  std::map<std::string, std::string> tensor_of_;  ///< Hugging Face name, GGUF name
};

/// Rows that ggml orders as (pair, half) within a head, back to (half, pair).
at::Tensor unpermute_rows(const at::Tensor& rows, std::int64_t heads);
/// Hugging Face's name of a GGUF tensor, or "" if there is none.
std::string hugging_face_name(const std::string& gguf_name);

}  // namespace temper
