// The model's side of generation: sequences in numbered places, one call to begin some and one to add a token to each.
// With the model's own cache where it has one, by full forward passes where not; for decoder-only and encoder-decoder
// models alike. The generator decides what to run; nothing here knows about sampling.
// Shapes: B rows, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "temper/architecture.h"
#include "temper/tokenizer.h"

namespace temper {

/// One sequence to begin: what the decoder (or the encoder) reads before the first new token.
struct Begin {
  std::int64_t place = 0;
  const std::vector<std::int32_t>* prompt = nullptr;
};

class DecodeEngine {
 public:
  struct Size {
    std::int64_t places = 1;
    std::int64_t longest_prompt = 1, most_new = 1;
  };
  DecodeEngine(Architecture& model, const Tokenizer& tokenizer, WeightFormat format, Size size);

  /// Logits [B, V] of each sequence's next token. float32, on the CPU, V cut to the tokenizer's vocabulary (P-GEN-07).
  at::Tensor begin(const std::vector<Begin>& begins);
  at::Tensor advance(const std::vector<std::int64_t>& places, const std::vector<std::int64_t>& ids);
  void copy_place(std::int64_t from, std::int64_t to);

 private:
  /// What the model has read of one sequence.
  struct Sequence {
    std::vector<std::int32_t> source, ids;
    std::int64_t prefix = 0;
  };
  Sequence sequence_of(const std::vector<std::int32_t>& prompt) const;
  ModelInput input_of(const std::vector<const Sequence*>& sequences, at::Tensor* lengths_B = nullptr) const;
  at::Tensor logits(const at::Tensor& hidden_BD) const;
  at::Tensor full_pass(const std::vector<std::int64_t>& places) const;

  Architecture& model_;
  const Tokenizer& tokenizer_;
  IncrementalDecoder* decoder_;
  bool encoder_decoder_, prefix_attention_;
  std::int64_t pad_;
  c10::Device device_;
  InferenceLinear head_;
  std::unique_ptr<DecodeState> state_;
  std::vector<Sequence> grown_;  ///< by place, without a cache
};

}  // namespace temper
