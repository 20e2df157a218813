// Checks of an architecture's optional IncrementalDecoder: the cache changes speed, not results.
// Shapes: B rows, T positions, D width.
#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "models.h"

namespace temper::conformance {
namespace {

/// Prompts of different lengths, padded on the right.
struct Prompts {
  ModelInput input;
  std::vector<std::int64_t> lengths;
};

Prompts right_padded(const Architecture& model, std::vector<std::int64_t> lengths, std::uint64_t seed) {
  Prompts prompts;
  const std::int64_t width = *std::max_element(lengths.begin(), lengths.end());
  prompts.lengths = std::move(lengths);
  const auto rows = static_cast<std::int64_t>(prompts.lengths.size());
  prompts.input = plain_input(model, rows, width, seed);
  prompts.input.segments_BT = at::zeros_like(prompts.input.ids_BT);
  for (std::int64_t row = 0; row < rows; ++row) {
    const std::int64_t real = prompts.lengths[static_cast<std::size_t>(row)];
    prompts.input.segments_BT[row].narrow(0, real, width - real).fill_(kPaddingSegment);
    prompts.input.positions_BT[row].narrow(0, real, width - real).fill_(0);
  }
  if (prompts.input.source_ids_BS.defined()) {
    // One source is shorter too.
    prompts.input.source_segments_BS[rows - 1].narrow(0, 3, prompts.input.source_ids_BS.size(1) - 3).fill_(kPaddingSegment);
  }
  return prompts;
}

/// One sequence being decoded: the row of its prompt, and the tokens put behind it.
struct Sequence {
  const Prompts* prompts;
  std::int64_t row, place;
  std::vector<std::int64_t> more = {};
};

/// The full forward's last hidden state of one sequence by itself.
at::Tensor full_last(Architecture& model, const Sequence& sequence) {
  const ModelInput& all = sequence.prompts->input;
  const std::int64_t length = sequence.prompts->lengths[static_cast<std::size_t>(sequence.row)];
  ModelInput input;
  input.ids_BT = all.ids_BT.narrow(0, sequence.row, 1).narrow(1, 0, length);
  if (!sequence.more.empty()) input.ids_BT = at::cat({input.ids_BT, at::tensor(sequence.more, at::kLong).unsqueeze(0)}, 1);
  const std::int64_t total = input.ids_BT.size(1);
  input.positions_BT = at::arange(total, at::kLong).unsqueeze(0);
  if (all.source_ids_BS.defined()) {
    input.segments_BT = at::zeros_like(input.ids_BT);
    input.source_ids_BS = all.source_ids_BS.narrow(0, sequence.row, 1);
    input.source_segments_BS = all.source_segments_BS.narrow(0, sequence.row, 1);
  }
  return model.hidden(input).select(1, total - 1).squeeze(0);
}

std::string compare_all(Architecture& model, const std::vector<Sequence>& running, const at::Tensor& hidden_BD,
                        double bound) {
  for (std::size_t i = 0; i < running.size(); ++i) {
    const double gap = difference(hidden_BD[static_cast<std::int64_t>(i)], full_last(model, running[i]));
    if (gap <= bound) continue;
    return "after " + std::to_string(running[i].more.size()) + " steps the sequence in place " +
           std::to_string(running[i].place) + " differs from the full forward pass by " + number_text(gap);
  }
  return "";
}

/// Three sequences; one leaves, another takes its place, and a fourth is a copy that goes its own way.
Outcome incremental(const Subject& subject) {
  const auto model = make_shaken(subject);
  auto* decoder = dynamic_cast<IncrementalDecoder*>(model.get());
  if (decoder == nullptr) return Outcome::skip("the optional IncrementalDecoder is not offered");
  const at::NoGradGuard guard;
  const Prompts first = right_padded(*model, {6, 3, 5}, 21), late = right_padded(*model, {4}, 22);
  decoder->prepare_decoding(WeightFormat::kFloat32);
  const auto state = decoder->make_state(4, 16, 16);
  if (!state) return Outcome::fail("make_state() gave no state");
  std::vector<Sequence> running = {{&first, 0, 2}, {&first, 1, 0}, {&first, 2, 1}};
  const auto places = [&] {
    std::vector<std::int64_t> list;
    for (const auto& sequence : running) list.push_back(sequence.place);
    return list;
  };
  at::Tensor hidden_BD = decoder->prefill(*state, places(), first.input);
  if (const auto gap = compare_all(*model, running, hidden_BD, kRounding); !gap.empty()) return Outcome::fail(gap);
  for (int step = 0; step < 5; ++step) {
    if (step == 2) {
      running.erase(running.begin() + 1);
      const std::vector<std::int64_t> place = {0};
      const at::Tensor fresh_BD = decoder->prefill(*state, place, late.input);
      if (const auto gap = compare_all(*model, {{&late, 0, 0}}, fresh_BD, kRounding); !gap.empty())
        return Outcome::fail(gap);
      running.push_back({&late, 0, 0});
      state->copy_place(1, 3);
      Sequence twin = running[1];
      twin.place = 3;
      running.push_back(twin);
    }
    std::vector<std::int64_t> ids;
    for (auto& sequence : running) {
      sequence.more.push_back((17 * sequence.place + 31 * step + 3) % kVocabulary);
      ids.push_back(sequence.more.back());
    }
    hidden_BD = decoder->step(*state, places(), at::tensor(ids, at::kLong));
    if (const auto gap = compare_all(*model, running, hidden_BD, kRounding); !gap.empty()) return Outcome::fail(gap);
  }
  // Several tokens of each sequence in one step, of one more than of another.
  std::vector<Sequence> rows;
  std::vector<std::int64_t> ids, row_places;
  for (std::size_t i = 0; i < running.size(); ++i) {
    for (std::size_t n = 0; n <= i; ++n) {
      running[i].more.push_back(static_cast<std::int64_t>(11 * i + 7 * n + 2) % kVocabulary);
      ids.push_back(running[i].more.back());
      row_places.push_back(running[i].place);
      rows.push_back(running[i]);
    }
  }
  hidden_BD = decoder->step(*state, row_places, at::tensor(ids, at::kLong));
  if (const auto gap = compare_all(*model, rows, hidden_BD, kRounding); !gap.empty()) {
    return Outcome::fail("a step with several tokens of one sequence: " + gap);
  }
  return Outcome::pass();
}

/// Quantised weights may round, but not change the model into another one.
Outcome quantised(const Subject& subject) {
  const auto model = make_shaken(subject);
  auto* decoder = dynamic_cast<IncrementalDecoder*>(model.get());
  if (decoder == nullptr) return Outcome::skip("the optional IncrementalDecoder is not offered");
  const at::NoGradGuard guard;
  const Prompts prompts = right_padded(*model, {6, 4}, 23);
  const std::vector<std::int64_t> places = {0, 1};
  const auto run = [&](WeightFormat format) {
    decoder->prepare_decoding(format);
    const auto state = decoder->make_state(2, 8, 16);
    decoder->prefill(*state, places, prompts.input);
    return decoder->step(*state, places, at::tensor({5, 9}, at::kLong));
  };
  const at::Tensor exact_BD = run(WeightFormat::kFloat32), rounded_BD = run(WeightFormat::kInt8);
  const double error = ((rounded_BD - exact_BD).norm() / exact_BD.norm()).item<double>();
  if (!(error < 0.1)) return Outcome::fail("int8 weights change hidden states by " + number_text(error) + " of their norm");
  const at::Tensor again_BD = run(WeightFormat::kFloat32);
  if (again_BD.equal(exact_BD)) return Outcome::pass();
  return Outcome::fail("after int8 the float32 weights no longer give the same bits");
}

}  // namespace

void add_decoding_checks(std::vector<Check>& checks) {
  checks.push_back({"architecture.incremental", "architecture", 1,
                    "Decoding with a cache equals the full forward pass, with places reused and copied.", incremental});
  checks.push_back({"architecture.quantised", "architecture", 1,
                    "int8 weights stay near the float32 model and leave it untouched.", quantised});
}

}  // namespace temper::conformance
