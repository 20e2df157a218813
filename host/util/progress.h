// Progress for people: one live line on a terminal, a plain line every ten seconds elsewhere, nothing with --quiet.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "temper/context.h"

namespace temper {

enum class ProgressStyle { kLive, kPlain, kQuiet };

class TerminalProgress final : public Progress {
 public:
  explicit TerminalProgress(ProgressStyle style) : style_(style) {}
  ~TerminalProgress() override;

  void begin(const std::string& what, std::int64_t total) override;
  void update(std::int64_t done, const std::string& note) override;
  void end() override;
  /// A line of its own that stays.
  void say(const std::string& line);

 private:
  void draw(bool last);
  void clear_line();

  ProgressStyle style_;
  std::mutex mutex_;
  std::string what_, note_;
  std::int64_t total_ = 0, done_ = 0, first_done_ = -1;
  bool open_ = false, drawn_ = false;
  std::chrono::steady_clock::time_point begin_, last_draw_;
};

/// kLive if stderr is a terminal, else kPlain; kQuiet if asked.
ProgressStyle progress_style(bool quiet);
/// "1h02m", "3m20s", "12s".
std::string format_duration(double seconds);

}  // namespace temper
