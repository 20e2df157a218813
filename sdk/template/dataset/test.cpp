// What is special to @name@; the checks that hold for every dataset run by themselves (conformance.dataset.@name@).
// Called by CTest with the plugin file as its argument; 0 means that all is well.

#include <cstdio>
#include <exception>

#include "temper/dataset.h"
#include "temper/testing.h"

namespace {

int failures = 0;

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "failed: %s\n", what);
  ++failures;
}

void run(const temper::OpenedPlugin& plugin) {
  const auto& specs = plugin.find("dataset", "@name@")->specs;
  const auto dataset = plugin.make<temper::Dataset>("@name@", temper::values_from_text(specs, {{"largest", "9"}}), {".", 1});
  auto* source = dynamic_cast<temper::DocumentSource*>(dataset.get());
  expect(source != nullptr, "it offers documents");
  if (source == nullptr) return;
  int count = 0;
  temper::Document document;
  for (const auto split : {temper::Split::kTrain, temper::Split::kTest}) {
    for (const auto stream = source->documents(split); stream->next(document);) ++count;
  }
  expect(count == 100, "every pair of ten numbers is there once");
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
