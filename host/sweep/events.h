// What happened in a sweep, one line an event in <sweep>/events.jsonl: written by the coordinator, read by `temper status`
// and by people. It decides nothing: what is done is in the records and in the cache.
#pragma once

#include <filesystem>
#include <string>

namespace temper {

struct SweepEvent {
  std::string task;    ///< "learning_rate=0.001-s1 sft"
  std::string event;   ///< "queued", "start", "done", "failed", ...
  double seconds = 0;  ///< 0: not known
  std::string reason = {}, where = {};
};

/// Whether it could be written.
bool append_event(const std::filesystem::path& sweep, const SweepEvent& event);

}  // namespace temper
