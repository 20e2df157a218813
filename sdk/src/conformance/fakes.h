// The smallest real tokenizer and model, for checks of plugins that need one: a byte tokenizer and a model whose hidden
// state is a lookup of the current token (plus the mean of the source). Both do what their interfaces promise.
#pragma once

#include <ATen/ATen.h>

#include "checks.h"
#include "temper/architecture.h"
#include "temper/tokenizer.h"

namespace temper::conformance {

class ByteTokenizer final : public Tokenizer {
 public:
  static constexpr std::int32_t kBos = 256, kEos = 257, kPad = 258;
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return {}; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return {}; }
  std::string model_file_name() const override { return "bytes"; }
  std::vector<std::int32_t> encode(std::string_view text) const override;
  std::string decode(const std::vector<std::int32_t>& ids) const override;
  std::string piece(std::int32_t id) const override;
  std::int64_t vocab_size() const override { return kVocabulary; }
  std::int32_t bos_id() const override { return kBos; }
  std::int32_t pad_id() const override { return kPad; }
  std::vector<std::int32_t> eos_ids() const override { return {kEos}; }
  std::vector<std::int32_t> sentinel_ids() const override;  ///< all that is left of the vocabulary, the first one highest
};

class LookupModel final : public Architecture {
 public:
  LookupModel(bool encoder_decoder, std::uint64_t seed);
  ArchitectureTraits traits() const override { return {encoder_decoder_, kVocabulary, kWidth, 0, !encoder_decoder_}; }
  at::Tensor hidden(const ModelInput& input) override;
  at::Tensor head() override { return head_VD; }
  std::vector<NamedParameter> parameters() override { return {{"embedding", embedding_VD, true}, {"head", head_VD, true}}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool on) override { training_ = on; }
  bool is_training() const override { return training_; }
  double train_flops_per_token(std::int64_t) const override { return 6.0 * kWidth * kVocabulary; }

  static constexpr std::int64_t kWidth = 16;
  at::Tensor embedding_VD, head_VD;
  at::Tensor last_hidden_BTD;  ///< of the latest call, with its gradient kept

 private:
  bool encoder_decoder_, training_ = false;
};

}  // namespace temper::conformance
