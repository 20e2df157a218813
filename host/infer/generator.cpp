// Batched generation (see generator.h).
// Shapes: B rows still running, T prompt columns, D width, V vocabulary.
#include "host/infer/generator.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <numeric>

#include "host/infer/sampling.h"

namespace temper {

struct BatchGenerator::Row {
  std::size_t request = 0;
  std::vector<std::int32_t> prompt;
  std::int64_t room = 0;  ///< how many tokens may still be sampled
  Rng rng{0};
  Completion completion;
  bool done = false;
};

namespace {

/// Prompts (and what was sampled so far) side by side, padded on the left.
ModelInput left_padded(const std::vector<const std::vector<std::int32_t>*>& rows, std::int64_t pad_id, bool& ragged) {
  std::size_t length = 0;
  for (const auto* row : rows) length = std::max(length, row->size());
  const auto count = static_cast<std::int64_t>(rows.size()), width = static_cast<std::int64_t>(length);
  ModelInput input;
  input.ids_BT = at::full({count, width}, pad_id, at::kLong);
  input.positions_BT = at::zeros({count, width}, at::kLong);
  input.segments_BT = at::full({count, width}, kPaddingSegment, at::kLong);
  ragged = false;
  for (std::size_t b = 0; b < rows.size(); ++b) {
    const std::size_t pad = length - rows[b]->size();
    ragged |= pad > 0;
    const std::size_t start = b * length + pad;
    for (std::size_t t = 0; t < rows[b]->size(); ++t) {
      input.ids_BT.data_ptr<std::int64_t>()[start + t] = (*rows[b])[t];
      input.positions_BT.data_ptr<std::int64_t>()[start + t] = static_cast<std::int64_t>(t);
      input.segments_BT.data_ptr<std::int64_t>()[start + t] = 0;
    }
  }
  return input;
}

}  // namespace

BatchGenerator::BatchGenerator(Architecture& model, const Tokenizer& tokenizer, GeneratorOptions options)
    : model_(model), tokenizer_(tokenizer), options_(std::move(options)) {}

std::vector<Completion> BatchGenerator::generate(const std::vector<GenerateRequest>& requests,
                                                 const SamplingParams& params) {
  if (params.temperature < 0) throw ConfigError("temperature must be at least 0");
  const bool was_training = model_.is_training();
  model_.train(false);
  const std::int64_t limit = model_.traits().max_positions;
  std::vector<Row> rows(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Row& row = rows[i];
    row.request = i;
    row.prompt = requests[i].prompt_ids;
    if (row.prompt.empty()) throw DataError("prompt " + std::to_string(i) + " has no tokens; a prompt needs at least one");
    row.rng = Rng(requests[i].seed);
    row.room = params.max_new_tokens;
    if (limit > 0) {
      // A prompt that fills the context keeps its end, with room for at least a quarter of the context to answer in.
      const auto answer = std::min<std::int64_t>(params.max_new_tokens, std::max<std::int64_t>(1, limit / 4));
      const auto longest = static_cast<std::size_t>(std::max<std::int64_t>(1, limit - answer));
      if (row.prompt.size() > longest)
        row.prompt.erase(row.prompt.begin(), row.prompt.end() - static_cast<std::ptrdiff_t>(longest));
      row.room = std::min(row.room, limit - static_cast<std::int64_t>(row.prompt.size()));
    }
  }
  std::vector<std::size_t> order(rows.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return rows[a].prompt.size() < rows[b].prompt.size(); });
  std::vector<Completion> completions(requests.size());
  std::int64_t done = 0;
  for (std::size_t start = 0; start < order.size(); start += static_cast<std::size_t>(options_.batch_size)) {
    const std::size_t end = std::min(order.size(), start + static_cast<std::size_t>(options_.batch_size));
    std::vector<Row> batch;
    for (std::size_t i = start; i < end; ++i) batch.push_back(std::move(rows[order[i]]));
    run_batch(batch, params);
    for (auto& row : batch) {
      row.completion.text = tokenizer_.decode(row.completion.ids);
      completions[row.request] = std::move(row.completion);
    }
    done += static_cast<std::int64_t>(batch.size());
    if (options_.on_progress) options_.on_progress(done);
  }
  model_.train(was_training);
  return completions;
}

void BatchGenerator::run_batch(std::vector<Row>& rows, const SamplingParams& params) {
  const at::NoGradGuard guard;
  const auto eos = tokenizer_.eos_ids();
  const std::int64_t vocab = tokenizer_.vocab_size();
  auto* decoder = dynamic_cast<IncrementalDecoder*>(&model_);
  std::vector<std::size_t> running;
  std::int64_t most = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (rows[i].room > 0) running.push_back(i);
    most = std::max(most, rows[i].room);
  }
  std::unique_ptr<DecodeState> state;
  std::vector<std::vector<std::int32_t>> grown(rows.size());  // without a cache: prompt and answer so far
  at::Tensor hidden_BD;
  const auto full_pass = [&] {
    std::vector<const std::vector<std::int32_t>*> inputs;
    for (const auto i : running) inputs.push_back(&grown[i]);
    bool ragged = false;
    ModelInput input = left_padded(inputs, tokenizer_.pad_id(), ragged);
    if (!ragged) input.segments_BT = at::Tensor();
    return model_.hidden(input).select(1, -1);
  };
  if (running.empty()) return;
  if (decoder != nullptr) {
    std::vector<const std::vector<std::int32_t>*> prompts;
    for (const auto i : running) prompts.push_back(&rows[i].prompt);
    bool ragged = false;
    hidden_BD = decoder->prefill(left_padded(prompts, tokenizer_.pad_id(), ragged), most, state);
  } else {
    for (std::size_t i = 0; i < rows.size(); ++i) grown[i] = rows[i].prompt;
    hidden_BD = full_pass();
  }
  while (true) {
    if (options_.cancelled && options_.cancelled()) throw Cancelled("stopped while generating");
    const at::Tensor logits_BV = at::linear(hidden_BD, model_.head()).to(at::kCPU, at::kFloat).contiguous();
    const auto columns = static_cast<std::size_t>(logits_BV.size(1));
    std::vector<std::int64_t> kept, next_ids, next_positions;
    std::vector<std::size_t> still;
    for (std::size_t b = 0; b < running.size(); ++b) {
      Row& row = rows[running[b]];
      // Embeddings may be padded beyond the vocabulary; those columns are no tokens.
      const std::span<const float> logits(logits_BV.const_data_ptr<float>() + b * columns,
                                          std::min(columns, static_cast<std::size_t>(vocab)));
      const SampledToken token = sample_token(logits, params, row.rng);
      row.completion.log_probs.push_back(token.log_prob);
      if (std::find(eos.begin(), eos.end(), token.id) != eos.end()) {
        row.completion.finished = true;
        continue;
      }
      row.completion.ids.push_back(token.id);
      if (--row.room == 0) continue;
      kept.push_back(static_cast<std::int64_t>(b));
      next_ids.push_back(token.id);
      next_positions.push_back(static_cast<std::int64_t>(row.prompt.size() + row.completion.ids.size()) - 1);
      still.push_back(running[b]);
      if (decoder == nullptr) grown[running[b]].push_back(token.id);
    }
    if (still.empty()) return;
    const bool shrunk = still.size() < running.size();
    running = std::move(still);
    if (decoder == nullptr) {
      hidden_BD = full_pass();
      continue;
    }
    if (shrunk) state->keep_rows(at::tensor(kept, at::kLong));
    hidden_BD = decoder->step(*state, at::tensor(next_ids, at::kLong), at::tensor(next_positions, at::kLong));
  }
}

}  // namespace temper
