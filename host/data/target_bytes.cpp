// The table and the sum over a batch (see target_bytes.h).
#include "host/data/target_bytes.h"

#include <ATen/ATen.h>

#include <string>

namespace temper {

TokenBytes token_bytes(const Tokenizer& tokenizer) {
  auto bytes = std::make_shared<std::vector<std::int64_t>>();
  const auto size = static_cast<std::int32_t>(tokenizer.vocab_size());
  for (std::int32_t id = 0; id < size; ++id) bytes->push_back(tokenizer.byte_length(id));
  return bytes;
}

void count_target_bytes(Batch& batch, const TokenBytes& bytes) {
  if (!bytes) return;
  const auto* labels = batch.labels_BT.const_data_ptr<std::int64_t>();
  const auto size = static_cast<std::int64_t>(bytes->size());
  batch.target_bytes = 0;
  for (std::int64_t i = 0; i < batch.labels_BT.numel(); ++i) {
    if (labels[i] == kIgnoreLabel) continue;
    if (labels[i] < 0 || labels[i] >= size) {
      throw PluginError("a batch has the label " + std::to_string(labels[i]) + ", but the vocabulary has " +
                        std::to_string(size) + " tokens");
    }
    batch.target_bytes += (*bytes)[static_cast<std::size_t>(labels[i])];
  }
}

}  // namespace temper
