// Checks of an architecture's optional IncrementalDecoder: the cache changes speed, not results.
// Shapes: B rows, T positions, D width.
#include <ATen/core/grad_mode.h>

#include "models.h"

namespace temper::conformance {
namespace {

/// Prompts of different lengths, padded on the left.
struct Prompts {
  ModelInput input;
  std::vector<std::int64_t> lengths;
};

Prompts left_padded(const Architecture& model, std::vector<std::int64_t> lengths, std::int64_t width) {
  Prompts prompts;
  prompts.lengths = std::move(lengths);
  const auto rows = static_cast<std::int64_t>(prompts.lengths.size());
  prompts.input = plain_input(model, rows, width, 21);
  prompts.input.segments_BT = at::zeros_like(prompts.input.ids_BT);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t pad = width - prompts.lengths[static_cast<std::size_t>(row)];
    prompts.input.segments_BT[row].narrow(0, 0, pad).fill_(kPaddingSegment);
    prompts.input.positions_BT[row].narrow(0, 0, pad).fill_(0);
    prompts.input.positions_BT[row].narrow(0, pad, width - pad).copy_(at::arange(width - pad, at::kLong));
  }
  return prompts;
}

/// The full forward's last hidden state of one row without its padding, with further tokens behind the prompt.
at::Tensor full_last(Architecture& model, const Prompts& prompts, std::int64_t row, const std::vector<std::int64_t>& more) {
  const std::int64_t length = prompts.lengths[static_cast<std::size_t>(row)], width = prompts.input.ids_BT.size(1);
  ModelInput input;
  input.ids_BT = prompts.input.ids_BT.narrow(0, row, 1).narrow(1, width - length, length);
  if (!more.empty()) input.ids_BT = at::cat({input.ids_BT, at::tensor(more, at::kLong).unsqueeze(0)}, 1);
  const std::int64_t total = input.ids_BT.size(1);
  input.positions_BT = at::arange(total, at::kLong).unsqueeze(0);
  if (prompts.input.source_ids_BS.defined()) {
    input.segments_BT = at::zeros_like(input.ids_BT);
    input.source_ids_BS = prompts.input.source_ids_BS.narrow(0, row, 1);
    input.source_segments_BS = prompts.input.source_segments_BS.narrow(0, row, 1);
  }
  return model.hidden(input).select(1, total - 1).squeeze(0);
}

Outcome incremental(const Subject& subject) {
  const auto model = make_shaken(subject);
  auto* decoder = dynamic_cast<IncrementalDecoder*>(model.get());
  if (decoder == nullptr) return Outcome::skip("the optional IncrementalDecoder is not offered");
  const at::NoGradGuard guard;
  const Prompts prompts = left_padded(*model, {6, 3, 5}, 6);
  const int steps = 5;
  std::unique_ptr<DecodeState> state;
  at::Tensor hidden_BD = decoder->prefill(prompts.input, steps, state);
  if (!state) return Outcome::fail("prefill() gave no state");
  std::vector<std::int64_t> rows = {0, 1, 2};
  std::vector<std::vector<std::int64_t>> more(3);
  for (int step = 0;; ++step) {
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const auto row = static_cast<std::size_t>(rows[i]);
      const double gap = difference(hidden_BD[static_cast<std::int64_t>(i)], full_last(*model, prompts, rows[i], more[row]));
      if (gap > kRounding) {
        return Outcome::fail("after " + std::to_string(step) + " steps row " + std::to_string(row) +
                             " differs from the full forward pass by " + number_text(gap));
      }
    }
    if (step == steps) return Outcome::pass();
    if (step == 2) {
      // The middle row is finished and leaves.
      state->keep_rows(at::tensor({0, 2}, at::kLong));
      rows = {0, 2};
    }
    std::vector<std::int64_t> ids, positions;
    for (const auto row : rows) {
      auto& tokens = more[static_cast<std::size_t>(row)];
      positions.push_back(prompts.lengths[static_cast<std::size_t>(row)] + static_cast<std::int64_t>(tokens.size()));
      tokens.push_back((17 * row + 31 * step + 3) % kVocabulary);
      ids.push_back(tokens.back());
    }
    hidden_BD = decoder->step(*state, at::tensor(ids, at::kLong), at::tensor(positions, at::kLong));
  }
}

}  // namespace

void add_decoding_checks(std::vector<Check>& checks) {
  checks.push_back({"architecture.incremental", "architecture", 1,
                    "Decoding with a cache equals the full forward pass, also after rows left.", incremental});
}

}  // namespace temper::conformance
