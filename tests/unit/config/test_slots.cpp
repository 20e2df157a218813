// Slots: plugins, unknown and missing keys, stage and dataset references, nested plugins, sections.
#include "support.h"

using namespace config_test;

TEST_CASE("the base experiment resolves with defaults and sources") {
  const auto experiment = parse(kBase);
  CHECK(experiment.name == "x");
  CHECK(experiment.seed == 1);
  CHECK(experiment.device == "cpu");
  CHECK(experiment.threads == 0);
  CHECK(experiment.validation_fraction == 0.05);
  CHECK(experiment.model.plugin == "gpt");
  CHECK(experiment.model.kind == "architecture");
  CHECK(experiment.model.values.as<std::int64_t>("d_model") == 128);
  CHECK(experiment.model.values.get("d_model").where == "x.yaml:1");
  CHECK(experiment.model.values.get("d_model").source == ValueSource::kFile);
  CHECK(experiment.model.values.get("norm").source == ValueSource::kDefault);
  REQUIRE(experiment.datasets.size() == 2);
  CHECK(experiment.datasets[1].plugin == "townsfolk");
  REQUIRE(experiment.stages.size() == 2);
  CHECK(experiment.stages[1].values.as<std::vector<std::string>>("data") == std::vector<std::string>{"townsfolk"});
  CHECK(experiment.stages[1].parents.at(0).param == "from");
  CHECK(experiment.stages[1].parents.at(0).stage == "pretrain");
  CHECK(experiment.stages[0].datasets == std::vector<std::string>{"plays"});
  CHECK(experiment.evaluators.at(0).after.empty());
  CHECK(entry(experiment, "stages.pretrain.steps").value == "300");
  CHECK(entry(experiment, "stages.pretrain.steps").where == "x.yaml:7");
  CHECK(entry(experiment, "stages.sft.steps").source == "default");
  CHECK(entry(experiment, "stages.sft.steps").where.empty());
  CHECK(entry(experiment, "stages.sft.plugin").value == "sft");
}

TEST_CASE("a rule over several parameters is checked with the file, before anything runs") {
  CHECK_THROWS_AS(parse(edited("d_model: 128", "d_model: 129")), ConfigError);
  CHECK_THROWS_WITH(parse(edited("d_model: 128", "d_model: 129")),
                    ContainsSubstring("x.yaml:1") && ContainsSubstring("model: d_model must be a multiple of 8"));
}

TEST_CASE("a slot may be a plugin id alone") {
  const auto experiment = parse(edited("{plugin: gpt, d_model: 128}", "llama"));
  CHECK(experiment.model.plugin == "llama");
  CHECK(entry(experiment, "model.plugin").where == "x.yaml:1");
  CHECK(parse(edited("townsfolk:", "people: townsfolk\n  townsfolk:")).datasets[1].plugin == "townsfolk");
}

TEST_CASE("an unknown key says file, line, nearest name and what is allowed") {
  CHECK(config_error(edited("data: townsfolk", "data: townsfolk, lerning_rate: 1")) ==
        "x.yaml:8: unknown key 'stages.sft.lerning_rate'; did you mean 'learning_rate'? Allowed: plugin, from, data, steps, "
        "learning_rate");
  CHECK(config_error("stagess: 3\n" + kBase).rfind("x.yaml:1: unknown key 'stagess'; did you mean 'stages'? Allowed: ", 0) ==
        0);
  CHECK_THAT(config_error(edited("data: [plays]}\nd", "zzzzzz: 1}\nd")),
             ContainsSubstring("x.yaml:2: unknown key 'tokenizer.zzzzzz'. Allowed: plugin, vocab_size, data"));
  CHECK_THAT(config_error(edited("evaluators:\n  perplexity: {", "evaluators:\n  perplexity: {afte: [sft], ")),
             ContainsSubstring("'evaluators.perplexity.afte'; did you mean 'after'?"));
  CHECK_THAT(
      config_error(edited("{data: [plays], steps: 300}", "{data: [plays], objective: {plugin: span_corruption, nois: 1}}")),
      ContainsSubstring("x.yaml:7: unknown key 'stages.pretrain.objective.nois'; did you mean 'noise'?"));
}

TEST_CASE("a colon without a space is explained") {
  CHECK_THAT(config_error(edited("d_model: 128", "d_model:128")), ContainsSubstring("put a space after ':'"));
}

TEST_CASE("only stages take no 'after'") {
  CHECK_THAT(config_error(edited("data: townsfolk", "data: townsfolk, after: [pretrain]")),
             ContainsSubstring("unknown key 'stages.sft.after'"));
}

