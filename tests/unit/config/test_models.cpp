// Several models in one experiment: which stage trains which, what is refused, and that one model stays what it was.
#include "support.h"

using namespace config_test;

namespace {

const std::string kTwo =
    "models:\n"                                                          // 1
    "  small: {plugin: gpt, d_model: 64}\n"                              // 2
    "  other: {plugin: llama, d_model: 32}\n"                            // 3
    "tokenizer: bytes\n"                                                 // 4
    "datasets:\n"                                                        // 5
    "  plays: {plugin: text, path: plays.txt}\n"                         // 6
    "stages:\n"                                                          // 7
    "  causal: {plugin: pretrain, model: small, data: [plays]}\n"        // 8
    "  denoising: {plugin: pretrain, model: other, data: [plays]}\n"     // 9
    "  causal_sft: {plugin: sft, from: causal, data: [plays]}\n"         // 10
    "  tuned_twice: {plugin: sft, from: causal_sft, data: [plays]}\n"    // 11
    "  denoising_sft: {plugin: sft, from: denoising, data: [plays]}\n";  // 12

std::string with(const std::string& from, const std::string& to) {
  std::string text = kTwo;
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a stage trains the model it names, and one that builds on another its parent's") {
  const Experiment experiment = parse(kTwo);
  CHECK(experiment.model.plugin.empty());
  REQUIRE(experiment.models.size() == 2);
  std::vector<std::string> names, plugins;
  for (const auto& stage : experiment.stages) {
    names.push_back(stage.model);
    plugins.push_back(model_of(experiment, stage).plugin);
  }
  CHECK(names == std::vector<std::string>{"small", "other", "small", "small", "other"});
  CHECK(plugins == std::vector<std::string>{"gpt", "llama", "gpt", "gpt", "llama"});
  CHECK(entry(experiment, "models.small.d_model").value == "64");
  CHECK(entry(experiment, "models.small.d_model").where == "x.yaml:2");
  CHECK(entry(experiment, "stages.causal.model").value == "small");
}

TEST_CASE("one model is every stage's, and no stage has a key for it") {
  const Experiment experiment = parse(kBase);
  CHECK(experiment.models.empty());
  for (const auto& stage : experiment.stages) {
    CHECK(stage.model.empty());
    CHECK(&model_of(experiment, stage) == &experiment.model);
  }
  for (const auto& value : experiment.resolved) CHECK(value.key != "stages.pretrain.model");
}

TEST_CASE("--set reaches a model by name, and the effective text says the same") {
  const Experiment experiment =
      parse(kTwo, {"models.other.d_model=128", "stages.causal.model=other", "stages.denoising.model=small"});
  CHECK(experiment.models[1].values.as<std::int64_t>("d_model") == 128);
  CHECK(experiment.stages[2].model == "other");
  const Experiment again = parse(experiment.effective_text);
  CHECK(resolved_hash(again) == resolved_hash(experiment));
  CHECK_THAT(config_error(kTwo, {"models.smal.d_model=8"}),
             ContainsSubstring("the experiment has no model 'smal'; did you mean 'small'?"));
}

TEST_CASE("the identity covers models and who trains which") {
  const std::string plain = resolved_hash(parse(kTwo));
  CHECK(resolved_hash(parse(kTwo)) == plain);
  CHECK(resolved_hash(parse(kTwo, {"models.other.kv_heads=1"})) != plain);
  CHECK(resolved_hash(parse(kTwo, {"stages.causal.model=other", "stages.denoising.model=small"})) != plain);
}

TEST_CASE("the dry run says which fresh weights a stage starts from") {
  const std::string text = describe_experiment(parse(kTwo));
  CHECK_THAT(text, ContainsSubstring("from fresh weights of small"));
  CHECK_THAT(text, ContainsSubstring("from fresh weights of other"));
  CHECK_THAT(text, ContainsSubstring("models.other.kv_heads"));
}

TEST_CASE("what cannot be meant is refused with file, line and what to do") {
  CHECK_THAT(config_error("model: gpt\n" + kTwo),
             ContainsSubstring("x.yaml:2: the experiment has both 'model' and 'models'"));
  CHECK_THAT(
      config_error(with("model: small, ", "")),
      ContainsSubstring("x.yaml:8: 'stages.causal' begins with fresh weights and does not say of which model; add model: "
                        "NAME. Models: small, other"));
  CHECK_THAT(config_error(with("model: small", "model: smal")),
             ContainsSubstring("stages.causal.model: the experiment has no model 'smal'; did you mean 'small'?"));
  CHECK_THAT(
      config_error(with("from: causal,", "from: causal, model: small,")),
      ContainsSubstring("x.yaml:10: stages.causal_sft.model: stage 'causal_sft' goes on with the model of its 'from', "
                        "'causal'"));
  CHECK_THAT(config_error(with("model: other", "model: small")),
             ContainsSubstring("x.yaml:3: models.other: no stage trains this model"));
  CHECK_THAT(
      config_error(edited("steps: 300", "model: gpt")),
      ContainsSubstring("x.yaml:7: stages.pretrain.model: chooses among 'models', but the experiment has one 'model'"));
  CHECK_THAT(config_error("models: {}\n" + kTwo.substr(kTwo.find("tokenizer"))),
             ContainsSubstring("models: names no model"));
  CHECK_THAT(config_error(kTwo.substr(kTwo.find("tokenizer"))), ContainsSubstring("the experiment needs 'model'"));
}
