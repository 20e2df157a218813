// Who keeps what of an optimiser's state when ranks share it out (ZeRO-1): parameters are put into buckets, each bucket's
// elements, one after another, are cut into equal shards, one a rank. Gradients travel in the same buckets.
// Source: Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion Parameter Models" (2020).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "host/train/parallel.h"

namespace temper {

using Buckets = std::vector<std::vector<std::size_t>>;

/// Buckets of at most 25 MiB (the first 1 MiB, so that the exchange begins early), from the last parameter to the first, for
/// that is about the order of backward. A parameter that is larger is alone; types do not mix.
Buckets gradient_buckets(const std::vector<at::Tensor>& parameters);

/// A part of a parameter's elements, and where they are in its bucket.
struct ShardSlice {
  std::size_t parameter = 0;
  std::int64_t begin = 0, end = 0;  ///< of the parameter's elements in their order in memory
  std::int64_t place = 0;           ///< of the first one in the bucket
};

/// Elements of a shard: the same for all ranks of a bucket; the last ones may have less to do.
inline std::int64_t shard_size(std::int64_t elements, std::int64_t ranks) { return (elements + ranks - 1) / ranks; }
/// Of one rank: the pieces of each bucket, in order.
std::vector<std::vector<ShardSlice>> shard_of(const std::vector<at::Tensor>& parameters, const Buckets& buckets, int rank,
                                              int ranks);

/// What travels at once between ranks that share out buckets, of all of them together: a part of every rank's shard. Large
/// enough for the network, small beside an embedding, which is a bucket of its own.
inline constexpr std::int64_t kPieceBytes = 8 << 20;
/// Elements of each rank's part in a piece.
std::int64_t piece_size(const at::Tensor& of, std::int64_t ranks);

/// Collective. Makes whole what each rank has of its shards, piece by piece: `give(slice)` is all of a slice of this rank's,
/// flat; `take(slice, part)` gets everybody's, in parts.
void gather_shards(const std::vector<at::Tensor>& parameters, const Buckets& buckets, ParallelEngine& ranks,
                   const std::function<at::Tensor(const ShardSlice&)>& give,
                   const std::function<void(const ShardSlice&, const at::Tensor& part)>& take);

}  // namespace temper
