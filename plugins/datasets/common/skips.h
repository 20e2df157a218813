// The `on_error` parameter: a bad line ends the run, or is counted and named once at the end of the stream.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/error.h"

namespace temper::dataset_io {

class Skips {
 public:
  Skips(std::string dataset, bool skip) : dataset_(std::move(dataset)), skip_(skip) {}
  /// Throws DataError(problem) unless bad lines are to be skipped.
  void bad(const std::string& problem);
  std::int64_t count() const { return count_; }
  bool skipping() const { return skip_; }
  const std::vector<std::string>& faults() const { return faults_; }  ///< the first of them
  /// Writes one line to stderr if anything was skipped: skipping is never silent.
  void report() const;

 private:
  std::string dataset_;
  std::vector<std::string> faults_;
  bool skip_;
  std::int64_t count_ = 0;
};

}  // namespace temper::dataset_io
