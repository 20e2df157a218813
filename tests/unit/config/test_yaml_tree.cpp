// The tree itself: places, refusals, anchors, merge keys, and writing it back.
#include "host/config/yaml_tree.h"
#include "host/config/yaml_write.h"
#include "support.h"

using namespace temper::config;
using config_test::error_from;
using temper::ConfigError;

namespace {

YamlNode read(const std::string& text) { return parse_yaml(text, {"f.yaml", 0, false}); }
std::string error_of(const std::string& text) {
  return error_from<ConfigError>([&] { read(text); });
}

bool same(const YamlNode& a, const YamlNode& b) {
  if (a.kind != b.kind || a.text != b.text || a.key != b.key || a.children.size() != b.children.size()) return false;
  for (std::size_t i = 0; i < a.children.size(); ++i) {
    if (!same(a.children[i], b.children[i])) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("every node knows its line, an absent value that of its key") {
  const auto tree = read("a: 1\nb:\n  c: [x,\n     y]\nd:\n\ne: 2\n");
  CHECK(tree.find("a")->place.line == 1);
  CHECK(tree.find("b")->find("c")->key_place.line == 3);
  CHECK(tree.find("b")->find("c")->children[1].place.line == 4);
  CHECK(tree.find("d")->kind == YamlKind::kNull);
  CHECK(tree.find("d")->place.text() == "f.yaml:5");
}

TEST_CASE("quotes are remembered") {
  const auto tree = read("a: 1\nb: \"1\"\nc: '1'\nd: !!str 1\ne: |\n  1\n");
  CHECK_FALSE(tree.find("a")->quoted);
  for (const char* key : {"b", "c", "d", "e"}) CHECK(tree.find(key)->quoted);
}

TEST_CASE("a comma at the end of a list or map is allowed") {
  const auto tree = read("a: {b: 1, }\nc: [1, ]\n");
  CHECK(tree.find("a")->children.size() == 1);
  CHECK(tree.find("c")->children.size() == 1);
}

TEST_CASE("a key given twice is refused with both lines and the map it is in") {
  CHECK(error_of("a: 1\nb: 2\na: 3\n") == "f.yaml:3: key 'a' is given twice (first in line 1); keep one");
  CHECK_THAT(error_of("s:\n  t:\n    x: 1\n    \"x\": 2\n"), ContainsSubstring("f.yaml:4: key 'x' is given twice in 's.t'"));
  CHECK_THAT(error_of("a: {x: 1, y: 2, x: 3}"), ContainsSubstring("given twice in 'a'"));
}

TEST_CASE("broken YAML is reported with line and column") {
  CHECK_THAT(error_of("a: 1\nb: [1, 2\n"), ContainsSubstring("f.yaml:3:1: this is not valid YAML"));
  CHECK_THAT(error_of("a: b: c"), ContainsSubstring("f.yaml:1:5: this is not valid YAML"));
  CHECK_THAT(error_of("a: \"open"), ContainsSubstring("f.yaml:1:"));
  CHECK_THAT(error_of("a: @x"), ContainsSubstring("f.yaml:1:4"));
  CHECK_THAT(error_of("a: *nowhere"), ContainsSubstring("f.yaml:1:4"));
}

TEST_CASE("deep nesting ends in an error, not in a crash") {
  CHECK_THAT(error_of(std::string(100000, '[')), ContainsSubstring("not valid YAML"));
  CHECK_THAT(error_of(std::string(100000, '{')), ContainsSubstring("not valid YAML"));
}

TEST_CASE("what a map cannot hold is refused") {
  CHECK_THAT(error_of("a: 1\n---\nb: 2\n"), ContainsSubstring("second YAML document"));
  CHECK_THAT(error_of("? [a, b]\n: 3\n"), ContainsSubstring("f.yaml:1: a list or map cannot be a key"));
  CHECK_THAT(error_of("a: !secret 3\n"), ContainsSubstring("f.yaml:1: the YAML tag '!secret' is not supported"));
  CHECK_THAT(error_of("a: !!int 3\n"), ContainsSubstring("is not supported"));
  CHECK_THAT(error_of("a: \"x\\0y\"\n"), ContainsSubstring("NUL"));
  CHECK_THAT(error_of("~: 3\n"), ContainsSubstring("a key is missing"));
}

TEST_CASE("aliases are copies of their anchor") {
  const auto tree = read("a: &x {p: 1, q: [2]}\nb: *x\n");
  CHECK(tree.find("b")->key == "b");
  CHECK(tree.find("b")->find("q")->children[0].text == "2");
  CHECK(tree.find("b")->find("p")->place.line == 1);
}

TEST_CASE("an anchor that holds itself and aliases without bound are refused") {
  CHECK_THAT(error_of("a: &q [*q]\n"), ContainsSubstring("f.yaml:1: the alias stands inside the anchor it names"));
  std::string text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "a" + std::to_string(i), inner = "*a" + std::to_string(i - 1);
    text += name + ": &" + name + " [" + inner;
    for (int j = 0; j < 9; ++j) text += ", " + inner;
    text += "]\n";
  }
  CHECK_THAT(error_of(text), ContainsSubstring("aliases expand to more than 100000 values"));
}

TEST_CASE("merge keys fill in what the map does not say, earlier maps first") {
  const auto tree = read("a: &a {p: 1, q: 1}\nb: &b {q: 2, r: 2}\nc:\n  <<: [*a, *b]\n  p: 3\n");
  const auto* c = tree.find("c");
  CHECK(c->children.size() == 3);
  CHECK(c->find("p")->text == "3");
  CHECK(c->find("q")->text == "1");
  CHECK(c->find("r")->text == "2");
  CHECK_THAT(error_of("a:\n  <<: 3\n"), ContainsSubstring("f.yaml:2: '<<' merges maps, but got '3'"));
  CHECK(read("a: {\"<<\": 3}").find("a")->find("<<")->text == "3");
}

TEST_CASE("written text reads back as the same tree") {
  const std::vector<std::string> texts = {
      "a: 1\nb: {c: [x, y], d: {}, e: [], f: ~}\n",
      "a: \"1\"\nb: 'true'\nc: \"null\"\nd: \"\"\n",
      "a: hello, world [x] # no\nb: 'it''s: \"quoted\" \\ back'\nc: |\n  two\n  lines\n",
      "a: -5\nb: 1e-3\nc: '-'\nd: '...'\ne: '---'\nf: -x\ng: ./path/to.txt\nh: '*x'\ni: '&x'\nj: '#x'\n",
      "a: \"\\x01\\t\\r\\n\\x7f\"\nb: \xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\n",
      "l: [[1, 2], {a: b}, [], ~]\n\"odd key\": 1\n\"<<\": 2\n\"null\": 4\n",
  };
  for (const auto& text : texts) {
    CAPTURE(text);
    const auto tree = read(text);
    const auto written = write_yaml(tree);
    CAPTURE(written);
    CHECK(same(tree, read(written)));
    CHECK(write_yaml(read(written)) == written);
  }
  CHECK(write_yaml(read("a: 5\nb: \"5\"\n")) == "a: 5\nb: \"5\"\n");
}
