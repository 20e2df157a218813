// Shards of an optimiser's state (see shards.h).
#include "host/train/shards.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>

namespace temper {
namespace {

constexpr std::int64_t kBucketBytes = 25 << 20, kFirstBucketBytes = 1 << 20;

std::int64_t elements_of(const std::vector<at::Tensor>& parameters, const std::vector<std::size_t>& bucket) {
  std::int64_t elements = 0;
  for (const auto number : bucket) elements += parameters[number].numel();
  return elements;
}

}  // namespace

Buckets gradient_buckets(const std::vector<at::Tensor>& parameters) {
  Buckets buckets;
  std::int64_t bytes = 0;
  for (std::size_t i = parameters.size(); i-- > 0;) {
    const auto size = static_cast<std::int64_t>(parameters[i].nbytes());
    const std::int64_t limit = buckets.size() <= 1 ? kFirstBucketBytes : kBucketBytes;
    const bool fits = !buckets.empty() && bytes + size <= limit &&
                      parameters[buckets.back().front()].scalar_type() == parameters[i].scalar_type();
    if (!fits) {
      buckets.emplace_back();
      bytes = 0;
    }
    buckets.back().push_back(i);
    bytes += size;
  }
  return buckets;
}

std::vector<std::vector<ShardSlice>> shard_of(const std::vector<at::Tensor>& parameters, const Buckets& buckets, int rank,
                                              int ranks) {
  std::vector<std::vector<ShardSlice>> shard;
  for (const auto& bucket : buckets) {
    const std::int64_t size = shard_size(elements_of(parameters, bucket), ranks);
    const std::int64_t first = rank * size, last = first + size;
    auto& pieces = shard.emplace_back();
    std::int64_t place = 0;  // of the parameter in the bucket
    for (const auto number : bucket) {
      const std::int64_t count = parameters[number].numel();
      const std::int64_t begin = std::clamp(first - place, std::int64_t{0}, count);
      const std::int64_t end = std::clamp(last - place, std::int64_t{0}, count);
      if (begin < end) pieces.push_back({number, begin, end, place + begin});
      place += count;
    }
  }
  return shard;
}

std::int64_t piece_size(const at::Tensor& of, std::int64_t ranks) {
  return std::max<std::int64_t>(1, kPieceBytes / (static_cast<std::int64_t>(of.element_size()) * ranks));
}

void gather_shards(const std::vector<at::Tensor>& parameters, const Buckets& buckets, ParallelEngine& ranks,
                   const std::function<at::Tensor(const ShardSlice&)>& give,
                   const std::function<void(const ShardSlice&, const at::Tensor& part)>& take) {
  const at::NoGradGuard guard;
  const int world = ranks.world_size();
  std::vector<std::vector<std::vector<ShardSlice>>> shards;
  for (int rank = 0; rank < world; ++rank) shards.push_back(shard_of(parameters, buckets, rank, world));
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    const at::Tensor& one = parameters[buckets[b].front()];
    const std::int64_t size = shard_size(elements_of(parameters, buckets[b]), world);
    const std::int64_t longest = std::min(size, piece_size(one, world));
    const at::Tensor room = at::zeros({longest * world}, one.options().requires_grad(false));
    for (std::int64_t first = 0; first < size; first += longest) {
      const std::int64_t count = std::min(longest, size - first);
      at::Tensor piece = room.narrow(0, 0, count * world);
      /// A rank's slices as far as they are in this piece: the slice, how far in it the piece begins, and its place there.
      const auto each_slice = [&](int rank, const auto& use) {
        const std::int64_t begins = rank * size + first;
        for (const auto& slice : shards[static_cast<std::size_t>(rank)][b]) {
          const std::int64_t from = std::max(begins, slice.place);
          const std::int64_t to = std::min(begins + count, slice.place + slice.end - slice.begin);
          if (from < to) use(slice, from - slice.place, piece.narrow(0, rank * count + from - begins, to - from));
        }
      };
      each_slice(ranks.rank(), [&](const ShardSlice& slice, std::int64_t offset, const at::Tensor& part) {
        part.copy_(give(slice).narrow(0, offset, part.numel()));
      });
      ranks.all_gather_parts(piece);
      for (int rank = 0; rank < world; ++rank) {
        each_slice(rank, [&](const ShardSlice& slice, std::int64_t offset, const at::Tensor& part) {
          const std::int64_t begin = slice.begin + offset;
          take({slice.parameter, begin, begin + part.numel(), slice.place + offset}, part);
        });
      }
    }
  }
}

}  // namespace temper
