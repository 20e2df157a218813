// Files that cannot be read as an experiment at all, and what a read one knows of its file.
#include "support.h"

using namespace config_test;

namespace {

std::string data_error(const std::filesystem::path& file) {
  return error_from<DataError>([&] { load_experiment(file, {}, catalog()); });
}

}  // namespace

TEST_CASE("an experiment knows its file, folder and text") {
  const Folder folder;
  const auto file = folder.write("sub/quick.yaml", kBase);
  const auto experiment = load_experiment(file, {}, catalog());
  CHECK(experiment.name == "quick");
  CHECK(experiment.path == file);
  CHECK(experiment.base_dir == folder.path() / "sub");
  CHECK(experiment.source_text == kBase);
  CHECK(entry(experiment, "model.d_model").where == file.string() + ":1");
}

TEST_CASE("a byte order mark and Windows line ends do no harm") {
  std::string text = "\xef\xbb\xbf";
  for (const char c : kBase) text += c == '\n' ? "\r\n" : std::string(1, c);
  CHECK(resolved_hash(parse(text)) == resolved_hash(parse(kBase)));
}

TEST_CASE("a file that is missing, a folder, empty or not UTF-8 is a DataError") {
  const Folder folder;
  CHECK_THAT(data_error(folder.path() / "none.yaml"), ContainsSubstring("none.yaml: there is no such file"));
  CHECK_THAT(data_error(folder.path()), ContainsSubstring("this is a folder"));
  CHECK_THAT(data_error(folder.write("empty.yaml", "")), ContainsSubstring("empty.yaml: the experiment file is empty"));
  CHECK_THAT(data_error(folder.write("only.yaml", "# nothing\n\n")), ContainsSubstring("is empty"));
  CHECK_THAT(data_error(folder.write("latin.yaml", "a: 1\nb: caf\xe9\n")),
             ContainsSubstring("latin.yaml:2: the file is not UTF-8"));
  CHECK_THAT(data_error(folder.write("nul.yaml", std::string("a: 1\n\0", 6))),
             ContainsSubstring("nul.yaml:2: the file is not UTF-8"));
  CHECK_THAT(data_error(folder.write("cut.yaml", "a: \xe2\x82")), ContainsSubstring("not UTF-8"));
}

TEST_CASE("a file that is no map is refused") {
  CHECK(config_error("- a\n- b\n") == "x.yaml:1: an experiment is a map of 'key: value' lines, but this file holds a list");
  CHECK_THAT(config_error("just words\n"), ContainsSubstring("holds 'just words'"));
}

TEST_CASE("broken YAML in an experiment names file, line and column") {
  CHECK_THAT(config_error("model: gpt\nstages: {a: [}\n"), ContainsSubstring("x.yaml:2:"));
}
