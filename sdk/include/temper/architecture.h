// An architecture: tokens in, hidden states and logits out. Decoder-only and encoder-decoder models share the interface;
// `ModelInput::source_ids_BS` is what differs. Incremental decoding is an optional second interface, found with
// dynamic_cast, so that a model without it still trains and scores.
// Shapes: B rows, T positions, D width, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temper/batch.h"
#include "temper/error.h"
#include "temper/inference.h"

namespace temper {

/// A trainable tensor under its stable name (the key in the checkpoint). `decay` says whether weight decay applies:
/// matrices yes, biases and norms no. A tied tensor appears once.
struct NamedParameter {
  std::string name;
  at::Tensor tensor;
  bool decay = true;
};

/// How a parameter is called in Hugging Face's layout of the same architecture, and whether it is stored transposed there.
/// A joint matrix that is several tensors there appears once for each, with the rows that belong to it.
struct WeightName {
  std::string name;
  std::string hugging_face_name;
  bool transposed = false;
  std::int64_t first_row = 0, num_rows = 0;  ///< of dimension 0; num_rows 0 is all of them
};

struct ArchitectureTraits {
  bool encoder_decoder = false;
  std::int64_t vocab_size = 0;
  std::int64_t width = 0;          ///< D
  std::int64_t max_positions = 0;  ///< longest T (and S); 0 means no limit
  bool prefix_attention = false;   ///< ModelInput::prefix_BT is honoured: a prompt's tokens see one another both ways
};

/// What `from_hugging_face` of a registration makes of a config.json: parameter values as text.
struct ImportedConfig {
  std::vector<std::pair<std::string, std::string>> values;
  std::int64_t vocab_size = 0;
};

class TEMPER_API Architecture {
 public:
  static constexpr std::string_view kKind = "architecture";
  struct Args {
    std::int64_t vocab_size = 0;
    std::uint64_t seed = 0;  ///< for the initial weights; equal seeds give equal bits
  };
  virtual ~Architecture();

  virtual ArchitectureTraits traits() const = 0;
  /// Final hidden states h_BTD, normalised, ready for the head. Differentiable unless under NoGradGuard. Dropout is
  /// active only after train(true). Positions of segment -1 give finite values that nothing may use.
  /// Throws ConfigError if T exceeds max_positions. [run]
  virtual at::Tensor hidden(const ModelInput& input) = 0;
  /// The matrix w_VD with logits = h_BTD w_VD^T.
  virtual at::Tensor head() = 0;
  at::Tensor logits(const ModelInput& input);  ///< logits_BTV, float32
  virtual std::vector<NamedParameter> parameters() = 0;
  virtual std::vector<WeightName> weight_names() const = 0;
  /// Where the weights are.
  c10::Device device();
  /// Moves parameters() in place. What else a model computes with (tables, say) has to follow them or its input, and
  /// nothing may be derived from the weights but in prepare_decoding().
  void to(c10::Device device);
  virtual void train(bool on) = 0;
  virtual bool is_training() const = 0;
  /// From now on hidden() keeps only what enters each block and computes the rest again in backward (see recompute.h): less
  /// memory, more time, the same bits. False: this architecture cannot do that.
  virtual bool checkpoint_activations(bool on);
  /// Multiply-adds times two of forward and backward for one position at this context length.
  virtual double train_flops_per_token(std::int64_t context) const = 0;
  /// The same for a batch with this many real positions on each side; an encoder-decoder spends differently on the two.
  virtual double train_flops(std::int64_t tokens, std::int64_t source_tokens, std::int64_t context) const;
  /// The text of a config.json with which Hugging Face's transformers builds the same model; "" if there is no such form.
  virtual std::string hugging_face_config() const;
  /// Parameter values small enough for conformance checks in seconds; name, value as text.
  virtual std::vector<std::pair<std::string, std::string>> tiny_preset() const { return {}; }
};

/// Keys and values of sequences being decoded; made by the model, owned by the caller. It has a fixed number of places,
/// numbered from 0; each holds one sequence. A place is free until a prefill fills it, and is filled anew by the next.
class TEMPER_API DecodeState {
 public:
  virtual ~DecodeState();
  /// Copies the sequence of one place into another: samples of one prompt share its prefill.
  virtual void copy_place(std::int64_t from, std::int64_t to) = 0;
};

/// Decoding with a cache. All methods run without gradients and in evaluation mode. [run]
class TEMPER_API IncrementalDecoder {
 public:
  virtual ~IncrementalDecoder();
  /// Called before a generation: what is derived from the weights (quantised copies, say) is made anew from them. Weights
  /// do not change until the next call. float32 has to give the full forward pass to 1e-4.
  virtual void prepare_decoding(WeightFormat format) = 0;
  /// Memory for `places` sequences of at most `room` decoder positions and `source_room` encoder positions.
  virtual std::unique_ptr<DecodeState> make_state(std::int64_t places, std::int64_t room, std::int64_t source_room) = 0;
  /// Runs prompts, padded on the RIGHT (segments_BT is -1 there, undefined if no row is padded), each into its place.
  /// Returns h_BD of each row's last real position.
  virtual at::Tensor prefill(DecodeState& state, std::span<const std::int64_t> places, const ModelInput& prompts) = 0;
  /// One further token for each of the places; a place may stand there several times, its tokens then follow one another.
  /// Returns h_BD, a row for each token.
  virtual at::Tensor step(DecodeState& state, std::span<const std::int64_t> places, const at::Tensor& ids_B) = 0;
};

}  // namespace temper