TEST_CASE("a missing parameter names the slot and the parameter's meaning") {
  CHECK(config_error(edited("{data: [plays], steps: 300}", "{steps: 300}")) ==
        "x.yaml:7: 'stages.pretrain' needs 'data': a list of datasets of the experiment (Datasets to train on.)");
  CHECK_THAT(config_error(edited(", path: plays.txt", "")), ContainsSubstring("x.yaml:4: 'datasets.plays' needs 'path'"));
  CHECK_THAT(config_error(edited("data: [plays], steps", "data: [], steps")),
             ContainsSubstring("stages.pretrain.data: must name at least one dataset"));
}

TEST_CASE("missing sections are named with what could be there") {
  CHECK(config_error("tokenizer: bytes\nstages: {pretrain: {data: []}}\n") ==
        "x.yaml: the experiment needs 'model'; add model: {plugin: ID, ...}. Available: gpt, llama");
  CHECK_THAT(config_error("model: gpt\nstages: {pretrain: {data: []}}\n"), ContainsSubstring("needs 'tokenizer'"));
  for (const char* stages : {"", "stages:\n", "stages: {}\n"}) {
    CAPTURE(stages);
    CHECK_THAT(config_error("model: gpt\ntokenizer: bytes\n" + std::string(stages)),
               ContainsSubstring("x.yaml: the experiment has no stages"));
  }
  CHECK(parse(edited("evaluators:\n  perplexity: {data: [plays]}\n", "evaluators:\n")).evaluators.empty());
}

TEST_CASE("an unknown plugin is refused with suggestion and list") {
  CHECK(config_error(edited("plugin: gpt", "plugin: gtp")) ==
        "x.yaml:1: model: there is no architecture plugin 'gtp'; did you mean 'gpt'? Available: gpt, llama");
  CHECK_THAT(
      config_error(edited("  perplexity: {", "  ppl: {")),
      ContainsSubstring("x.yaml:10: evaluators.ppl: does not say which evaluator plugin it uses, and 'ppl' is not one; add "
                        "plugin: ID. Available: instruction_following, perplexity"));
  CHECK_THAT(config_error(edited("plugin: gpt", "plugin: [gpt]")),
             ContainsSubstring("model.plugin: must be a plugin id, but is a list"));
  CHECK_THAT(config_error(edited("{plugin: gpt, d_model: 128}", "[gpt]")),
             ContainsSubstring("x.yaml:1: model: must be a plugin id or a map"));
}

TEST_CASE("a slot named almost like a plugin is told so") {
  CHECK_THAT(config_error(edited("  perplexity: {", "  perplexty: {")),
             ContainsSubstring("'perplexty' is not one; did you mean 'perplexity'? Otherwise add plugin: ID. Available: "));
}

TEST_CASE("a stage builds on earlier stages only") {
  CHECK(config_error(edited("from: pretrain", "from: pretrian")) ==
        "x.yaml:8: stages.sft.from: the experiment has no stage 'pretrian'; did you mean 'pretrain'? Earlier stages: "
        "pretrain");
  CHECK_THAT(config_error(edited("from: pretrain", "from: sft")),
             ContainsSubstring(
                 "stage 'sft' does not come before this one; move it up, or name an earlier one. Earlier stages: pretrain"));
  CHECK_THAT(config_error(edited("stages:\n", "stages:\n  first: {plugin: sft, from: sft, data: [plays]}\n")),
             ContainsSubstring("x.yaml:7: stages.first.from: stage 'sft' does not come before this one"));
  CHECK_THAT(config_error(edited("stages:\n", "stages:\n  ppo: {from: \"\", reward: sft}\n")),
             ContainsSubstring("stages.ppo.from: must name a stage"));
  CHECK(parse(edited("from: pretrain, ", "")).stages[1].parents.empty());
}

TEST_CASE("a stage may build on several stages") {
  const auto experiment = parse(edited("evaluators:\n", "  ppo: {from: sft, reward: pretrain}\nevaluators:\n"));
  REQUIRE(experiment.stages.back().parents.size() == 2);
  CHECK(experiment.stages.back().parents[1].param == "reward");
  CHECK(experiment.stages.back().parents[1].stage == "pretrain");
}

TEST_CASE("datasets have to exist, and once each") {
  CHECK(
      config_error(edited("data: townsfolk", "data: townsfolks")) ==
      "x.yaml:8: stages.sft.data: the experiment has no dataset 'townsfolks'; did you mean 'townsfolk'? Available datasets: "
      "plays, townsfolk");
  CHECK_THAT(config_error(edited("data: townsfolk", "data: [plays, plays]")),
             ContainsSubstring("stages.sft.data: names 'plays' twice"));
  CHECK_THAT(config_error(edited("sentencepiece, data: [plays]", "sentencepiece, data: [songs]")),
             ContainsSubstring(
                 "x.yaml:2: tokenizer.data: the experiment has no dataset 'songs'. Available datasets: plays, townsfolk"));
}

