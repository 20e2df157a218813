// Typed values: what is accepted, what is refused, and that each refusal says the fix. All on model.* of the fake gpt.
#include "support.h"

using namespace config_test;

namespace {

Experiment with(const std::string& key, const std::string& value) {
  return parse(edited("d_model: 128", key + ": " + value));
}
std::string refusal(const std::string& key, const std::string& value) {
  return config_error(edited("d_model: 128", key + ": " + value));
}
std::int64_t whole(const std::string& value) { return with("big", value).model.values.as<std::int64_t>("big"); }
double real(const std::string& value) { return with("scale", value).model.values.as<double>("scale"); }

}  // namespace

TEST_CASE("whole numbers may be written in any way that is exactly whole") {
  CHECK(whole("128") == 128);
  CHECK(whole("-3") == -3);
  CHECK(whole("+3") == 3);
  CHECK(whole("1e6") == 1000000);
  CHECK(whole("1.5e3") == 1500);
  CHECK(whole("1.0") == 1);
  CHECK(whole("9223372036854775807") == INT64_MAX);
  CHECK(whole("-9223372036854775808") == INT64_MIN);
}

TEST_CASE("what is no whole number is refused with the fix") {
  CHECK(refusal("d_model", "abc") ==
        "x.yaml:1: model.d_model = abc: must be a whole number from 8 to 16384 (Width of the residual stream.)");
  CHECK_THAT(refusal("big", "1.5"), ContainsSubstring("model.big = 1.5: must be a whole number; it is not whole"));
  CHECK_THAT(refusal("big", "1_000"), ContainsSubstring("write 1000"));
  CHECK_THAT(refusal("big", "\"8\""), ContainsSubstring("quotes make it text, remove them"));
  CHECK_THAT(refusal("big", "true"), ContainsSubstring("must be a whole number"));
  CHECK_THAT(refusal("big", "0x10"), ContainsSubstring("write it in decimal"));
  CHECK_THAT(refusal("big", "010"), ContainsSubstring("remove the leading zeros"));
  CHECK_THAT(refusal("big", "9223372036854775808"), ContainsSubstring("does not fit 64 bits"));
  CHECK_THAT(refusal("big", "1e300"), ContainsSubstring("with all its digits"));
  CHECK_THAT(refusal("big", "[1]"), ContainsSubstring("model.big = a list"));
  CHECK_THAT(refusal("big", "{a: 1}"), ContainsSubstring("model.big = a map"));
}

TEST_CASE("floats are read exactly, in every decimal spelling") {
  CHECK(real("1e-3") == 0.001);
  CHECK(real("1E-3") == 0.001);
  CHECK(real("0.30000000000000004") == 0.1 + 0.2);
  CHECK(real(".5") == 0.5);
  CHECK(real("5.") == 5.0);
  CHECK(real("3") == 3.0);
  CHECK(real("+1.5e+2") == 150.0);
  CHECK_FALSE(std::signbit(real("-0.0")));
}

TEST_CASE("floats that are not finite or no number are refused") {
  for (const char* value : {"inf", ".inf", "-.INF", "nan", ".NaN", "infinity"}) {
    CAPTURE(value);
    CHECK_THAT(refusal("scale", value), ContainsSubstring("only finite numbers are allowed"));
  }
  CHECK_THAT(refusal("scale", "1e999"), ContainsSubstring("does not fit a 64-bit float"));
  for (const char* value : {"1e", "e5", ".", "-", "1.2.3", "1 5", "--1", "true", "0.1f"}) {
    CAPTURE(value);
    CHECK_THAT(refusal("scale", "'" + std::string(value) + "'"), ContainsSubstring("must be a number"));
    if (std::string(value) != "-") CHECK_THAT(refusal("scale", value), ContainsSubstring("must be a number"));
  }
}

TEST_CASE("ranges are inclusive and named in the refusal") {
  CHECK(with("dropout", "1").model.values.as<double>("dropout") == 1.0);
  CHECK(with("d_model", "8").model.values.as<std::int64_t>("d_model") == 8);
  const auto message = refusal("dropout", "1.5");
  CHECK_THAT(message, ContainsSubstring("x.yaml:1: model.dropout = 1.5"));
  CHECK_THAT(message, ContainsSubstring("between 0 and 1"));
  CHECK_THAT(message, ContainsSubstring("Probability of dropping an activation."));
  CHECK_THAT(refusal("d_model", "7"), ContainsSubstring("between 8 and 16384"));
}

