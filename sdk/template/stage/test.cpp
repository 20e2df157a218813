// What is special to @name@; the checks that hold for every stage run by themselves (conformance.stage.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.

#include <cstdio>
#include <exception>

#include "temper/stage.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("stage", "@name@")->specs;
  const auto stage = plugin.make<temper::Stage>("@name@", temper::values_from_text(specs, {{"data", "my_texts"}}), {});
  expect(stage != nullptr, "it can be made from a list of datasets");
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
