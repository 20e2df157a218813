// An architecture: tokens in, hidden states and logits out. Decoder-only and encoder-decoder models share the interface;
// `ModelInput::source_ids_BS` is what differs. Incremental decoding is an optional second interface, found with
// dynamic_cast, so that a model without it still trains and scores.
// Shapes: B rows, T positions, D width, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "temper/batch.h"
#include "temper/error.h"

namespace temper {

/// A trainable tensor under its stable name (the key in the checkpoint). `decay` says whether weight decay applies:
/// matrices yes, biases and norms no. A tied tensor appears once.
struct NamedParameter {
  std::string name;
  at::Tensor tensor;
  bool decay = true;
};

/// How a parameter is called in Hugging Face's layout of the same architecture, and whether it is stored transposed there.
struct WeightName {
  std::string name;
  std::string hugging_face_name;
  bool transposed = false;
};

struct ArchitectureTraits {
  bool encoder_decoder = false;
  std::int64_t vocab_size = 0;
  std::int64_t width = 0;          ///< D
  std::int64_t max_positions = 0;  ///< longest T; 0 means no limit
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
  virtual void train(bool on) = 0;
  virtual bool is_training() const = 0;
  /// Multiply-adds times two of forward and backward for one position at this context length.
  virtual double train_flops_per_token(std::int64_t context) const = 0;
  /// Parameter values small enough for conformance checks in seconds; name, value as text.
  virtual std::vector<std::pair<std::string, std::string>> tiny_preset() const { return {}; }
};

/// Keys and values of a batch being decoded; made by the model, owned by the caller.
class TEMPER_API DecodeState {
 public:
  virtual ~DecodeState();
  /// Keeps only these rows, in this order (finished rows leave the batch).
  virtual void keep_rows(const at::Tensor& rows) = 0;
};

class TEMPER_API IncrementalDecoder {
 public:
  virtual ~IncrementalDecoder();
  /// Runs the prompts, padded on the LEFT (segments -1 there), with room for `max_new` further positions. Returns the
  /// hidden state h_BD of the last column. `state` receives the new cache. No gradients.
  virtual at::Tensor prefill(const ModelInput& prompts, std::int64_t max_new, std::unique_ptr<DecodeState>& state) = 0;
  /// One token a row; `positions_B` is each row's own next position. Returns h_BD. Equals the full forward to 1e-4.
  virtual at::Tensor step(DecodeState& state, const at::Tensor& ids_B, const at::Tensor& positions_B) = 0;
};

}  // namespace temper
