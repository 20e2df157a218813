// Parameter tables: defaults, checks, messages, nested tables, suggestions.
#include "catch.h"
#include "temper/context.h"
#include "temper/params.h"

using namespace temper;

namespace {

struct Inner {
  double rate = 0.5;
};
struct Params {
  std::int64_t width = 64;
  std::string norm = "layer";
  std::vector<std::string> names = {"a"};
  bool flag = true;
  Inner inner;
};

ParamTable<Params> table() {
  ParamTable<Inner> inner;
  inner.add("rate", &Inner::rate, "A rate.", {.min = 0, .max = 1});
  ParamTable<Params> t;
  t.add("width", &Params::width, "Width.", {.min = 8, .max = 128, .unit = "channels"});
  t.add("norm", &Params::norm, "Norm.", {.choices = {"layer", "rms"}});
  t.add("names", &Params::names, "Names.");
  t.add("flag", &Params::flag, "Flag.");
  t.include(&Params::inner, inner);
  t.require([](const Params& p) { return p.width % 8 == 0; }, "width must be a multiple of 8");
  return t;
}

}  // namespace

TEST_CASE("a table gives defaults, parses values and applies rules") {
  const auto t = table();
  CHECK(t.specs().size() == 5);
  auto values = default_values(t.specs());
  CHECK(t.parse(values).width == 64);
  values.set("width", {std::int64_t{72}, ValueSource::kFile, "x.yaml:3"});
  values.set("rate", {0.25, ValueSource::kCommandLine, "--set"});
  const Params parsed = t.parse(values);
  CHECK(parsed.width == 72);
  CHECK(parsed.inner.rate == 0.25);
  values.set("width", {std::int64_t{73}, ValueSource::kFile, ""});
  CHECK_THROWS_WITH(t.parse(values), ContainsSubstring("multiple of 8"));
}

TEST_CASE("a value outside its range or choices is refused with what is allowed") {
  const auto t = table();
  const auto& specs = t.specs();
  CHECK_THROWS_WITH(check_value(specs[0], std::int64_t{7}),
                    ContainsSubstring("width = 7: must be between 8 and 128 (Width.)"));
  CHECK_THROWS_WITH(check_value(specs[1], std::string("layr")), ContainsSubstring("did you mean 'layer'?"));
  CHECK_THROWS_WITH(check_value(specs[0], 1.5), ContainsSubstring("whole number"));
  CHECK_THROWS_AS(check_value(specs[4], std::nan("")), ConfigError);
  CHECK_NOTHROW(check_value(specs[0], std::int64_t{128}));
}

TEST_CASE("a bad spec is the plugin's fault") {
  ParamSpec spec;
  spec.name = "Bad";
  spec.doc = "x";
  spec.default_value = std::string();
  CHECK_THROWS_AS(check_spec(spec), PluginError);
  spec.name = "good";
  spec.doc = "";
  CHECK_THROWS_WITH(check_spec(spec), ContainsSubstring("no doc"));
  spec.doc = "x";
  spec.type = ParamType::kInt;
  spec.default_value = std::int64_t{5};
  spec.max = 4;
  CHECK_THROWS_WITH(check_spec(spec), ContainsSubstring("breaks its own rule"));
}

TEST_CASE("nested values are found under their slot") {
  ParamValues values;
  values.set("objective", {std::string("causal_lm"), ValueSource::kDefault, ""});
  values.set("objective.density", {0.15, ValueSource::kDefault, ""});
  CHECK(values.sub("objective").as<double>("density") == 0.15);
  CHECK_FALSE(values.sub("objective").has("objective"));
  CHECK_THROWS_AS(values.get("nothing"), PluginError);
}

TEST_CASE("P-SWEEP-02 numbers print as the shortest text that reads back") {
  CHECK(to_text(1e-3) == "0.001");
  CHECK(to_text(0.1 + 0.2) == "0.30000000000000004");
  CHECK(to_text(0.3) == "0.3");
  CHECK(to_text(1e-5) == to_text(0.00001));
  CHECK(to_text(std::vector<std::string>{"a", "b"}) == "[a, b]");
}

TEST_CASE("names that are near are suggested, others are not") {
  const std::vector<std::string> names = {"learning_rate", "batch_size", "steps"};
  CHECK(nearest_name("lerning_rate", names) == "learning_rate");
  CHECK(nearest_name("learning", names) == "learning_rate");
  CHECK_FALSE(nearest_name("xyz", names));
}

TEST_CASE("all training parameters have valid specs") {
  const auto params = train_params();
  for (const auto& spec : params.specs()) CHECK_NOTHROW(check_spec(spec));
}
