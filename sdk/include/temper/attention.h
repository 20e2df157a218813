// Which decoder position may look at which: the mask that every self-attending decoder needs.
// Shapes: B rows, T positions.
#pragma once

#include <ATen/core/Tensor.h>

#include "temper/batch.h"

namespace temper {

/// Additive mask [B, 1, T, T], 0 where attention is allowed and -inf elsewhere: a position sees earlier ones of its own
/// segment and, with `prefix_attention`, the whole prefix of its segment (ModelInput::prefix_BT). A padding position sees
/// the padding of its row, so that no row of the softmax is empty. Undefined if plain causal attention is the same.
TEMPER_API at::Tensor decoder_mask(const ModelInput& input, bool prefix_attention);

/// Position of each column within its document: the input's own, or 0, 1, 2, ... if it gives none.
TEMPER_API at::Tensor positions_of(const ModelInput& input);

}  // namespace temper
