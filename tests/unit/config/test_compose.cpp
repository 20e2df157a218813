// Includes: who wins, where values say they come from, circles, and the merged text.
#include "support.h"

using namespace config_test;

namespace {

struct Files {
  Folder folder;
  Experiment load(const std::string& name, const Overrides& overrides = {}) const {
    return load_experiment(folder.path() / name, overrides, catalog());
  }
  std::string error(const std::string& name) const {
    return error_from<ConfigError>([&] { load(name); });
  }
  std::string at(const std::string& name, int line) const {
    return (folder.path() / name).string() + ":" + std::to_string(line);
  }
};

}  // namespace

TEST_CASE("the including file wins key by key and each value knows its own file") {
  Files files;
  files.folder.write("base.yaml", kBase);
  files.folder.write("mine.yaml", "include: base.yaml\nseed: 4\nmodel: {dropout: 0.5}\nstages:\n  sft: {data: [plays]}\n");
  const auto experiment = files.load("mine.yaml");
  CHECK(experiment.name == "mine");
  CHECK(experiment.seed == 4);
  CHECK(experiment.model.values.as<std::int64_t>("d_model") == 128);
  CHECK(experiment.model.values.as<double>("dropout") == 0.5);
  CHECK(entry(experiment, "model.d_model").where == files.at("base.yaml", 1));
  CHECK(entry(experiment, "model.dropout").where == files.at("mine.yaml", 3));
  CHECK(experiment.stages[1].values.as<std::string>("from") == "pretrain");
  CHECK(experiment.stages[1].values.as<std::vector<std::string>>("data") == std::vector<std::string>{"plays"});
}

TEST_CASE("errors in an included file name that file") {
  Files files;
  files.folder.write("parts/base.yaml", edited("steps: 300", "stepz: 300"));
  files.folder.write("mine.yaml", "include: parts/base.yaml\n");
  CHECK_THAT(files.error("mine.yaml"),
             ContainsSubstring(files.at("parts/base.yaml", 7) + ": unknown key 'stages.pretrain.stepz'"));
}

TEST_CASE("later includes win over earlier ones, and includes nest relative to their own file") {
  Files files;
  files.folder.write("parts/root.yaml", kBase);
  files.folder.write("parts/a.yaml", "include: root.yaml\nseed: 2\nthreads: 2\n");
  files.folder.write("b.yaml", "seed: 3\n");
  files.folder.write("mine.yaml", "include: [parts/a.yaml, b.yaml]\n");
  const auto experiment = files.load("mine.yaml");
  CHECK(experiment.seed == 3);
  CHECK(experiment.threads == 2);
  CHECK(experiment.base_dir == files.folder.path());
}

TEST_CASE("a file may be included twice by different ways") {
  Files files;
  files.folder.write("root.yaml", kBase);
  files.folder.write("a.yaml", "include: root.yaml\n");
  files.folder.write("b.yaml", "include: root.yaml\nseed: 9\n");
  files.folder.write("mine.yaml", "include: [a.yaml, b.yaml]\n");
  CHECK(files.load("mine.yaml").seed == 9);
}

TEST_CASE("includes in a circle are refused with the way round") {
  Files files;
  files.folder.write("a.yaml", "include: b.yaml\n" + kBase);
  files.folder.write("b.yaml", "\ninclude: a.yaml\n");
  const auto message = files.error("a.yaml");
  CHECK_THAT(message, ContainsSubstring(files.at("b.yaml", 2)));
  CHECK_THAT(message, ContainsSubstring("a.yaml -> b.yaml -> a.yaml"));
  files.folder.write("self.yaml", "include: self.yaml\n");
  CHECK_THAT(files.error("self.yaml"), ContainsSubstring("self.yaml -> self.yaml"));
}

TEST_CASE("a bad include says what is wrong with it") {
  Files files;
  files.folder.write("a.yaml", "seed: 1\ninclude: none.yaml\n");
  CHECK_THAT(files.error("a.yaml"), ContainsSubstring(files.at("a.yaml", 2) + ": include: cannot find 'none.yaml'"));
  files.folder.write("b.yaml", "include: {a: b}\n");
  CHECK_THAT(files.error("b.yaml"), ContainsSubstring("include: must be a file name or a list of file names, but is a map"));
  files.folder.write("c.yaml", "include: []\n");
  CHECK_THAT(files.error("c.yaml"), ContainsSubstring("include: must be a file name"));
  files.folder.write("d.yaml", "include: [[x]]\n");
  CHECK_THAT(files.error("d.yaml"), ContainsSubstring("include: must name a file, but holds a list"));
}

TEST_CASE("name and description are not taken over from an included file") {
  Files files;
  files.folder.write("base.yaml", "experiment: base\ndescription: the base\n" + kBase);
  files.folder.write("mine.yaml", "include: base.yaml\n");
  const auto experiment = files.load("mine.yaml");
  CHECK(experiment.name == "mine");
  CHECK(experiment.description.empty());
}

TEST_CASE("lists and scalars of the included file are replaced, a plugin id takes new keys") {
  Files files;
  files.folder.write("base.yaml", edited("{plugin: gpt, d_model: 128}", "gpt"));
  files.folder.write("keys.yaml", "include: base.yaml\nmodel: {d_model: 64}\ntokenizer: bytes\n");
  const auto experiment = files.load("keys.yaml");
  CHECK(experiment.model.plugin == "gpt");
  CHECK(experiment.model.values.as<std::int64_t>("d_model") == 64);
  CHECK(experiment.tokenizer.plugin == "bytes");
}

TEST_CASE("another plugin in the including file explains keys that no longer fit") {
  Files files;
  files.folder.write("base.yaml", edited("d_model: 128", "d_model: 128, tie: false"));
  files.folder.write("mine.yaml", "include: base.yaml\nmodel: {plugin: llama}\n");
  const auto message = files.error("mine.yaml");
  CHECK_THAT(message, ContainsSubstring(files.at("base.yaml", 1) + ": unknown key 'model.tie'"));
  CHECK_THAT(message, ContainsSubstring("The slot's plugin is 'llama', chosen by " + files.at("mine.yaml", 2)));
}

TEST_CASE("the merged text stands alone and gives the same experiment") {
  Files files;
  files.folder.write("base.yaml", kBase);
  files.folder.write("mine.yaml", "include: base.yaml\nmodel: {dropout: 0.5}\n");
  const auto experiment = files.load("mine.yaml");
  const auto again = parse_experiment(experiment.source_text, "elsewhere/run.yaml", {}, catalog());
  CHECK(again.name == "mine");
  CHECK(again.source_text == experiment.source_text);
  CHECK(resolved_hash(again) == resolved_hash(experiment));
}

TEST_CASE("the effective text holds the command line's values too") {
  Overrides overrides;
  overrides.sets = {"stages.sft.learning_rate=1e-5", "model.label='# odd: \"text\"'"};
  overrides.seed = 12;
  const auto experiment = parse_experiment(kBase, "x.yaml", overrides, catalog());
  const auto again = parse_experiment(experiment.effective_text, "y.yaml", {}, catalog());
  CHECK(again.name == "x");
  CHECK(again.seed == 12);
  CHECK(again.model.values.as<std::string>("label") == "# odd: \"text\"");
  CHECK(resolved_hash(again) == resolved_hash(experiment));
  CHECK(experiment.source_text == kBase);
}
