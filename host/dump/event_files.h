// Records as TensorBoard's event files: <folder>/<run_id>/<stage>/events.out.tfevents.<time>.temper, a scalar for each point
// of a stage's log under the metric's name, and one for each metric of an evaluation, as EVALUATOR/METRIC at the stage's
// last step. A record keeps no time for each step, so all points have the time at which the run was created: look at them by
// step. TensorBoard holds numbers in 32 bits. An event file is TFRecords of Event messages:
//   TFRecord  length (8 bytes, little-endian), masked CRC-32C of it, the bytes, masked CRC-32C of them
//   Event     1 wall_time double, 2 step int64, 3 file_version string or 5 summary {1 value {1 tag, 2 simple_value float}}
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace temper {

/// One TFRecord around `data`.
std::string framed_record(std::string_view data);
/// The serialized Event that holds one number.
std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, float value);
/// The Event that a file begins with.
std::string version_event(double wall_time);

/// Into a folder that exists. Throws DataError for a record that cannot be read, two runs of one name, and where the folder
/// cannot be written.
void write_event_files(const std::vector<std::filesystem::path>& records, const std::filesystem::path& folder);

}  // namespace temper
