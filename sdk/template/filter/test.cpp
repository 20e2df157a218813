// What is special to @name@; the checks that hold for every filter run by themselves (conformance.filter.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.

#include <cstdio>
#include <exception>

#include "temper/filter.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("filter", "@name@")->specs;
  const auto filter = plugin.make<temper::Filter>("@name@", temper::values_from_text(specs, {{"max_bytes", "5"}}), {"."});
  const auto* judge = dynamic_cast<const temper::DocumentFilter*>(filter.get());
  expect(judge != nullptr, "it judges documents one by one");
  if (judge == nullptr) return;
  const temper::Document mixed{"1", "short\nlonger line\nshort\nshort\nshort\n", "test:1"};
  const auto result = judge->judge(mixed);
  expect(!result.drop, "a document with one long line stays");
  expect(temper::apply_spans(mixed.text, result.spans) == "short\nshort\nshort\nshort\n", "the long line is taken out");
  expect(judge->judge({"2", "one long line", "test:2"}).drop, "a document of long lines goes");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
    return 2;
  }
  try {
    run(temper::open_plugin(argv[1]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "failed: %s\n", error.what());
    return 1;
  }
  return failures == 0 ? 0 : 1;
}
