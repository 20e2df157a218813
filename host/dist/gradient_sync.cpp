// Overlapped sums of gradients (see gradient_sync.h). Sums, not means: losses are sums over targets, and their number over
// all ranks is known only when all have counted. Buckets stay as they are given, for the order of additions depends on them:
// that is why the Reducer is told to expect unused parameters, with which it never makes other buckets.
#include "host/dist/gradient_sync.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <array>
#include <string>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <unordered_map>
#include <utility>

#include "host/train/shards.h"

namespace temper {
namespace {

using BackendPtr = c10::intrusive_ptr<c10d::Backend>;
using FuturePtr = c10::intrusive_ptr<c10::ivalue::Future>;

/// Every rank gets the whole sum.
class SumHook final : public c10d::CppCommHookInterface<BackendPtr> {
 public:
  using CppCommHookInterface::CppCommHookInterface;
  FuturePtr runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> tensors{bucket.getBufferRef()};
    return state_->allreduce(tensors)->getFuture();
  }
};

/// Pieces of shards' sums under way at once.
constexpr std::size_t kUnderWay = 4;

/// A piece whose sum may be under way. Its room is kept for the next one.
struct Piece {
  c10::intrusive_ptr<c10d::Work> work;
  at::Tensor whole, own, into;  ///< what is summed, this rank's part of it, and its place in the bucket

  void finish() {
    if (!work) return;
    work->wait();
    work.reset();
    into.copy_(own.narrow(0, 0, into.numel()));
  }
  /// Elements of every rank; a bucket of another type gets other room.
  void make_room(std::int64_t size, std::int64_t ranks, const at::TensorOptions& options) {
    if (whole.defined() && whole.numel() >= size * ranks && whole.scalar_type() == options.dtype()) return;
    whole = at::empty({size * ranks}, options);
    own = at::empty({size}, options);
  }
};
using Pieces = std::array<Piece, kUnderWay>;

/// Every rank gets the sum of its shard; what else is in its bucket is of no use. The Reducer is told that all is done,
/// since not every engine's work of this kind tells its end; whoever holds the pieces waits for them.
class ScatterHook final : public c10d::CommHookInterface {
 public:
  ScatterHook(BackendPtr backend, Pieces& pieces) : backend_(std::move(backend)), pieces_(pieces) {}
  FuturePtr runHook(c10d::GradBucket& bucket) override {
    const at::Tensor buffer = bucket.getBufferRef();
    const std::int64_t ranks = backend_->getSize(), elements = buffer.numel(), size = shard_size(elements, ranks);
    const std::int64_t longest = std::min(size, piece_size(buffer, ranks));
    for (std::int64_t first = 0; first < size; first += longest) {
      const std::int64_t count = std::min(longest, size - first);
      const auto part_of_rank = [&](std::int64_t rank) {
        const std::int64_t begin = std::min(elements, rank * size + first);
        return buffer.slice(0, begin, std::min(elements, begin + count));
      };
      Piece& piece = pieces_[next_++ % kUnderWay];
      piece.finish();
      piece.make_room(longest, ranks, buffer.options());
      at::Tensor whole = piece.whole.narrow(0, 0, count * ranks), own = piece.own.narrow(0, 0, count);
      for (std::int64_t rank = 0; rank < ranks; ++rank) {
        const at::Tensor part = part_of_rank(rank);
        whole.narrow(0, rank * count, part.numel()).copy_(part);
        whole.narrow(0, rank * count + part.numel(), count - part.numel()).zero_();
      }
      piece.into = part_of_rank(backend_->getRank());
      piece.work = backend_->_reduce_scatter_base(own, whole);
    }
    auto done = c10::make_intrusive<c10::ivalue::Future>(c10::TensorType::get());
    done->markCompleted(buffer);
    return done;
  }
  at::Tensor parseHookResult(const c10::IValue& result) override { return result.toTensor(); }

 private:
  BackendPtr backend_;
  Pieces& pieces_;
  std::size_t next_ = 0;
};

class ReducerSync final : public GradientSync {
 public:
  ReducerSync(const c10::intrusive_ptr<c10d::ProcessGroup>& group, const BackendPtr& backend,
              const std::vector<at::Tensor>& parameters, const std::vector<std::vector<std::size_t>>& buckets, bool scatter,
              ExplainFailure explain)
      : first_(parameters.front()),
        explain_(std::move(explain)),
        reducer_(std::make_unique<c10d::Reducer>(
            parameters, buckets, group, std::vector<bool>(parameters.size(), false), c10d::kDefaultBucketBytesCap,
            /*find_unused_parameters=*/true, /*gradient_as_bucket_view=*/true,
            std::unordered_map<std::size_t, std::string>{}, c10d::kDefaultFirstBucketBytes,
            /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false, std::vector<std::int64_t>{})) {
    if (scatter) {
      reducer_->register_comm_hook(std::make_unique<ScatterHook>(backend, pieces_));
    } else {
      reducer_->register_comm_hook(std::make_unique<SumHook>(backend));
    }
  }

  void backward(const at::Tensor& loss) override {
    // The Reducer waits for at least one gradient, so a rank without targets gives zeros through one of them.
    const at::Tensor root = loss.defined() ? loss : first_.sum() * 0;
    try {
      prepare(root);
      root.backward();
      for (auto& piece : pieces_) piece.finish();
    } catch (const std::exception& error) {
      explain_(error);
    }
  }

 private:
  /// Without its warning that unused parameters were expected where there are none: that is meant.
  void prepare(const at::Tensor& root) {
    struct Silence final : c10::WarningHandler {
      void process(const c10::Warning&) override {}
    } silence;
    const c10::WarningUtils::WarningHandlerGuard guard(&silence);
    reducer_->prepare_for_backward({root});
  }

  at::Tensor first_;
  Pieces pieces_;
  ExplainFailure explain_;
  std::unique_ptr<c10d::Reducer> reducer_;
};

}  // namespace

std::unique_ptr<GradientSync> make_gradient_sync(const c10::intrusive_ptr<c10d::ProcessGroup>& group,
                                                 const c10::intrusive_ptr<c10d::Backend>& backend,
                                                 const std::vector<at::Tensor>& parameters,
                                                 const std::vector<std::vector<std::size_t>>& buckets, bool scatter,
                                                 ExplainFailure explain) {
  return std::make_unique<ReducerSync>(group, backend, parameters, buckets, scatter, std::move(explain));
}

}  // namespace temper
