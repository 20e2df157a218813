// Points in time as records, logs and locks have them.
#pragma once

#include <ctime>
#include <string>

namespace temper {

/// "2026-01-31T12:00:00Z", of now.
inline std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return text;
}

}  // namespace temper
