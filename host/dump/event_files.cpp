// TensorBoard's event files (see event_files.h).
#include "host/dump/event_files.h"

#include <bit>
#include <boost/crc.hpp>
#include <ctime>
#include <set>

#include "host/record/names.h"
#include "host/record/record_reader.h"
#include "host/util/files.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

template <class Number>
void add_little_endian(std::string& bytes, Number value) {
  for (std::size_t i = 0; i < sizeof value; ++i) bytes += static_cast<char>(value >> (8 * i) & 0xff);
}

/// CRC-32C (Castagnoli), turned and shifted so that a check sum of data with check sums in it stays one.
std::uint32_t masked_crc(std::string_view data) {
  boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true> crc;
  crc.process_bytes(data.data(), data.size());
  const std::uint32_t sum = crc.checksum();
  return ((sum >> 15) | (sum << 17)) + 0xa282ead8U;
}

/// Wire types of protocol buffers.
enum class Wire { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void add_varint(std::string& bytes, std::uint64_t value) {
  while (value >= 0x80) {
    bytes += static_cast<char>(value | 0x80);
    value >>= 7;
  }
  bytes += static_cast<char>(value);
}

void add_key(std::string& bytes, unsigned field, Wire wire) { add_varint(bytes, field << 3 | static_cast<unsigned>(wire)); }

void add_bytes(std::string& bytes, unsigned field, const std::string& content) {
  add_key(bytes, field, Wire::kBytes);
  add_varint(bytes, content.size());
  bytes += content;
}

std::string event_at(double wall_time) {
  std::string event;
  add_key(event, 1, Wire::kFixed64);
  add_little_endian(event, std::bit_cast<std::uint64_t>(wall_time));
  return event;
}

/// Seconds since 1970 of "2026-01-31T12:00:00Z"; 0 if it is not that.
std::time_t seconds_of(const std::string& time) {
  std::tm utc{};
  return strptime(time.c_str(), "%Y-%m-%dT%H:%M:%SZ", &utc) == nullptr ? 0 : timegm(&utc);
}

std::string events_of(const RecordReader& reader, const std::string& stage, double wall_time) {
  std::string events = framed_record(version_event(wall_time));
  for (const auto& metric : reader.log_names(stage)) {
    for (const auto& point : reader.log(stage, metric)) {
      events += framed_record(scalar_event(wall_time, point.step, metric, static_cast<float>(point.value)));
    }
  }
  const std::int64_t last = reader.stage(stage).steps;
  for (const auto& evaluator : reader.evaluators(stage)) {
    for (const auto& metric : reader.eval(stage, evaluator).metrics) {
      events +=
          framed_record(scalar_event(wall_time, last, evaluator + "/" + metric.spec.name, static_cast<float>(metric.value)));
    }
  }
  return events;
}

}  // namespace

std::string framed_record(std::string_view data) {
  std::string record;
  add_little_endian(record, static_cast<std::uint64_t>(data.size()));
  add_little_endian(record, masked_crc(record));
  record += data;
  add_little_endian(record, masked_crc(data));
  return record;
}

std::string version_event(double wall_time) {
  std::string event = event_at(wall_time);
  add_bytes(event, 3, "brain.Event:2");
  return event;
}

std::string scalar_event(double wall_time, std::int64_t step, const std::string& tag, float value) {
  std::string entry, summary, event = event_at(wall_time);
  add_bytes(entry, 1, tag);
  add_key(entry, 2, Wire::kFixed32);
  add_little_endian(entry, std::bit_cast<std::uint32_t>(value));
  add_bytes(summary, 1, entry);
  add_key(event, 2, Wire::kVarint);
  add_varint(event, static_cast<std::uint64_t>(step));
  add_bytes(event, 5, summary);
  return event;
}

void write_event_files(const std::vector<fs::path>& records, const fs::path& folder) {
  std::set<std::string> seen;
  for (const auto& path : records) {
    const RecordReader reader(path);
    const std::string run = reader.attribute("run_id");
    if (!seen.insert(run).second) {
      throw DataError("'" + path.string() + "' is a second record of run " + run + "; write the two into different folders");
    }
    const std::time_t created = seconds_of(reader.attribute("created"));
    for (const auto& stage : reader.stage_names()) {
      const fs::path place = folder / to_link_name(run) / to_link_name(stage);
      create_folders(place);
      write_file_atomically(place / ("events.out.tfevents." + std::to_string(created) + ".temper"),
                            events_of(reader, stage, static_cast<double>(created)));
    }
  }
}

}  // namespace temper
