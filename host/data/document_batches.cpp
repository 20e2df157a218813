// Pieces, their order, and rows (see document_batches.h).
#include "host/data/document_batches.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "temper/random.h"

namespace temper {
namespace {

bool has_target(const Example& example) {
  return std::any_of(example.labels.begin(), example.labels.end(), [](auto label) { return label != kIgnoreLabel; });
}

}  // namespace

DocumentBatches::DocumentBatches(std::vector<std::shared_ptr<const TokenCorpus>> corpora, const Objective& objective,
                                 const DocumentBatchOptions& options)
    : corpora_(std::move(corpora)),
      objective_(objective),
      options_(options),
      piece_length_(objective.piece_length(options.context)) {
  if (options_.batch_size < 1 || options_.context < 1) {
    throw ConfigError("batch_size is " + std::to_string(options_.batch_size) + " and context is " +
                      std::to_string(options_.context) + "; both must be at least 1");
  }
  if (piece_length_ < 1) {
    throw PluginError("the objective wants pieces of " + std::to_string(piece_length_) + " tokens for a context of " +
                      std::to_string(options_.context) + "; it needs at least 1");
  }
  for (const auto& corpus : corpora_) {
    first_document_.push_back(first_piece_.size());
    for (std::int64_t document = 0; document < corpus->documents(); ++document) {
      first_piece_.push_back(pieces_);
      pieces_ += static_cast<std::uint64_t>((corpus->length(document) + piece_length_ - 1) / piece_length_);
    }
  }
  first_document_.push_back(first_piece_.size());
  first_piece_.push_back(pieces_);
  if (pieces_ == 0) {
    throw DataError("this part of " + names() +
                    " holds no documents; check the data's path and filters, or change validation_fraction (for no "
                    "validation set validation_batches to 0)");
  }
  restore("");
}

std::string DocumentBatches::names() const {
  std::string text;
  for (const auto& corpus : corpora_) text += (text.empty() ? "'" : ", '") + corpus->name() + "'";
  return (corpora_.size() == 1 ? "dataset " : "datasets ") + (text.empty() ? "(none)" : text);
}

Example DocumentBatches::example_of(std::uint64_t turn) const {
  const std::uint64_t epoch_seed = derive_seed(options_.seed, turn / pieces_);
  const std::uint64_t place = turn % pieces_;
  const std::uint64_t index = options_.shuffle ? Permutation(pieces_, epoch_seed)(place) : place;

  const auto after = std::upper_bound(first_piece_.begin(), first_piece_.end(), index);
  const auto document = static_cast<std::uint64_t>(after - first_piece_.begin() - 1);
  const auto owner =
      std::upper_bound(first_document_.begin(), first_document_.end(), document) - first_document_.begin() - 1;
  const TokenCorpus& corpus = *corpora_[static_cast<std::size_t>(owner)];
  const auto local = static_cast<std::int64_t>(document - first_document_[static_cast<std::size_t>(owner)]);

  const std::int64_t length = corpus.length(local);
  const std::int64_t offset = static_cast<std::int64_t>(index - first_piece_[document]) * piece_length_;
  const std::int64_t count = std::min(piece_length_, length - offset);
  const bool last = offset + count == length;
  std::vector<std::int32_t> ids;
  corpus.read(local, offset, last ? count : count + 1, ids);
  Piece piece;
  piece.tokens = std::span<const std::int32_t>(ids).first(static_cast<std::size_t>(count));
  piece.next = last ? -1 : ids.back();
  piece.starts_document = offset == 0;
  piece.ends_document = last;
  Rng rng(derive_seed(epoch_seed, index));
  Example example = objective_.example(piece, rng);
  if (example.ids.size() != example.labels.size()) {
    throw PluginError("the objective gave an example of " + std::to_string(example.ids.size()) + " ids and " +
                      std::to_string(example.labels.size()) + " labels; the two must be equally long");
  }
  return example;
}

/// Fills current_ from turn_, passing over pieces that have no target (a document's last token, alone in its piece).
void DocumentBatches::load_current() {
  for (std::uint64_t tries = 0; tries < pieces_; ++tries, turn_ += static_cast<std::uint64_t>(options_.world)) {
    current_ = example_of(turn_);
    if (has_target(current_)) return;
  }
  throw DataError("the objective made no training target from any of the " + std::to_string(pieces_) + " pieces of " +
                  names() + "; the documents are too short or the context is");
}

void DocumentBatches::advance() {
  turn_ += static_cast<std::uint64_t>(options_.world);
  offset_ = 0;
  load_current();
}

Batch DocumentBatches::next() {
  if (!current_.source.empty()) return padded();
  // A batch can hold nothing but an untrained stretch of a long example; the model learns nothing from it.
  while (true) {
    Batch batch = packed();
    if (batch.target_tokens > 0) return batch;
  }
}

/// Whether the current example's targets would lose what they are about if it were cut (again).
bool DocumentBatches::keep_whole() const {
  return offset_ == 0 && (current_.prefix > 0 || current_.labels.front() == kIgnoreLabel);
}

Batch DocumentBatches::packed() {
  const std::int64_t B = options_.batch_size, T = options_.context;
  Batch batch;
  at::Tensor segments_BT = at::full({B, T}, kPaddingSegment, at::kLong), prefix_BT = at::zeros({B, T}, at::kLong);
  batch.input.ids_BT = at::full({B, T}, options_.pad_id, at::kLong);
  batch.input.positions_BT = at::zeros({B, T}, at::kLong);
  batch.labels_BT = at::full({B, T}, kIgnoreLabel, at::kLong);
  auto* ids = batch.input.ids_BT.data_ptr<std::int64_t>();
  auto* positions = batch.input.positions_BT.data_ptr<std::int64_t>();
  auto* labels = batch.labels_BT.data_ptr<std::int64_t>();
  auto* segments = segments_BT.data_ptr<std::int64_t>();
  bool shared_rows = false, any_prefix = false;
  for (std::int64_t b = 0; b < B; ++b) {
    std::int64_t segment = 0;
    for (std::int64_t t = 0; t < T; ++segment) {
      if (!current_.source.empty()) {
        throw PluginError("the objective gave an example with an encoder side after one without; all have to be alike");
      }
      const auto left = static_cast<std::int64_t>(current_.ids.size() - offset_);
      if (left > T && current_.prefix > 0) {
        throw PluginError("the objective gave an example of " + std::to_string(left) + " positions with a prefix; it " +
                          "cannot be cut, and the context has room for " + std::to_string(T));
      }
      if (keep_whole() && left > T - t && left <= T) break;  // the rest of this row is padding
      const std::int64_t count = std::min(T - t, left);
      const std::int64_t place = b * T + t;
      const std::int64_t prefix = std::min(count, current_.prefix);
      if (prefix > 0) std::fill_n(prefix_BT.data_ptr<std::int64_t>() + place, prefix, 1);
      any_prefix = any_prefix || prefix > 0;
      for (std::int64_t i = 0; i < count; ++i) {
        const auto from = offset_ + static_cast<std::uint64_t>(i);
        ids[place + i] = current_.ids[from];
        labels[place + i] = current_.labels[from];
        positions[place + i] = i;
        segments[place + i] = segment;
        batch.target_tokens += current_.labels[from] != kIgnoreLabel;
      }
      t += count;
      batch.input_tokens += count;
      offset_ += static_cast<std::uint64_t>(count);
      if (offset_ == current_.ids.size()) advance();
    }
    shared_rows = shared_rows || segment > 1;
  }
  // Right padding alone needs no segments: causal attention never looks there, and its labels are ignored.
  if (shared_rows) batch.input.segments_BT = std::move(segments_BT);
  if (any_prefix) batch.input.prefix_BT = std::move(prefix_BT);
  count_target_bytes(batch, options_.token_bytes);
  return batch;
}

Batch DocumentBatches::padded() {
  std::vector<Example> examples;
  for (std::int64_t b = 0; b < options_.batch_size; ++b) {
    const auto longest = static_cast<std::int64_t>(std::max(current_.ids.size(), current_.source.size()));
    if (current_.source.empty() || longest > options_.context) {
      throw PluginError("the objective gave an encoder-decoder example of " + std::to_string(current_.source.size()) +
                        " source and " + std::to_string(current_.ids.size()) + " target positions; each side takes 1 to " +
                        std::to_string(options_.context));
    }
    examples.push_back(std::move(current_));
    advance();
  }
  Batch batch = pad_examples(examples, options_.context, options_.pad_id);
  count_target_bytes(batch, options_.token_bytes);
  return batch;
}

double DocumentBatches::epochs_done() const {
  return static_cast<double>(turn_ - static_cast<std::uint64_t>(options_.rank)) / static_cast<double>(pieces_);
}

std::string DocumentBatches::position() const {
  return nlohmann::json{{"version", 1},          {"pieces", pieces_}, {"piece_length", piece_length_},
                        {"seed", options_.seed}, {"turn", turn_},     {"offset", offset_}}
      .dump();
}

void DocumentBatches::restore(const std::string& position) {
  const auto rank = static_cast<std::uint64_t>(options_.rank), world = static_cast<std::uint64_t>(options_.world);
  std::uint64_t turn = rank, offset = 0;
  if (!position.empty()) {
    try {
      const auto state = nlohmann::json::parse(position);
      if (state.at("version") != 1 || state.at("pieces") != pieces_ || state.at("piece_length") != piece_length_ ||
          state.at("seed") != options_.seed) {
        throw DataError("the saved data position " + position + " belongs to other data: " + names() + " now gives " +
                        std::to_string(pieces_) + " pieces of " + std::to_string(piece_length_) + " tokens, seed " +
                        std::to_string(options_.seed) + "; restore the data and settings, or start the stage anew");
      }
      turn = state.at("turn").get<std::uint64_t>();
      offset = state.at("offset").get<std::uint64_t>();
    } catch (const nlohmann::json::exception&) {
      throw DataError("the saved data position '" + position + "' cannot be read; start the stage anew");
    }
  }
  turn_ = turn;
  offset_ = 0;
  load_current();
  const bool fits = turn_ == turn && offset < current_.ids.size() && turn % world == rank;
  if (!position.empty() && !fits) {
    throw DataError("the saved data position " + position + " does not fit the data; start the stage anew");
  }
  offset_ = offset;
}

}  // namespace temper
