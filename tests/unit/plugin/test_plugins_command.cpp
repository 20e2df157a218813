// `temper plugins` as a person or a program calls it: what comes out, and the exit code.
#include <catch.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/plugin/new_plugin.h"
#include "host/plugin/plugins_command.h"
#include "support.h"

namespace fs = std::filesystem;
using namespace temper;
using namespace temper::test;
using nlohmann::json;

namespace {

struct Ran {
  int code;
  std::string out, err;
};

Ran plugins(const std::vector<std::string>& args) {
  std::ostringstream out, err;
  const int code = plugins_command(args, out, err);
  return {code, out.str(), err.str()};
}

}  // namespace

TEST_CASE("plugins list shows plugins and failures, and ends with 0") {
  const std::string good = fixture_folder("good").string(), wrong = fixture_folder("wrong_sdk").string();
  const Ran text = plugins({"list", "--plugin-path", good, "--plugin-path", wrong});
  CHECK(text.code == 0);
  CHECK_THAT(text.out, ContainsSubstring("good") && ContainsSubstring("1.2.3"));
  CHECK_THAT(text.out + text.err, ContainsSubstring("0.0.9+0123456789ab"));

  const Ran listed = plugins({"list", "--format", "json", "--plugin-path", good, "--plugin-path=" + wrong});
  const json all = json::parse(listed.out);
  bool found = false;
  for (const auto& one : all["plugins"]) {
    if (one["id"] != "good") continue;
    found = true;
    CHECK(one["kind"] == "dataset");
    CHECK(one["version"] == "1.2.3");
    CHECK(one["path"] == fixture("good").string());
    CHECK(one["parameters"].is_array());
    CHECK_FALSE(one["summary"].get<std::string>().empty());
  }
  CHECK(found);
  REQUIRE(all["failures"].size() == 1);
  CHECK(all["failures"][0]["file"] == fixture("wrong_sdk").string());
}

TEST_CASE("plugins describe gives the parameters, or says what there is") {
  const std::string params = fixture_folder("broken_datasets").string();
  CHECK_THAT(plugins({"describe", "restartable", "--plugin-path", params}).out, ContainsSubstring("dataset restartable"));
  const json one = json::parse(plugins({"describe", "restartable", "--format", "json", "--plugin-path", params}).out);
  CHECK(one["kind"] == "dataset");
  const Ran wrong = plugins({"describe", "restartble", "--plugin-path", params});
  CHECK(wrong.code == 2);
  CHECK_THAT(wrong.err, ContainsSubstring("did you mean 'restartable'"));
  CHECK(plugins({"describe", "wrong_torch", "--plugin-path", fixture_folder("wrong_torch").string()}).code == 4);
}

TEST_CASE("plugins check gives 0, 4 and 2") {
  CHECK(plugins({"check", fixture("good").string()}).code == 0);
  const Ran broken = plugins({"check", fixture("prints").string(), "--format", "json"});
  CHECK(broken.code == 4);
  const json report = json::parse(broken.out);
  CHECK(report["failed"] == 1);
  const Ran only = plugins({"check", fixture("prints").string(), "--only", "library.threads"});
  CHECK(only.code == 0);
  CHECK(only.out.find("library.quiet") == std::string::npos);
  CHECK(plugins({"check", fixture("good").string(), "--only", "library.treads"}).code == 2);
  CHECK(plugins({"check", "no_such_file.so"}).code == 2);
  CHECK(plugins({"check", fixture("wrong_torch").string()}).code == 4);
  CHECK(plugins({"check", fixture("crashes").string()}).code == 4);
}

TEST_CASE("plugins new writes a project of every kind, and refuses bad names") {
  const Folder folder;
  for (const auto& kind : template_kinds()) {
    const std::string name = "my_" + kind;
    const Ran made = plugins({"new", kind, name, "--out", folder.path().string()});
    INFO(made.err);
    REQUIRE(made.code == 0);
    for (const auto& file : std::vector<std::string>{"CMakeLists.txt", "README.md", name + ".cpp"}) {
      const fs::path path = folder.path() / name / file;
      REQUIRE(fs::exists(path));
      std::ostringstream text;
      text << std::ifstream(path).rdbuf();
      CHECK(text.str().find("@name@") == std::string::npos);
      CHECK(text.str().find("@Name@") == std::string::npos);
      CHECK_THAT(text.str(), ContainsSubstring(name));
    }
  }
  const std::string out = folder.path().string();
  CHECK(plugins({"new", "stage", "my_stage", "--out", out}).code == 2);
  CHECK(plugins({"new", "stage", "My-Stage", "--out", out}).code == 2);
  CHECK(plugins({"new", "stage", "../up", "--out", out}).code == 2);
  CHECK(plugins({"new", "stages", "other", "--out", out}).code == 2);
}

TEST_CASE("help everywhere, and mistakes are one line") {
  CHECK(plugins({"--help"}).code == 0);
  for (const char* command : {"list", "describe", "check", "new"}) {
    const Ran help = plugins({command, "--help"});
    CHECK(help.code == 0);
    CHECK_THAT(help.out, ContainsSubstring("usage: temper plugins"));
  }
  CHECK(plugins({}).code == 2);
  CHECK_THAT(plugins({"lst"}).err, ContainsSubstring("did you mean 'list'"));
  CHECK_THAT(plugins({"list", "--fromat", "json"}).err, ContainsSubstring("did you mean '--format'"));
  CHECK(plugins({"list", "--format", "xml"}).code == 2);
}
