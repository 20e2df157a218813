// Checks, order and packing of examples (see example_batches.h).
#include "host/data/example_batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "temper/random.h"

namespace temper {

ExampleBatches::ExampleBatches(std::vector<Example> examples, const ExampleBatchOptions& options)
    : examples_(std::move(examples)), options_(options) {
  if (options_.batch_size < 1 || options_.context < 1) {
    throw ConfigError("batch_size is " + std::to_string(options_.batch_size) + " and context is " +
                      std::to_string(options_.context) + "; both must be at least 1");
  }
  if (examples_.empty()) throw DataError("there are no examples to train on; check the datasets of this stage");
  encoder_decoder_ = !examples_.front().source.empty();
  const auto context = static_cast<std::size_t>(options_.context);
  for (std::size_t i = 0; i < examples_.size(); ++i) {
    Example& example = examples_[i];
    if (example.ids.size() != example.labels.size()) {
      throw PluginError("example " + std::to_string(i) + " has " + std::to_string(example.ids.size()) + " ids and " +
                        std::to_string(example.labels.size()) + " labels; the two must be equally long");
    }
    if (example.prefix < 0 || example.prefix > static_cast<std::int64_t>(example.ids.size())) {
      throw PluginError("example " + std::to_string(i) + " has a prefix of " + std::to_string(example.prefix) +
                        " positions; it has " + std::to_string(example.ids.size()) + " ids");
    }
    if (example.source.empty() == encoder_decoder_) {
      throw PluginError("example " + std::to_string(i) + (encoder_decoder_ ? " has no" : " has an") +
                        " encoder side, unlike example 0; all have to be alike");
    }
    const std::size_t length = example.ids.size();
    if (length > context) {
      example.ids.resize(context);
      example.labels.resize(context);
      example.prefix = std::min(example.prefix, options_.context);
    }
    if (example.source.size() > context) example.source.resize(context);
    if (std::all_of(example.labels.begin(), example.labels.end(), [](auto label) { return label == kIgnoreLabel; })) {
      throw DataError("example " + std::to_string(i) + " of " + std::to_string(examples_.size()) + " has no target" +
                      (length > context ? " within the context of " + std::to_string(context) + " (it has " +
                                              std::to_string(length) + " tokens); raise context or leave it out"
                                        : "; leave it out or give it an answer"));
    }
  }
}

const Example& ExampleBatches::upcoming() const {
  const std::uint64_t size = examples_.size();
  if (!options_.shuffle) return examples_[cursor_];
  return examples_[Permutation(size, derive_seed(options_.seed, epoch_))(cursor_)];
}

Batch ExampleBatches::next() {
  Batch batch = encoder_decoder_ ? padded() : packed();
  count_target_bytes(batch, options_.token_bytes);
  if (cursor_ == examples_.size()) {
    ++epoch_;
    cursor_ = 0;
  }
  return batch;
}

Batch ExampleBatches::packed() {
  struct Row {
    std::int64_t used = 0, segments = 0;
  };
  std::vector<Row> rows;
  std::vector<Place> places;
  bool shared_rows = false;
  for (; cursor_ < examples_.size(); ++cursor_) {
    const Example& example = upcoming();
    const auto length = static_cast<std::int64_t>(example.ids.size());
    auto row = std::find_if(rows.begin(), rows.end(), [&](const Row& r) { return r.used + length <= options_.context; });
    if (row == rows.end()) {
      if (static_cast<std::int64_t>(rows.size()) == options_.batch_size) break;
      row = rows.emplace(rows.end());
    }
    shared_rows = shared_rows || row->segments > 0;
    places.push_back({&example, row - rows.begin(), row->used, row->segments++});
    row->used += length;
  }
  return fill(places, static_cast<std::int64_t>(rows.size()), shared_rows);
}

Batch ExampleBatches::fill(const std::vector<Place>& places, std::int64_t rows, bool shared_rows) const {
  const std::int64_t T = options_.context, size = rows * T;
  const auto filled = [&](std::int64_t value) {
    at::Tensor tensor = at::empty({rows, T}, at::kLong);
    std::fill_n(tensor.data_ptr<std::int64_t>(), size, value);
    return tensor;
  };
  Batch batch;
  at::Tensor segments_BT = filled(kPaddingSegment), prefix_BT = filled(0);
  bool any_prefix = false;
  batch.input.ids_BT = filled(options_.pad_id);
  batch.input.positions_BT = filled(0);
  batch.labels_BT = filled(kIgnoreLabel);
  for (const Place& place : places) {
    const Example& example = *place.example;
    const std::int64_t begin = place.row * T + place.column;
    const auto length = static_cast<std::int64_t>(example.ids.size());
    std::copy(example.ids.begin(), example.ids.end(), batch.input.ids_BT.data_ptr<std::int64_t>() + begin);
    std::copy(example.labels.begin(), example.labels.end(), batch.labels_BT.data_ptr<std::int64_t>() + begin);
    std::fill_n(segments_BT.data_ptr<std::int64_t>() + begin, length, place.segment);
    if (example.prefix > 0) std::fill_n(prefix_BT.data_ptr<std::int64_t>() + begin, example.prefix, 1);
    any_prefix = any_prefix || example.prefix > 0;
    for (std::int64_t t = 0; t < length; ++t) batch.input.positions_BT.data_ptr<std::int64_t>()[begin + t] = t;
    batch.target_tokens += length - std::count(example.labels.begin(), example.labels.end(), kIgnoreLabel);
    batch.input_tokens += length;
  }
  // Right padding alone needs no segments: causal attention never looks there, and its labels are ignored.
  if (shared_rows) batch.input.segments_BT = std::move(segments_BT);
  if (any_prefix) batch.input.prefix_BT = std::move(prefix_BT);
  return batch;
}

Batch ExampleBatches::padded() {
  std::vector<Example> batch;
  for (; cursor_ < examples_.size() && static_cast<std::int64_t>(batch.size()) < options_.batch_size; ++cursor_) {
    batch.push_back(upcoming());
  }
  return pad_examples(batch, options_.context, options_.pad_id);
}

double ExampleBatches::epochs_done() const {
  return static_cast<double>(epoch_) + static_cast<double>(cursor_) / static_cast<double>(examples_.size());
}

std::string ExampleBatches::position() const {
  return nlohmann::json{{"version", 1},
                        {"examples", examples_.size()},
                        {"context", options_.context},
                        {"seed", options_.seed},
                        {"epoch", epoch_},
                        {"cursor", cursor_}}
      .dump();
}

void ExampleBatches::restore(const std::string& position) {
  std::uint64_t epoch = 0, cursor = 0;
  if (!position.empty()) {
    try {
      const auto state = nlohmann::json::parse(position);
      epoch = state.at("epoch").get<std::uint64_t>();
      cursor = state.at("cursor").get<std::uint64_t>();
      if (state.at("version") != 1 || state.at("examples") != examples_.size() || state.at("context") != options_.context ||
          state.at("seed") != options_.seed || cursor >= examples_.size()) {
        throw DataError("the saved data position " + position + " belongs to other data: there are now " +
                        std::to_string(examples_.size()) + " examples, context " + std::to_string(options_.context) +
                        ", seed " + std::to_string(options_.seed) +
                        "; restore the data and settings, or start the stage anew");
      }
    } catch (const nlohmann::json::exception&) {
      throw DataError("the saved data position '" + position + "' cannot be read; start the stage anew");
    }
  }
  epoch_ = epoch;
  cursor_ = cursor;
}

}  // namespace temper
