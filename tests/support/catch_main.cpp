// Catch2's main, compiled once for all suites. What a suite writes into the folder for temporary files goes into one of its
// own, gone at the end: two runs of a suite at once never meet.
#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_session.hpp>
#else
#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>
#endif

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace {

class OwnTemporaryFolder {
 public:
  OwnTemporaryFolder() : path_((std::filesystem::temp_directory_path() / "temper-suite-XXXXXX").string()) {
    if (mkdtemp(path_.data()) == nullptr) throw std::runtime_error("cannot make a folder " + path_);
    setenv("TMPDIR", path_.c_str(), /*overwrite=*/1);
  }
  ~OwnTemporaryFolder() {
    if (getpid() != owner_) return;  // a child that a test has forked
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  OwnTemporaryFolder(const OwnTemporaryFolder&) = delete;
  OwnTemporaryFolder& operator=(const OwnTemporaryFolder&) = delete;

 private:
  std::string path_;
  pid_t owner_ = getpid();
};

}  // namespace

int main(int argc, char** argv) {
  static const OwnTemporaryFolder folder;  // also gone after std::exit
  return Catch::Session().run(argc, argv);
}
