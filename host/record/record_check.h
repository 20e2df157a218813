// Whether a record, or a part of one that the stage cache keeps, is as it was written: its check sum, and every table that
// it should have. `temper verify` asks; nothing is changed.
#pragma once

#include <filesystem>
#include <string>

namespace temper {

/// Empty if the record is intact; else a sentence about what is wrong.
std::string record_fault(const std::filesystem::path& path);
/// The same of a file that export_stage or export_eval made.
std::string part_fault(const std::filesystem::path& path);

}  // namespace temper