TEST_CASE("a dataset may be made of earlier datasets") {
  const auto experiment = parse(edited("stages:\n", "  both: {plugin: mix, parts: [plays, townsfolk]}\nstages:\n"));
  CHECK(experiment.datasets[2].datasets == std::vector<std::string>{"plays", "townsfolk"});
  CHECK_THAT(config_error(edited("datasets:\n", "datasets:\n  both: {plugin: mix, parts: [both]}\n")),
             ContainsSubstring("datasets.both.parts: dataset 'both' does not come before this one"));
}

TEST_CASE("nested plugins are flattened under their slot") {
  const auto values = [](const std::string& objective) {
    return parse(edited("steps: 300", "objective: " + objective)).stages[0].values;
  };
  CHECK(parse(kBase).stages[0].values.as<std::string>("objective") == "causal_lm");
  CHECK(values("span_corruption").as<double>("objective.noise") == 0.15);
  CHECK(values("{plugin: span_corruption, noise: 0.3}").sub("objective").as<double>("noise") == 0.3);
  const auto deep = values("{plugin: wrapped, inner: {noise: 0.4}}");
  CHECK(deep.as<std::string>("objective.inner") == "span_corruption");
  CHECK(deep.sub("objective").sub("inner").as<double>("noise") == 0.4);
  CHECK(deep.as<std::string>("extra").empty());
  CHECK_THAT(config_error(edited("steps: 300", "objective: {plugin: span_corruption, noise: 2}")),
             ContainsSubstring("x.yaml:7: stages.pretrain.objective.noise = 2"));
  CHECK_THAT(
      config_error(edited("steps: 300", "objective: causal")),
      ContainsSubstring("stages.pretrain.objective: there is no objective plugin 'causal'; did you mean 'causal_lm'?"));
  CHECK_THAT(config_error(edited("steps: 300", "objective: {noise: 0.2}")),
             ContainsSubstring("unknown key 'stages.pretrain.objective.noise'"));
}

TEST_CASE("after names stages, in the order they run") {
  const auto after = [](const std::string& value) {
    return parse(edited("perplexity: {", "perplexity: {after: " + value + ", ")).evaluators[0].after;
  };
  CHECK(after("sft") == std::vector<std::string>{"sft"});
  CHECK(after("[sft, pretrain]") == std::vector<std::string>{"pretrain", "sft"});
  CHECK_THAT(
      config_error(edited("perplexity: {", "perplexity: {after: [stf], ")),
      ContainsSubstring("x.yaml:10: evaluators.perplexity.after: the experiment has no stage 'stf'; did you mean 'sft'?"));
  CHECK_THAT(config_error(edited("perplexity: {", "perplexity: {after: [], ")), ContainsSubstring("names no stage"));
  CHECK_THAT(config_error(edited("perplexity: {", "perplexity: {after: [sft, sft], ")),
             ContainsSubstring("names 'sft' twice"));
}

TEST_CASE("names are checked, because folders and records are named after them") {
  CHECK(parse("experiment: my-run_2\n" + kBase).name == "my-run_2");
  CHECK_THAT(config_error("experiment: My run\n" + kBase),
             ContainsSubstring("x.yaml:1: experiment: 'My run' is not a usable name"));
  CHECK_THAT(error_from<ConfigError>([] { parse(kBase, {}, "My Run.yaml"); }),
             ContainsSubstring("the file's own name 'My Run' is not a usable name"));
  CHECK_THAT(config_error(edited("  townsfolk:", "  a.b: townsfolk\n  townsfolk:")),
             ContainsSubstring("x.yaml:5: datasets: 'a.b' is not a usable name"));
  CHECK_THAT(config_error("experiment: ../x\n" + kBase), ContainsSubstring("not a usable name"));
}

TEST_CASE("a section has to be a map") {
  CHECK_THAT(config_error(edited("evaluators:\n  perplexity: {data: [plays]}", "evaluators: [perplexity]")),
             ContainsSubstring("x.yaml:9: evaluators: must be a map from names to plugins"));
}

TEST_CASE("anchors and merge keys work across slots") {
  const auto experiment = parse(edited("{data: [plays], steps: 300}", "&p {data: [plays], steps: 300}") + "");
  CHECK(experiment.stages[0].values.as<std::int64_t>("steps") == 300);
  const auto merged =
      parse(edited("  pretrain: {data: [plays], steps: 300}\n",
                   "  pretrain: &p {data: [plays], steps: 300}\n  again: {<<: *p, plugin: pretrain, steps: 5}\n"));
  CHECK(merged.stages[1].values.as<std::int64_t>("steps") == 5);
  CHECK(merged.stages[1].values.as<std::vector<std::string>>("data") == std::vector<std::string>{"plays"});
}
