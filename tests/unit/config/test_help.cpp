// Parameter tables for people.
#include "host/config/help.h"
#include "support.h"

using namespace config_test;

TEST_CASE("the Markdown table has one row a parameter with everything the spec says") {
  const auto table = describe_plugin_table(*catalog().lookup("architecture", "gpt"));
  CHECK(table.rfind("| parameter | type | default | allowed | unit | meaning |\n|---|---|---|---|---|---|\n", 0) == 0);
  CHECK_THAT(table, ContainsSubstring(
                        "| `d_model` | whole number | `256` | 8 to 16384 | channels | Width of the residual stream. |\n"));
  CHECK_THAT(table, ContainsSubstring("| `norm` | text | `rmsnorm` | rmsnorm, layernorm |  | Normalisation layer. |\n"));
  CHECK_THAT(table, ContainsSubstring("| `label` | text | none |"));
  CHECK(std::count(table.begin(), table.end(), '\n') == 2 + 7);
  CHECK_THAT(describe_plugin_table(*catalog().lookup("stage", "pretrain")),
             ContainsSubstring("| `data` | datasets | required |"));
  CHECK(describe_plugin_table(*catalog().lookup("tokenizer", "bytes")) == "`bytes` has no parameters.\n");
}

TEST_CASE("a bar or a line break in a text does not break the table") {
  Registration plugin{
      "stage", "odd", "Odd.", {spec("sep", ParamType::kText, std::string("|"), "Either a|b\nor c.")}, nullptr};
  CHECK_THAT(describe_plugin_table(plugin), ContainsSubstring("| `sep` | text | `\\|` |  |  | Either a\\|b<br>or c. |\n"));
}

TEST_CASE("the plain text wraps and says the same") {
  const auto text = describe_plugin_text(*catalog().lookup("architecture", "gpt"), 40);
  CAPTURE(text);
  CHECK_THAT(text, ContainsSubstring("gpt (architecture): Plugin gpt of a"));
  CHECK_THAT(text, ContainsSubstring("  d_model  whole number, default 256, 8 to 16384, in channels\n"));
  CHECK_THAT(text, ContainsSubstring("  norm     text, default rmsnorm, one of rmsnorm, layernorm\n"));
  CHECK_THAT(text, ContainsSubstring("           Probability of dropping an\n           activation.\n"));
  CHECK_THAT(describe_plugin_text(*catalog().lookup("tokenizer", "bytes")), ContainsSubstring("no parameters"));
  CHECK_THAT(describe_plugin_text(*catalog().lookup("dataset", "text")), ContainsSubstring("text, required"));
}
