// The record as others see it: h5py reads every table, h5dump every byte. Skipped with a message where they are missing.
#include <cstdio>
#include <cstdlib>

#include "support.h"

using namespace record_test;

namespace {

bool works(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()) == 0; }

std::string python_with_h5py() {
  for (const char* python : {"/usr/bin/python3", "python3"}) {
    if (works(std::string(python) + " -c 'import h5py'")) return python;
  }
  return "";
}

}  // namespace

TEST_CASE("h5py and h5dump read a record") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  {
    using namespace std::string_literals;
    const auto record = RunRecord::create(path, facts());
    record->begin_stage("a/b", {"sft", {"pretrain", "x"}});
    record->begin_stage("sft", {"sft", {}});
    record->declare_metric("sft", kLoss);
    for (int step = 1; step <= 3000; ++step) record->append("sft", "loss", step, 0.5 * step);
    record->write_eval("sft", "clean", eval_of({"größer", "", "x"}));
    record->write_eval("sft", "odd", eval_of({"ab\0cd"s, "ab\0"s, "\xEA\xB0", ""}));
    record->set_data({{"plays", "p.txt", "aa", 3, 1000, 250}});
    record->add_note("sft", "a note");
    record->set_status("complete");
    record->flush();
  }
  if (works("h5dump --version")) {
    CHECK(works("h5dump " + path.string()));
  } else {
    WARN("SKIPPED: h5dump is not there");
  }
  const std::string python = python_with_h5py();
  if (python.empty()) {
    WARN("SKIPPED: no Python with h5py is there");
    return;
  }
  const std::string script = std::string(TEMPER_SOURCE_DIR) + "/tests/unit/record/check_with_h5py.py";
  const std::string output = folder / "out.txt";
  const int code = std::system((python + " " + script + " " + path.string() + " > " + output + " 2>&1").c_str());
  INFO(read_bytes(output));
  CHECK(code == 0);
}
