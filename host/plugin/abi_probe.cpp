// ABI tags (see abi_probe.h).
#include "host/plugin/abi_probe.h"

#include <elf.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>

#include "temper/abi_tag.h"
#include "temper/error.h"

namespace temper {
namespace {

constexpr std::string_view kPrefix = "TEMPER-ABI|", kSuffix = "|end";
constexpr std::string_view kSection = ".temper_abi";

/// Bounded reads from the file: anything outside its size is refused.
class ElfFile {
 public:
  explicit ElfFile(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
    std::error_code error;
    size_ = std::filesystem::file_size(path, error);
    if (!file_ || error) throw PluginError("cannot read plugin file '" + path.string() + "'");
  }

  void read(std::uint64_t offset, void* into, std::uint64_t count) {
    if (offset > size_ || count > size_ - offset) refuse("it is cut short");
    file_.seekg(static_cast<std::streamoff>(offset));
    if (!file_.read(static_cast<char*>(into), static_cast<std::streamsize>(count))) refuse("it cannot be read");
  }
  std::string text(std::uint64_t offset, std::uint64_t count) {
    if (offset > size_ || count > size_ - offset) refuse("it is cut short");
    std::string result(count, '\0');
    read(offset, result.data(), count);
    return result;
  }
  [[noreturn]] void refuse(const std::string& why) const {
    throw PluginError("'" + path_.string() + "' is no usable plugin library: " + why);
  }

 private:
  std::filesystem::path path_;
  std::ifstream file_;
  std::uint64_t size_ = 0;
};

std::string padded(const std::string& text, std::size_t width) {
  return text + std::string(width - std::min(width, text.size()), ' ');
}

}  // namespace

std::string host_abi_tag() { return TEMPER_ABI_TAG; }

std::optional<std::string> read_abi_tag(const std::filesystem::path& path) {
  ElfFile file(path);
  Elf64_Ehdr header{};
  file.read(0, &header, sizeof header);
  if (std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) file.refuse("it is not an ELF file");
  if (header.e_ident[EI_CLASS] != ELFCLASS64 || header.e_ident[EI_DATA] != ELFDATA2LSB || header.e_type != ET_DYN) {
    file.refuse("it is not a 64-bit little-endian shared library");
  }
  if (header.e_shentsize != sizeof(Elf64_Shdr) || header.e_shstrndx >= header.e_shnum)
    file.refuse("its section table is damaged");
  std::vector<Elf64_Shdr> sections(header.e_shnum);
  file.read(header.e_shoff, sections.data(), sections.size() * sizeof(Elf64_Shdr));
  const auto& names_section = sections[header.e_shstrndx];
  const std::string names = file.text(names_section.sh_offset, names_section.sh_size);
  for (const auto& section : sections) {
    if (section.sh_name >= names.size() || names.c_str() + section.sh_name != kSection) continue;
    std::string tag = file.text(section.sh_offset, section.sh_size);
    tag.resize(std::min(tag.size(), tag.find('\0')));
    return tag;
  }
  return std::nullopt;
}

AbiFields parse_abi_tag(const std::string& tag) {
  if (tag.rfind(kPrefix, 0) != 0 || !tag.ends_with(kSuffix)) {
    throw PluginError("the ABI tag is unreadable: '" + tag.substr(0, 200) + "'");
  }
  AbiFields fields;
  const std::string body = tag.substr(kPrefix.size(), tag.size() - kPrefix.size() - kSuffix.size());
  for (std::size_t start = 0; start <= body.size();) {
    const std::size_t end = std::min(body.find('|', start), body.size());
    const std::string field = body.substr(start, end - start);
    const std::size_t equals = field.find('=');
    if (equals == std::string::npos) throw PluginError("the ABI tag has a field without a value: '" + field + "'");
    fields.emplace_back(field.substr(0, equals), field.substr(equals + 1));
    start = end + 1;
  }
  return fields;
}

std::string describe_abi_mismatch(const std::string& plugin_tag, const std::string& host_tag) {
  if (plugin_tag == host_tag) return "";
  const AbiFields plugin = parse_abi_tag(plugin_tag), host = parse_abi_tag(host_tag);
  const auto find = [](const AbiFields& fields, const std::string& name) -> std::string {
    for (const auto& [key, value] : fields) {
      if (key == name) return value;
    }
    return "(none)";
  };
  std::vector<std::string> names;
  for (const auto& [name, value] : host) names.push_back(name);
  for (const auto& [name, value] : plugin) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  std::vector<std::array<std::string, 3>> rows = {{"", "plugin", "this program"}};
  for (const auto& name : names) {
    const std::string ours = find(host, name), theirs = find(plugin, name);
    if (ours != theirs) rows.push_back({name, theirs, ours});
  }
  std::array<std::size_t, 2> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string table = "it was built for another temper:";
  for (const auto& row : rows) {
    table += "\n  " + padded(row[0], widths[0]) + "  " + padded(row[1], widths[1]) + "  " + row[2];
  }
  return table;
}

std::string rebuild_command(const std::filesystem::path& file) {
  const std::filesystem::path build = std::filesystem::absolute(file).parent_path().parent_path();
  if (std::filesystem::exists(build / "CMakeCache.txt")) {
    return "Rebuild it: cmake --build '" + build.string() + "' --target plugin_" + file.stem().string();
  }
  return "Rebuild it against this program's SDK, in its source folder: cmake -B build && cmake --build build --clean-first";
}

}  // namespace temper
