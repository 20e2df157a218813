// Counting bad lines (see skips.h).
#include "skips.h"

#include <iostream>

namespace temper::dataset_io {

void Skips::bad(const std::string& problem) {
  if (!skip_) throw DataError(problem + ", or set on_error to skip");
  if (count_++ == 0) first_ = problem;
}

void Skips::report() const {
  if (count_ == 0) return;
  std::cerr << "dataset " << dataset_ << ": skipped " << count_ << (count_ == 1 ? " bad line" : " bad lines")
            << "; the first: " << first_ << "\n";
}

}  // namespace temper::dataset_io
