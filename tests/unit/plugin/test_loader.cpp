// Loading: every broken library has a message of its own, nothing of it stays, and the others still load.
#include <catch.h>

#include <cstdlib>

#include "host/plugin/abi_probe.h"
#include "host/plugin/library.h"
#include "host/plugin/loader.h"
#include "support.h"
#include "temper/error.h"

namespace fs = std::filesystem;
using namespace temper;
using namespace temper::test;

namespace {

std::string why_refused(const fs::path& file) {
  Registry registry;
  try {
    load_library(file, registry);
  } catch (const PluginError& error) {
    CHECK(registry.list().empty());
    return error.what();
  }
  return "loaded";
}

}  // namespace

TEST_CASE("a sound library is loaded and described") {
  Registry registry;
  load_library(fixture("good"), registry);
  REQUIRE(registry.list().size() == 1);
  const PluginInfo& info = registry.origin("dataset", "good");
  CHECK(info.version == "1.2.3");
  CHECK(info.abi_tag == host_abi_tag());
  CHECK(info.path == fixture("good"));
  CHECK(info.sha256().size() == 64);
}

TEST_CASE("a library of another SDK or LibTorch is refused with both sides, and none of its code runs") {
  unsetenv("TEMPER_FIXTURE_RAN");
  const std::string sdk = why_refused(fixture("wrong_sdk")), torch = why_refused(fixture("wrong_torch"));
  CHECK(std::getenv("TEMPER_FIXTURE_RAN") == nullptr);
  // The same code does leave the trace when it may run.
  CHECK(why_refused(fixture("throws_in_register")) != "loaded");
  CHECK(std::getenv("TEMPER_FIXTURE_RAN") != nullptr);

  std::string ours_sdk, ours_torch;
  for (const auto& [name, value] : parse_abi_tag(host_abi_tag())) {
    if (name == "sdk") ours_sdk = value;
    if (name == "torch") ours_torch = value;
  }
  CHECK_THAT(sdk, ContainsSubstring("0.0.9+0123456789ab") && ContainsSubstring(ours_sdk) && ContainsSubstring("Rebuild"));
  CHECK_THAT(torch, ContainsSubstring("1.13.1+cpu") && ContainsSubstring(ours_torch) && ContainsSubstring("Rebuild"));
  CHECK(sdk.find("1.13.1") == std::string::npos);
}

TEST_CASE("every broken library has its own message") {
  const std::pair<const char*, const char*> cases[] = {
      {"no_symbol", "does not export the symbol temper_plugin"},
      {"no_tag", "no ABI tag"},
      {"bad_descriptor", "its descriptor has version 99"},
      {"two_tags", "TEMPER-ABI|sdk=another|end"},
      {"throws_in_register", "its registration failed: the tables are not ready"},
      {"default_out_of_range", "size"},
      {"bad_id", "'Bad-Id', which is not allowed"},
      {"no_summary", "registers 'no_summary' without a summary"},
      {"broken_params", "declares parameter 'share' of 'sound' twice"},
  };
  for (const auto& [name, text] : cases) {
    INFO(name);
    CHECK_THAT(why_refused(fixture(name)), ContainsSubstring(text));
  }
}

TEST_CASE("two libraries with one id are both named") {
  Registry registry;
  load_library(fixture("good"), registry);
  try {
    load_library(fixture("duplicate_id"), registry);
    FAIL("the duplicate was accepted");
  } catch (const PluginError& error) {
    CHECK_THAT(error.what(), ContainsSubstring("registers dataset 'good'") && ContainsSubstring(fixture("good").string()));
  }
  CHECK(registry.list().size() == 1);
  CHECK(registry.origin("dataset", "good").path == fixture("good"));
}

TEST_CASE("broken libraries do not keep the others from loading, and asking for one tells why") {
  std::vector<fs::path> folders;
  for (const char* name : {"wrong_torch", "no_symbol", "good", "throws_in_register"})
    folders.push_back(fixture_folder(name));
  const PluginHost host = load_plugins(folders);
  CHECK(host.registry.ids("dataset") == std::vector<std::string>{"good"});
  REQUIRE(host.failures.size() == 3);
  CHECK(host.failures[0].file == fixture("wrong_torch"));
  CHECK_THROWS_WITH(host.registry.find("dataset", "wrong_torch"),
                    ContainsSubstring("could not be loaded") && ContainsSubstring("1.13.1+cpu"));
  CHECK_THROWS_WITH(host.registry.find("dataset", "goods"), ContainsSubstring("did you mean 'good'"));
  CHECK_THROWS_AS(host.registry.find("dataset", "goods"), ConfigError);
}

TEST_CASE("folders and files that everybody may write to are refused") {
  const Folder folder;
  const fs::path file = folder.path() / "dataset_sound.so";
  fs::copy(fixture("good"), file);
  REQUIRE(why_refused(file) == "loaded");
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  CHECK_THAT(why_refused(file), ContainsSubstring("plugin file") && ContainsSubstring("written by everybody"));
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  fs::permissions(folder.path(), fs::perms::others_write, fs::perm_options::add);
  CHECK_THAT(why_refused(file), ContainsSubstring("plugin folder") && ContainsSubstring("written by everybody"));

  // A link from a safe folder is as unsafe as its target.
  const Folder safe;
  fs::create_symlink(file, safe.path() / "dataset_sound.so");
  CHECK_THAT(why_refused(safe.path() / "dataset_sound.so"), ContainsSubstring("written by everybody"));
}

TEST_CASE("a file that is not there, or a link to nothing, is an error with its name") {
  const Folder folder;
  CHECK_THAT(why_refused(folder.path() / "dataset_none.so"), ContainsSubstring("dataset_none.so"));
  fs::create_symlink(folder.path() / "gone.so", folder.path() / "dataset_link.so");
  CHECK_THAT(why_refused(folder.path() / "dataset_link.so"), ContainsSubstring("dataset_link.so"));
  const PluginHost host = load_plugins({folder.path()});
  CHECK(host.failures.size() == 1);
}

TEST_CASE("plugin folders come from TEMPER_PLUGIN_PATH and --plugin-path, each once") {
  const Folder a, b;
  setenv("TEMPER_PLUGIN_PATH", (a.path().string() + "::" + b.path().string()).c_str(), 1);
  const auto folders = plugin_folders({b.path().string(), fixture_folder("good").string()});
  REQUIRE(folders.size() >= 3);
  CHECK(std::vector<fs::path>(folders.end() - 3, folders.end()) ==
        std::vector<fs::path>{fs::canonical(a.path()), fs::canonical(b.path()), fs::canonical(fixture_folder("good"))});
  setenv("TEMPER_PLUGIN_PATH", "/no/such/folder", 1);
  CHECK_THROWS_WITH(plugin_folders({}), ContainsSubstring("TEMPER_PLUGIN_PATH") && ContainsSubstring("/no/such/folder"));
  CHECK_THROWS_AS(plugin_folders({}), ConfigError);
  unsetenv("TEMPER_PLUGIN_PATH");
  CHECK_THROWS_WITH(plugin_folders({"/no/such/folder"}), ContainsSubstring("--plugin-path"));
}
