// Files of a tokenizer's folder (see files.h).
#include "files.h"

#include <fstream>
#include <iterator>

#include "json_fields.h"

namespace temper::hf_bpe_plugin {
namespace fs = std::filesystem;

std::string read_text(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || fs::is_directory(path)) {
    throw DataError("cannot read the tokenizer file '" + path.string() + "'; check tokenizer.file");
  }
  return {std::istreambuf_iterator<char>(file), {}};
}

nlohmann::json read_json(const fs::path& path) { return parse_json(read_text(path), path.string()); }

nlohmann::json read_json_if_there(const fs::path& path) { return fs::exists(path) ? read_json(path) : nlohmann::json(); }

}  // namespace temper::hf_bpe_plugin
