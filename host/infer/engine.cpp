// Prefill, steps and their fallback without a cache (see engine.h).
// Shapes: B rows, T decoder positions, S encoder positions, D width, V vocabulary.
#include "host/infer/engine.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "temper/cache.h"

namespace temper {
namespace {

/// Rows side by side, padded on the right; `segments` stays undefined if no row needs padding.
struct Padded {
  at::Tensor ids, segments, positions, lengths_B;
};

Padded pad_right(const std::vector<const std::vector<std::int32_t>*>& rows, std::int64_t pad_id) {
  std::size_t longest = 1, shortest = rows.front()->size();
  for (const auto* row : rows) {
    longest = std::max(longest, row->size());
    shortest = std::min(shortest, row->size());
  }
  const auto count = static_cast<std::int64_t>(rows.size()), width = static_cast<std::int64_t>(longest);
  Padded padded;
  padded.ids = at::full({count, width}, pad_id, at::kLong);
  padded.positions = at::arange(width, at::kLong).unsqueeze(0).expand({count, width});
  padded.segments = at::full({count, width}, kPaddingSegment, at::kLong);
  padded.lengths_B = at::empty({count}, at::kLong);
  for (std::size_t b = 0; b < rows.size(); ++b) {
    std::copy(rows[b]->begin(), rows[b]->end(), padded.ids.data_ptr<std::int64_t>() + b * longest);
    std::fill_n(padded.segments.data_ptr<std::int64_t>() + b * longest, rows[b]->size(), 0);
    padded.lengths_B.data_ptr<std::int64_t>()[b] = static_cast<std::int64_t>(rows[b]->size());
  }
  if (shortest == longest) padded.segments = at::Tensor();
  return padded;
}

}  // namespace

DecodeEngine::DecodeEngine(Architecture& model, const Tokenizer& tokenizer, WeightFormat format, Size size)
    : model_(model),
      tokenizer_(tokenizer),
      decoder_(dynamic_cast<IncrementalDecoder*>(&model)),
      encoder_decoder_(model.traits().encoder_decoder),
      prefix_attention_(model.traits().prefix_attention),
      pad_(tokenizer.pad_id()),
      device_(model.device()) {
  if (decoder_ == nullptr) {
    if (format != WeightFormat::kFloat32) {
      throw ConfigError("weights int8 needs an architecture that decodes with a cache; this one does not, use float32");
    }
    grown_.resize(static_cast<std::size_t>(size.places));
    head_ = InferenceLinear(model.head(), {}, format);
    return;
  }
  decoder_->prepare_decoding(format);
  head_ = InferenceLinear(model.head(), {}, format);
  const std::int64_t prompt = encoder_decoder_ ? 1 : size.longest_prompt;
  state_ = decoder_->make_state(size.places, prompt + size.most_new, encoder_decoder_ ? size.longest_prompt : 0);
}

at::Tensor DecodeEngine::logits(const at::Tensor& hidden_BD) const {
  at::Tensor logits_BV = head_(hidden_BD).to(at::kCPU, at::kFloat);
  const std::int64_t vocab = tokenizer_.vocab_size();
  if (logits_BV.size(1) > vocab) logits_BV = logits_BV.narrow(1, 0, vocab);
  return logits_BV.contiguous();
}

DecodeEngine::Sequence DecodeEngine::sequence_of(const std::vector<std::int32_t>& prompt) const {
  // The decoder of an encoder-decoder starts with the padding id, as T5's does.
  if (encoder_decoder_) return {prompt, {static_cast<std::int32_t>(pad_)}, 1};
  return {{}, prompt, static_cast<std::int64_t>(prompt.size())};
}

ModelInput DecodeEngine::input_of(const std::vector<const Sequence*>& sequences, at::Tensor* lengths_B) const {
  std::vector<const std::vector<std::int32_t>*> rows, sources;
  for (const auto* sequence : sequences) {
    rows.push_back(&sequence->ids);
    sources.push_back(&sequence->source);
  }
  const Padded padded = pad_right(rows, pad_);
  ModelInput input;
  input.ids_BT = padded.ids;
  input.positions_BT = padded.positions;
  input.segments_BT = padded.segments;
  if (lengths_B != nullptr) *lengths_B = padded.lengths_B;
  if (prefix_attention_) {
    input.prefix_BT = at::zeros_like(padded.ids);
    for (std::size_t b = 0; b < sequences.size(); ++b) {
      input.prefix_BT[static_cast<std::int64_t>(b)].narrow(0, 0, sequences[b]->prefix).fill_(1);
    }
  }
  if (encoder_decoder_) {
    const Padded source = pad_right(sources, pad_);
    input.source_ids_BS = source.ids;
    input.source_segments_BS = source.segments.defined() ? source.segments : at::zeros_like(source.ids);
    if (!input.segments_BT.defined()) input.segments_BT = at::zeros_like(input.ids_BT);
  }
  return input;
}

at::Tensor DecodeEngine::begin(const std::vector<Begin>& begins) {
  const at::NoGradGuard guard;
  std::vector<std::int64_t> places;
  std::vector<Sequence> sequences;
  for (const auto& begin : begins) {
    places.push_back(begin.place);
    sequences.push_back(sequence_of(*begin.prompt));
  }
  if (decoder_ != nullptr) {
    std::vector<const Sequence*> rows;
    for (const auto& sequence : sequences) rows.push_back(&sequence);
    return logits(decoder_->prefill(*state_, places, to_device(input_of(rows), device_)));
  }
  for (std::size_t b = 0; b < places.size(); ++b) grown_[static_cast<std::size_t>(places[b])] = std::move(sequences[b]);
  return full_pass(places);
}

at::Tensor DecodeEngine::full_pass(const std::vector<std::int64_t>& places) const {
  std::vector<const Sequence*> rows;
  for (const auto place : places) rows.push_back(&grown_[static_cast<std::size_t>(place)]);
  at::Tensor lengths_B;
  const ModelInput input = input_of(rows, &lengths_B);
  return logits(last_positions(model_.hidden(to_device(input, device_)), lengths_B.to(device_)));
}

at::Tensor DecodeEngine::advance(const std::vector<std::int64_t>& places, const std::vector<std::int64_t>& ids) {
  const at::NoGradGuard guard;
  if (decoder_ != nullptr) return logits(decoder_->step(*state_, places, at::tensor(ids, at::kLong).to(device_)));
  for (std::size_t b = 0; b < places.size(); ++b) {
    grown_[static_cast<std::size_t>(places[b])].ids.push_back(static_cast<std::int32_t>(ids[b]));
  }
  return full_pass(places);
}

void DecodeEngine::copy_place(std::int64_t from, std::int64_t to) {
  if (decoder_ != nullptr) {
    state_->copy_place(from, to);
  } else {
    grown_[static_cast<std::size_t>(to)] = grown_[static_cast<std::size_t>(from)];
  }
}

}  // namespace temper
