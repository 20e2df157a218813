// Files that are whole or not there, and what lies in a folder.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "catch.h"
#include "folder.h"
#include "host/util/file_lock.h"
#include "host/util/files.h"
#include "temper/error.h"

using namespace temper;
using temper::test::Folder;
namespace fs = std::filesystem;

namespace {

/// The current folder of the process, for as long as this lives.
class CurrentFolder {
 public:
  explicit CurrentFolder(const fs::path& folder) : before_(fs::current_path()) { fs::current_path(folder); }
  ~CurrentFolder() { fs::current_path(before_); }
  CurrentFolder(const CurrentFolder&) = delete;
  CurrentFolder& operator=(const CurrentFolder&) = delete;

 private:
  fs::path before_;
};

}  // namespace

TEST_CASE("files and folders are published under plain names too") {
  const Folder folder;
  const CurrentFolder here(folder.path());
  write_file_atomically("plain.txt", "one");
  write_file_atomically("plain.txt", "two");
  CHECK(read_text_file("plain.txt") == "two");
  for (const std::string content : {"first", "second"}) {
    create_folders("made.staging");
    write_file_atomically("made.staging/file", content);
    publish_folder("made.staging", "made");
    CHECK(read_text_file("made/file") == content);
  }
  CHECK(folder.names().size() == 2);
}

TEST_CASE("a folder's files of one sort come by name") {
  const Folder folder;
  for (const char* name : {"b.h5", "a.h5", "c.txt", "below/d.h5"}) folder.write(name, "");
  CHECK(files_in(folder.path(), ".h5") == std::vector<fs::path>{folder / "a.h5", folder / "b.h5"});
  CHECK(files_in(folder.path(), ".csv").empty());
}

TEST_CASE("a lock that another has is waited for, one that cannot be is an error") {
  const Folder folder;
  const fs::path path = folder.path() / "lock";
  const int first = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666), second = open(path.c_str(), O_RDWR | O_CLOEXEC);
  CHECK(try_lock_file(first, path, "fix"));
  CHECK_FALSE(try_lock_file(second, path, "fix"));
  close(first);
  CHECK(try_lock_file(second, path, "fix"));
  close(second);
  // Not open any more: whoever waited for this lock would wait for ever.
  CHECK_THROWS_AS(try_lock_file(second, path, "fix"), DataError);
}
