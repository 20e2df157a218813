// One batch ahead (see prefetch.h).
#include "host/data/prefetch.h"

#include <utility>

namespace temper {

PrefetchedBatches::PrefetchedBatches(std::unique_ptr<BatchSource> source)
    : source_(std::move(source)), position_(source_->position()), epochs_done_(source_->epochs_done()) {}

PrefetchedBatches::~PrefetchedBatches() { finish_pending(); }

void PrefetchedBatches::finish_pending() {
  if (pending_.valid()) pending_.wait();
  pending_ = {};
}

void PrefetchedBatches::start() {
  pending_ = std::async(std::launch::async, [this] {
    Built built;
    built.batch = source_->next();
    built.position = source_->position();
    built.epochs_done = source_->epochs_done();
    return built;
  });
}

Batch PrefetchedBatches::next() {
  if (!pending_.valid()) start();
  Built built = pending_.get();  // an error of the source comes out here, with the batch it belongs to
  position_ = std::move(built.position);
  epochs_done_ = built.epochs_done;
  start();
  return std::move(built.batch);
}

void PrefetchedBatches::restore(const std::string& position) {
  finish_pending();
  source_->restore(position);
  position_ = source_->position();
  epochs_done_ = source_->epochs_done();
}

}  // namespace temper
