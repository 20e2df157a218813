// What is special to @name@; the checks that hold for every evaluator run by themselves (conformance.evaluator.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.

#include <cstdio>
#include <exception>

#include "temper/evaluator.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("evaluator", "@name@")->specs;
  const auto evaluator = plugin.make<temper::Evaluator>("@name@", temper::values_from_text(specs, {{"data", "my_items"}}), {});
  expect(evaluator != nullptr, "it can be made from a list of datasets");
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
