// --set, --seed and --device.
#include "support.h"

using namespace config_test;

namespace {

std::string set_error(const std::string& assignment) { return config_error(kBase, {assignment}); }

}  // namespace

TEST_CASE("--set replaces a value and is its source") {
  const auto experiment = parse(kBase, {"stages.pretrain.steps=5", "model.dropout=0.25"});
  CHECK(experiment.stages[0].values.as<std::int64_t>("steps") == 5);
  CHECK(experiment.stages[0].values.get("steps").source == ValueSource::kCommandLine);
  CHECK(experiment.stages[0].values.get("steps").where == "--set");
  CHECK(entry(experiment, "model.dropout").value == "0.25");
  CHECK(entry(experiment, "model.dropout").where == "--set");
  CHECK(entry(experiment, "model.d_model").where == "x.yaml:1");
}

TEST_CASE("the later --set wins, and --seed wins over --set") {
  CHECK(parse(kBase, {"seed=2", "seed=3"}).seed == 3);
  Overrides overrides;
  overrides.sets = {"seed=2", "device=cpu"};
  overrides.seed = 5;
  overrides.device = "cuda";
  const auto experiment = parse_experiment("seed: 1\n" + kBase, "x.yaml", overrides, catalog());
  CHECK(experiment.seed == 5);
  CHECK(experiment.device == "cuda");
  CHECK(entry(experiment, "seed").where == "--seed");
  CHECK(entry(experiment, "device").where == "--device");
  overrides.device = "tpu";
  CHECK_THAT(error_from<ConfigError>([&] { parse_experiment(kBase, "x.yaml", overrides, catalog()); }),
             ContainsSubstring("--device tpu: device = tpu: use cpu, cuda or cuda:N"));
}

TEST_CASE("the value is YAML: lists, quoted text, equals signs") {
  CHECK(parse(kBase, {"stages.sft.data=[plays, townsfolk]"}).stages[1].datasets.size() == 2);
  CHECK(parse(kBase, {"model.label='a: b'"}).model.values.as<std::string>("label") == "a: b");
  CHECK(parse(kBase, {"model.label=a=b"}).model.values.as<std::string>("label") == "a=b");
  CHECK(parse(kBase, {"model.label=\"\""}).model.values.as<std::string>("label").empty());
  const auto experiment = parse(kBase, {"stages.sft={steps: 3, learning_rate: 1e-5}"});
  CHECK(experiment.stages[1].values.as<std::int64_t>("steps") == 3);
  CHECK(experiment.stages[1].values.as<std::string>("from") == "pretrain");
}

TEST_CASE("errors of --set name the option, not a file") {
  CHECK(set_error("stages.sft.learning_rate=fast") ==
        "--set stages.sft.learning_rate=fast: stages.sft.learning_rate = fast: must be a number from 0 to 10 (Peak of the "
        "schedule.)");
  CHECK_THAT(set_error("stages.sft.lerning_rate=1"),
             ContainsSubstring("--set stages.sft.lerning_rate=1: unknown key 'stages.sft.lerning_rate'; did you mean "
                               "'learning_rate'? Allowed: "));
  CHECK_THAT(set_error("modle.d_model=64"), ContainsSubstring("unknown key 'modle'; did you mean 'model'?"));
  CHECK_THAT(set_error("stages.sft.from=nothing"),
             ContainsSubstring("--set stages.sft.from=nothing: stages.sft.from: the experiment has no stage"));
  CHECK_THAT(set_error("model.dropout=3"), ContainsSubstring("--set model.dropout=3: model.dropout = 3"));
}

TEST_CASE("a wrong key given by --set does not blame the plugin of the file") {
  const auto message = set_error("stages.sft.stepz=1");
  CHECK(message.find("chosen by") == std::string::npos);
}

TEST_CASE("--set reaches existing slots only") {
  CHECK(set_error("stages.ppp.steps=3") ==
        "--set stages.ppp.steps=3: the experiment has no stage 'ppp'. It has: pretrain, sft. Add a new stage in the file");
  CHECK_THAT(set_error("stages.stf.steps=3"),
             ContainsSubstring("no stage 'stf'; did you mean 'sft'? It has: pretrain, sft"));
  CHECK_THAT(set_error("evaluators.perplexty.limit=3"),
             ContainsSubstring("no evaluator 'perplexty'; did you mean 'perplexity'?"));
  CHECK_THAT(set_error("datasets.new=text"), ContainsSubstring("no dataset 'new'"));
  CHECK_THAT(set_error("stages={}"), ContainsSubstring("'stages' cannot be set as a whole"));
  CHECK_THAT(set_error("include=base.yaml"), ContainsSubstring("files are included by the experiment file only"));
}

TEST_CASE("a malformed --set is refused") {
  CHECK_THAT(set_error("seed"), ContainsSubstring("--set seed: expected KEY=VALUE"));
  CHECK_THAT(set_error("=3"), ContainsSubstring("expected KEY=VALUE"));
  CHECK_THAT(set_error("model..d_model=3"), ContainsSubstring("has an empty part"));
  CHECK_THAT(set_error("model.label="), ContainsSubstring("no value after '='; for empty text write KEY='\"\"'"));
  CHECK_THAT(set_error("model.label=[a"), ContainsSubstring("--set model.label=[a: this is not valid YAML"));
  CHECK_THAT(set_error("model.label=@a"), ContainsSubstring("put quotes around text"));
  CHECK_THAT(set_error("stages.sft.steps.x=3"), ContainsSubstring("stages.sft.steps = a map: must be a whole number"));
  CHECK_THAT(set_error("stages.pretrain.data.0=plays"),
             ContainsSubstring("'stages.pretrain.data' is a list; set it as a whole"));
  CHECK_THAT(error_from<DataError>([] { parse(kBase, {"model.label=\xff"}); }), ContainsSubstring("not UTF-8"));
}

TEST_CASE("--set may choose another plugin and keeps the other keys") {
  for (const char* assignment : {"model.plugin=llama", "model=llama"}) {
    CAPTURE(assignment);
    const auto experiment = parse(kBase, {assignment});
    CHECK(experiment.model.plugin == "llama");
    CHECK(experiment.model.values.as<std::int64_t>("d_model") == 128);
    CHECK(entry(experiment, "model.plugin").where == "--set");
  }
  const auto message = config_error(edited("d_model: 128", "tie: false"), {"model=llama"});
  CHECK_THAT(message, ContainsSubstring("x.yaml:1: unknown key 'model.tie'"));
  CHECK_THAT(
      message,
      ContainsSubstring(
          "The slot's plugin is 'llama', chosen by --set model=llama; keys written for another plugin have to be removed"));
}

TEST_CASE("--set reaches into nested plugins and plain plugin ids") {
  CHECK(parse(kBase, {"stages.pretrain.objective=span_corruption", "stages.pretrain.objective.noise=0.3"})
            .stages[0]
            .values.as<double>("objective.noise") == 0.3);
  CHECK(parse(edited("{plugin: gpt, d_model: 128}", "gpt"), {"model.d_model=64"}).model.values.as<std::int64_t>("d_model") ==
        64);
  CHECK(parse(kBase, {"evaluators.perplexity.after=[sft]"}).evaluators[0].after == std::vector<std::string>{"sft"});
}
