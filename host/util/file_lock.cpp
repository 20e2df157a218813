// flock() and what its failures mean (see file_lock.h).
#include "host/util/file_lock.h"

#include <sys/file.h>

#include <cerrno>
#include <cstring>

#include "temper/error.h"

namespace temper {

bool try_lock_file(int handle, const std::filesystem::path& path, const std::string& fix) {
  int failed = 0;
  do {
    failed = flock(handle, LOCK_EX | LOCK_NB);
  } while (failed != 0 && errno == EINTR);
  if (failed == 0) return true;
  if (errno == EWOULDBLOCK) return false;
  throw DataError("cannot lock '" + path.string() + "': " + std::strerror(errno) + "; " + fix);
}

}  // namespace temper
