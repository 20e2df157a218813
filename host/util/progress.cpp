// Live and plain progress lines on stderr (see progress.h), so that stdout stays free for results.
#include "host/util/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace temper {
namespace {

constexpr std::chrono::milliseconds kLiveInterval{100};
constexpr std::chrono::seconds kPlainInterval{10};

std::size_t terminal_width() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20) return size.ws_col;
  return 100;
}

}  // namespace

ProgressStyle progress_style(bool quiet) {
  if (quiet) return ProgressStyle::kQuiet;
  return isatty(STDERR_FILENO) ? ProgressStyle::kLive : ProgressStyle::kPlain;
}

std::string format_duration(double seconds) {
  const auto total = static_cast<std::int64_t>(seconds + 0.5);
  char text[32];
  if (total >= 3600) {
    std::snprintf(text, sizeof text, "%ldh%02ldm", static_cast<long>(total / 3600), static_cast<long>(total % 3600 / 60));
  } else if (total >= 60) {
    std::snprintf(text, sizeof text, "%ldm%02lds", static_cast<long>(total / 60), static_cast<long>(total % 60));
  } else {
    std::snprintf(text, sizeof text, "%lds", static_cast<long>(total));
  }
  return text;
}

TerminalProgress::~TerminalProgress() { end(); }

void TerminalProgress::begin(const std::string& what, std::int64_t total) {
  const std::lock_guard lock(mutex_);
  what_ = what;
  note_.clear();
  total_ = total;
  done_ = 0;
  first_done_ = -1;
  open_ = true;
  begin_ = std::chrono::steady_clock::now();
  last_draw_ = begin_;
}

void TerminalProgress::update(std::int64_t done, const std::string& note) {
  const std::lock_guard lock(mutex_);
  // A resumed run starts in the middle; the ETA counts only what this process did.
  if (first_done_ < 0) first_done_ = std::max<std::int64_t>(0, done - 1);
  done_ = done;
  note_ = note;
  const auto now = std::chrono::steady_clock::now();
  const auto interval = style_ == ProgressStyle::kLive ? std::chrono::steady_clock::duration(kLiveInterval)
                                                       : std::chrono::steady_clock::duration(kPlainInterval);
  if (now - last_draw_ < interval) return;
  last_draw_ = now;
  draw(false);
}

void TerminalProgress::draw(bool last) {
  if (style_ == ProgressStyle::kQuiet) return;
  const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
  std::string line = what_ + "  " + std::to_string(done_);
  if (total_ > 0) line += "/" + std::to_string(total_);
  if (!note_.empty()) line += "  " + note_;
  const std::int64_t fresh = done_ - std::max<std::int64_t>(0, first_done_);
  if (last) {
    line += "  in " + format_duration(elapsed);
  } else if (total_ > 0 && fresh > 0) {
    line += "  ETA " + format_duration(elapsed / static_cast<double>(fresh) * static_cast<double>(total_ - done_));
  }
  if (style_ == ProgressStyle::kLive) {
    line.resize(std::min(line.size(), terminal_width() - 1));
    std::fprintf(stderr, "\r\x1b[K%s%s", line.c_str(), last ? "\n" : "");
    drawn_ = !last;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

void TerminalProgress::clear_line() {
  if (drawn_) std::fprintf(stderr, "\r\x1b[K");
  drawn_ = false;
}

void TerminalProgress::end() {
  const std::lock_guard lock(mutex_);
  if (!open_) return;
  open_ = false;
  draw(true);
}

void TerminalProgress::say(const std::string& line) {
  const std::lock_guard lock(mutex_);
  if (style_ == ProgressStyle::kQuiet) return;
  clear_line();
  std::fprintf(stderr, "%s\n", line.c_str());
  std::fflush(stderr);
}

}  // namespace temper
