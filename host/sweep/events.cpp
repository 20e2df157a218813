// The log of a sweep's events (see events.h).
#include "host/sweep/events.h"

#include <fcntl.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "host/util/time_text.h"

namespace temper {

bool append_event(const std::filesystem::path& sweep, const SweepEvent& event) {
  using Json = nlohmann::ordered_json;
  Json line = {{"time", now_text()}, {"task", event.task}, {"event", event.event}};
  if (!event.where.empty()) line["where"] = event.where;
  if (event.seconds > 0) line["seconds"] = event.seconds;
  if (!event.reason.empty()) line["reason"] = event.reason;
  const std::string text = line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  const int file = open((sweep / "events.jsonl").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return false;
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  close(file);
  return written;
}

}  // namespace temper
