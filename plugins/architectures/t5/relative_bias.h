// T5's positions: what attention adds to a score depends on how far the key is from the query, in buckets that are exact
// nearby and grow with the distance. Source: Raffel et al. (2020), section 2.1.
// Shapes: H heads, R buckets, N distances, T positions.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace temper::t5 {

struct Buckets {
  std::int64_t count = 32;
  std::int64_t max_distance = 128;
  bool both_ways = true;  ///< an encoder's: half of the buckets are for keys behind the query
};

/// The bucket of each difference key minus query (P-T5-06). One way: keys behind the query fall into bucket 0.
at::Tensor bucket_of(const at::Tensor& difference, const Buckets& buckets);

/// [1, H, T, T]: what to add to the score of query i and key j. Differentiable in the table. Columns stand for positions:
/// a document's tokens lie side by side, so their differences are the same wherever in a row it begins.
at::Tensor relative_bias(const at::Tensor& table_RH, std::int64_t length, const Buckets& buckets);

}  // namespace temper::t5
