// What is special to @name@; the checks that hold for every objective run by themselves (conformance.objective.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.
#include <vector>

#include <cstdio>
#include <exception>

#include "temper/objective.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("objective", "@name@")->specs;
  const auto objective = plugin.make<temper::Objective>("@name@", temper::values_from_text(specs, {{"fraction", "0.5"}}), {});
  const std::vector<std::int32_t> tokens = {1, 2, 3, 4};
  temper::Rng rng(1);
  const auto example = objective->example({tokens, 5, true, false}, rng);
  expect(example.labels.front() == temper::kIgnoreLabel, "the first half of a piece is context");
  expect(example.labels.back() == 5, "the last position predicts the token after the piece");
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
