// What is special to @name@; the checks that hold for every architecture run by themselves (conformance.architecture.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.
#include <ATen/ATen.h>

#include <cstdio>
#include <exception>

#include "temper/architecture.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("architecture", "@name@")->specs;
  const auto model = plugin.make<temper::Architecture>("@name@", temper::values_from_text(specs, {{"d_model", "16"}}), {50, 1});
  temper::ModelInput input;
  input.ids_BT = at::arange(6, at::kLong).unsqueeze(0);
  expect(model->hidden(input).size(2) == 16, "d_model is the width of the hidden states");
  expect(model->logits(input).size(2) == 50, "there is a logit for every token");
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
