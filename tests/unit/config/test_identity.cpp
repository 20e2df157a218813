// The identity of a resolved experiment, and the listing of --dry-run.
#include "support.h"

using namespace config_test;

namespace {

std::string with_rate(const std::string& rate) {
  return resolved_hash(parse(edited("data: townsfolk", "data: townsfolk, learning_rate: " + rate)));
}

}  // namespace

TEST_CASE("P-SWEEP-02 numbers are told apart exactly, in whatever way they are written") {
  CHECK(with_rate("1e-3") != with_rate("4e-3"));
  CHECK(with_rate("1e-5") == with_rate("0.00001"));
  CHECK(with_rate("0.30000000000000004") != with_rate("0.3"));
  CHECK(with_rate("1") == with_rate("1.0"));
  CHECK_THAT(config_error(edited("data: townsfolk", "data: townsfolk, learning_rate: true")),
             ContainsSubstring("must be a number"));
  const auto experiment = parse(edited("data: townsfolk", "data: townsfolk, learning_rate: 0.30000000000000004"));
  CHECK(std::stod(entry(experiment, "stages.sft.learning_rate").value) == 0.1 + 0.2);
}

TEST_CASE("P-SWEEP-03 key order, spelling and written defaults give one identity") {
  const auto reference = resolved_hash(parse(kBase));
  CHECK(reference.size() == 64);
  CHECK(resolved_hash(parse(edited("{data: [plays], steps: 300}", "{steps: 3e2, data: plays}"))) == reference);
  CHECK(resolved_hash(parse(edited("data: townsfolk", "learning_rate: 0.0003, data: [townsfolk]"))) == reference);
  CHECK(resolved_hash(parse(edited("data: townsfolk", "data: townsfolk, learning_rate: 3e-4, plugin: sft"))) == reference);
  CHECK(resolved_hash(parse(edited("steps: 300", "steps: 300, objective: {plugin: causal_lm}"))) == reference);
  CHECK(resolved_hash(parse(edited("perplexity: {", "perplexity: {after: [sft, pretrain], "))) == reference);
  CHECK(resolved_hash(parse(kBase + "seed: 1\ndevice: cpu\nvalidation_fraction: 5e-2\n")) == reference);
  CHECK(resolved_hash(parse("experiment: other\ndescription: words\nthreads: 2\n" + kBase)) == reference);
  CHECK(resolved_hash(parse(kBase, {"stages.pretrain.steps=300"})) == reference);
}

TEST_CASE("whatever changes a result changes the identity") {
  const auto reference = resolved_hash(parse(kBase));
  std::vector<std::string> hashes{reference};
  for (const char* assignment :
       {"seed=2", "device=cuda", "validation_fraction=0.1", "model.d_model=64", "model.plugin=llama",
        "stages.sft.data=[plays, townsfolk]", "stages.sft.data=[townsfolk, plays]", "evaluators.perplexity.after=sft",
        "datasets.plays.path=other.txt", "datasets.plays.suffixes=[a, b]", "datasets.plays.suffixes=['a, b']",
        "stages.pretrain.objective=span_corruption", "tokenizer.vocab_size=512"}) {
    hashes.push_back(resolved_hash(parse(kBase, {assignment})));
  }
  std::sort(hashes.begin(), hashes.end());
  CHECK(std::adjacent_find(hashes.begin(), hashes.end()) == hashes.end());
}

TEST_CASE("the description shows stages in order and every value with its source") {
  const auto text = describe_experiment(parse("description: a test\n" + kBase, {"model.dropout=0.5"}));
  CAPTURE(text);
  CHECK_THAT(text, ContainsSubstring("experiment x: a test\n"));
  CHECK_THAT(text, ContainsSubstring("  1. pretrain  plugin pretrain; from fresh weights; data plays; then perplexity\n"));
  CHECK_THAT(text, ContainsSubstring("  2. sft       plugin sft; from pretrain; data townsfolk; then perplexity\n"));
  const auto line_of = [&](const std::string& key) {
    const auto start = text.find("\n" + key + " ") + 1;
    return text.substr(start, text.find('\n', start) - start);
  };
  const auto fields = [&](const std::string& key) {
    std::istringstream words(line_of(key));
    std::vector<std::string> all;
    std::string word;
    while (words >> word) all.push_back(word);
    return all;
  };
  CHECK(fields("stages.pretrain.steps") == std::vector<std::string>{"stages.pretrain.steps", "300", "x.yaml:8"});
  CHECK(fields("model.dropout") == std::vector<std::string>{"model.dropout", "0.5", "--set"});
  CHECK(fields("stages.sft.steps") == std::vector<std::string>{"stages.sft.steps", "1000", "default"});
  CHECK(fields("model.label") == std::vector<std::string>{"model.label", "\"\"", "default"});
  // The columns line up.
  CHECK(line_of("stages.pretrain.steps").find("x.yaml:8") == line_of("model.dropout").find("--set"));
  for (const auto& value : parse(kBase).resolved) CHECK_THAT(text, ContainsSubstring("\n" + value.key + " "));
}

TEST_CASE("the description says which stages are not evaluated") {
  const auto text = describe_experiment(parse(edited("perplexity: {", "perplexity: {after: sft, ")));
  CHECK_THAT(text, ContainsSubstring("data plays; not evaluated\n"));
}
