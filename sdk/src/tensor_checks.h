// What the tensor functions of preference.h, reward_shaping.h and policy_gradient.h ask of their arguments: the same shape,
// exactly, float32 or wider, a mask as bool. Private to the SDK.
#pragma once

#include <ATen/ATen.h>

#include <sstream>
#include <string>

#include "temper/error.h"

namespace temper {

inline std::string shape_text(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

/// Throws PluginError unless `tensor` is defined and has exactly this shape.
inline void require_shape(const char* function, const char* name, const at::Tensor& tensor, at::IntArrayRef shape) {
  if (!tensor.defined()) throw PluginError(std::string(function) + ": " + name + " is an undefined tensor");
  if (tensor.sizes() == shape) return;
  throw PluginError(std::string(function) + ": " + name + " has shape " + shape_text(tensor.sizes()) + ", expected " +
                    shape_text(shape) + "; shapes have to match exactly, nothing is broadcast");
}

inline void require_dim(const char* function, const char* name, const at::Tensor& tensor, std::int64_t dim) {
  if (!tensor.defined()) throw PluginError(std::string(function) + ": " + name + " is an undefined tensor");
  if (tensor.dim() == dim) return;
  throw PluginError(std::string(function) + ": " + name + " has shape " + shape_text(tensor.sizes()) + ", expected " +
                    std::to_string(dim) + " dimension(s)");
}

/// float32 and float64 as they are, everything else in float32.
inline at::Tensor as_float(const at::Tensor& tensor) {
  const auto type = tensor.scalar_type();
  return type == at::kFloat || type == at::kDouble ? tensor : tensor.to(at::kFloat);
}

inline at::Tensor as_constant(const at::Tensor& tensor) { return as_float(tensor.detach()); }

inline at::Tensor as_mask(const at::Tensor& mask) { return mask.scalar_type() == at::kBool ? mask : mask != 0; }

/// Zero outside the mask, whatever was there, and no gradient to it.
inline at::Tensor keep_masked(const at::Tensor& mask, const at::Tensor& values) { return at::where(mask, values, 0.0); }

}  // namespace temper
