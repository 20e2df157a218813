// The byte tokenizer and the lookup model (see fakes.h).
#include "fakes.h"

#include <ATen/CPUGeneratorImpl.h>

namespace temper::conformance {

std::vector<std::int32_t> ByteTokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

std::string ByteTokenizer::decode(const std::vector<std::int32_t>& ids) const {
  std::string text;
  for (const auto id : ids) {
    if (id < 256) text += static_cast<char>(id);
  }
  return text;
}

std::string ByteTokenizer::piece(std::int32_t id) const {
  return id < 256 ? std::string(1, static_cast<char>(id)) : "<" + std::to_string(id) + ">";
}

std::vector<std::int32_t> ByteTokenizer::sentinel_ids() const {
  std::vector<std::int32_t> ids;
  for (std::int32_t id = kVocabulary - 1; id > kPad; --id) ids.push_back(id);
  return ids;
}

LookupModel::LookupModel(bool encoder_decoder, std::uint64_t seed) : encoder_decoder_(encoder_decoder) {
  auto generator = at::detail::createCPUGenerator(seed);
  const auto matrix = [&] {
    return at::normal(0.0, 0.5, {kVocabulary, kWidth}, generator, at::TensorOptions().dtype(at::kFloat)).requires_grad_();
  };
  embedding_VD = matrix();
  head_VD = matrix();
}

at::Tensor LookupModel::hidden(const ModelInput& input) {
  at::Tensor hidden_BTD = at::embedding(embedding_VD, input.ids_BT);
  if (input.source_ids_BS.defined()) {
    // The mean over real positions: padding must not change what a row gives.
    at::Tensor real_BS = at::ones_like(input.source_ids_BS);
    if (input.source_segments_BS.defined()) real_BS = input.source_segments_BS != kPaddingSegment;
    const at::Tensor real_BS1 = real_BS.unsqueeze(-1).to(at::kFloat);
    const at::Tensor source_BSD = at::embedding(embedding_VD, input.source_ids_BS) * real_BS1;
    hidden_BTD = hidden_BTD + source_BSD.sum(1, true) / real_BS1.sum(1, true);
  }
  last_hidden_BTD = hidden_BTD;
  if (hidden_BTD.requires_grad()) last_hidden_BTD.retain_grad();
  return hidden_BTD;
}

}  // namespace temper::conformance