TEST_CASE("choices are listed and the nearest is suggested") {
  CHECK(with("norm", "layernorm").model.values.as<std::string>("norm") == "layernorm");
  const auto message = refusal("norm", "layrnorm");
  CHECK_THAT(message, ContainsSubstring("model.norm = layrnorm"));
  CHECK_THAT(message, ContainsSubstring("rmsnorm, layernorm"));
  CHECK_THAT(message, ContainsSubstring("did you mean 'layernorm'"));
}

TEST_CASE("flags are true or false and nothing else") {
  CHECK(with("tie", "true").model.values.as<bool>("tie"));
  CHECK_FALSE(with("tie", "false").model.values.as<bool>("tie"));
  for (const char* value : {"yes", "on", "True", "TRUE", "1"}) {
    CAPTURE(value);
    CHECK_THAT(refusal("tie", value), ContainsSubstring("must be true or false; write true"));
  }
  for (const char* value : {"no", "off", "False", "0"}) {
    CAPTURE(value);
    CHECK_THAT(refusal("tie", value), ContainsSubstring("must be true or false; write false"));
  }
  CHECK_THAT(refusal("tie", "'true'"), ContainsSubstring("quotes make it text"));
  CHECK_THAT(refusal("tie", "maybe"), ContainsSubstring("model.tie = maybe: must be true or false"));
}

TEST_CASE("text is taken as written") {
  for (const char* value : {"123", "true", "1e3", "007", "yes", "0x10", "a b"}) {
    CHECK(with("label", value).model.values.as<std::string>("label") == value);
  }
  CHECK(with("label", "\"\"").model.values.as<std::string>("label").empty());
  CHECK(with("label", "'null'").model.values.as<std::string>("label") == "null");
  CHECK_THAT(refusal("label", "[a]"), ContainsSubstring("model.label = a list: must be text"));
}

TEST_CASE("a key without value is refused") {
  for (const char* value : {"", "~", "null"}) {
    CAPTURE(value);
    CHECK_THAT(refusal("label", value), ContainsSubstring("x.yaml:1: model.label: has no value"));
    CHECK_THAT(refusal("big", value), ContainsSubstring("remove the key to get the default"));
  }
}

TEST_CASE("a list of texts may be one text") {
  const auto suffixes = [](const std::string& value) {
    return parse(edited("path: plays.txt", "path: p, suffixes: " + value))
        .datasets[0]
        .values.as<std::vector<std::string>>("suffixes");
  };
  CHECK(suffixes("[.md, .txt]") == std::vector<std::string>{".md", ".txt"});
  CHECK(suffixes(".md") == std::vector<std::string>{".md"});
  CHECK(suffixes("[]").empty());
  CHECK(suffixes("[1, true]") == std::vector<std::string>{"1", "true"});
  CHECK_THAT(config_error(edited("path: plays.txt", "path: p, suffixes: [a, [b]]")),
             ContainsSubstring("datasets.plays.suffixes = a list: must be a list of texts; item 2 is a list"));
}

TEST_CASE("top-level values are checked like parameters") {
  const auto experiment = parse("seed: 7\ndevice: cuda\nthreads: 2\nvalidation_fraction: 0.1\n" + kBase);
  CHECK(experiment.seed == 7);
  CHECK(experiment.device == "cuda");
  CHECK(experiment.threads == 2);
  CHECK(experiment.validation_fraction == 0.1);
  CHECK_THAT(config_error("seed: -1\n" + kBase), ContainsSubstring("x.yaml:1: seed = -1: must be at least 0"));
  CHECK_THAT(config_error("device: gpu\n" + kBase), ContainsSubstring("use cpu, cuda or cuda:N"));
  CHECK_THAT(config_error("threads: many\n" + kBase), ContainsSubstring("threads = many: must be a whole number"));
  CHECK_THAT(config_error("validation_fraction: 1\n" + kBase), ContainsSubstring("between 0 and 0.9"));
}
