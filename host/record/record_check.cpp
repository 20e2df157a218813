// Checking records (see record_check.h).
#include "host/record/record_check.h"

#include "host/record/image_file.h"
#include "host/record/record_reader.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr const char* kNoSeal =
    "it has no check sum: its end was cut off, or another program rewrote it; its tables can be read, but nothing says that "
    "they are as they were written";

void read_all(const RecordReader& reader) {
  reader.attributes();
  reader.config_source();
  reader.resolved();
  reader.plugins();
  reader.data();
  reader.ledger();
  for (const auto& stage : reader.stage_names()) {
    reader.stage(stage);
    reader.notes(stage);
    reader.samples(stage);
    reader.sentinels(stage);
    for (const auto& metric : reader.log_names(stage)) {
      reader.log_spec(stage, metric);
      reader.log(stage, metric);
    }
    for (const auto& evaluator : reader.evaluators(stage)) reader.eval(stage, evaluator);
  }
}

}  // namespace

std::string record_fault(const fs::path& path) {
  try {
    read_all(RecordReader(path));
    return seal_of(path) == Seal::kMissing ? kNoSeal : "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

std::string part_fault(const fs::path& path) {
  try {
    const h5::Session session;
    const h5::Handle file = load_image(path, false);
    if (!h5::has_link(file, "part")) return "'" + path.string() + "' is no part of a record";
    return seal_of(path) == Seal::kMissing ? kNoSeal : "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

}  // namespace temper
