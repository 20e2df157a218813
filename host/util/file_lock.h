// Whether a lock on an open file was got at once, the same for all that share a folder between processes.
#pragma once

#include <filesystem>
#include <string>

namespace temper {

/// Tries to lock the open file `handle` for this process alone; false if another process has it. The lock ends when the
/// handle is closed. Throws DataError where the file system has no locks, with `path` and what to do (`fix`).
bool try_lock_file(int handle, const std::filesystem::path& path, const std::string& fix);

}  // namespace temper
