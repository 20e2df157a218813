// What a record keeps in memory while it is written: the image, rows not yet in it, and when to flush. Shared by
// run_record.cpp (single values) and transfer.cpp (whole parts); nobody else includes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/record/image_file.h"
#include "host/record/run_record.h"
#include "host/record/table.h"

namespace temper {

using RecordClock = std::chrono::steady_clock;
inline constexpr auto kShortestPause = std::chrono::seconds(2);

struct Series {
  std::vector<std::int64_t> steps;
  std::vector<double> values;
};

Table log_table(Series series);
h5::Handle open_log(hid_t stage, const std::string& metric);

struct RunRecord::State {
  State() = default;  ///< of a record that is not kept
  explicit State(const std::filesystem::path& where) : path(where), lock(std::in_place, where) {}

  std::filesystem::path path;  ///< empty: not kept
  std::optional<WriterLock> lock;
  h5::Handle file;
  /// Rows logged since the last flush; a declared metric has an entry, also when that is empty.
  std::map<std::string, std::map<std::string, Series>> log;
  std::vector<DataRow> data;
  bool changed = false;
  RecordClock::time_point due = RecordClock::now() + kShortestPause;

  h5::Handle stage(const std::string& name);  ///< its group, made if it is not there
  void write_log();                           ///< buffered rows into the image
  void save();
};

}  // namespace temper
