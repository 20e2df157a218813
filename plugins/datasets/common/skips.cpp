// Counting bad lines (see skips.h).
#include "skips.h"

#include <iostream>

namespace temper::dataset_io {

void Skips::bad(const std::string& problem) {
  if (!skip_) throw DataError(problem + ", or set on_error to skip");
  constexpr std::int64_t kMostFaults = 100;
  if (count_++ < kMostFaults) faults_.push_back(problem);
}

void Skips::report() const {
  if (count_ == 0) return;
  std::cerr << "dataset " << dataset_ << ": skipped " << count_ << (count_ == 1 ? " bad line" : " bad lines")
            << "; the first: " << faults_.front() << "\n";
}

}  // namespace temper::dataset_io
