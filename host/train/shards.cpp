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

void gather_shards(const std::vector<at::Tensor>& parameters, const Buckets& buckets, ParallelEngine& ranks,
                   const std::function<at::Tensor(const ShardSlice&)>& give,
                   const std::function<void(const ShardSlice&, const at::Tensor& part)>& take) {
  const at::NoGradGuard guard;
  const auto own = shard_of(parameters, buckets, ranks.rank(), ranks.world_size());
  for (std::size_t b = 0; b < buckets.size(); ++b) {
    const std::int64_t size = shard_size(elements_of(parameters, buckets[b]), ranks.world_size());
    at::Tensor whole = at::zeros({size * ranks.world_size()}, parameters[buckets[b].front()].options().requires_grad(false));
    for (const auto& piece : own[b]) whole.slice(0, piece.place, piece.place + piece.end - piece.begin).copy_(give(piece));
    ranks.all_gather_parts(whole);
    std::int64_t place = 0;
    for (const auto number : buckets[b]) {
      const std::int64_t count = parameters[number].numel();
      take({number, 0, count, place}, whole.slice(0, place, place + count));
      place += count;
    }
  }
}

}  // namespace temper
