// Masks and positions of a decoder's input (see attention.h).
// Shapes: B rows, T positions.
#include "temper/attention.h"

#include <ATen/ATen.h>

#include <limits>

namespace temper {

at::Tensor decoder_mask(const ModelInput& input, bool prefix_attention) {
  const bool prefixes = prefix_attention && input.prefix_BT.defined();
  if (!input.segments_BT.defined() && !prefixes) return {};
  const std::int64_t length = input.ids_BT.size(1);
  at::Tensor allowed = at::ones({length, length}, input.ids_BT.options().dtype(at::kBool)).tril();
  if (prefixes) allowed = allowed.logical_or(input.prefix_BT.unsqueeze(1) != 0);
  if (input.segments_BT.defined()) {
    allowed = allowed.logical_and(input.segments_BT.unsqueeze(2) == input.segments_BT.unsqueeze(1));
  }
  return at::zeros(allowed.sizes(), allowed.options().dtype(at::kFloat))
      .masked_fill_(allowed.logical_not(), -std::numeric_limits<float>::infinity())
      .unsqueeze(1);
}

at::Tensor positions_of(const ModelInput& input) {
  if (input.positions_BT.defined()) return input.positions_BT;
  return at::arange(input.ids_BT.size(1), input.ids_BT.options()).unsqueeze(0).expand(input.ids_BT.sizes());
}

}  // namespace temper
