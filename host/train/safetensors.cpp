// safetensors files (see safetensors.h).
#include "host/train/safetensors.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <vector>

#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;
static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::uint64_t kMaxHeader = 100'000'000;

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr TypeName kTypes[] = {{"F64", at::kDouble}, {"F32", at::kFloat}, {"F16", at::kHalf},  {"BF16", at::kBFloat16},
                               {"I64", at::kLong},   {"I32", at::kInt},   {"I16", at::kShort}, {"I8", at::kChar},
                               {"U8", at::kByte},    {"BOOL", at::kBool}};

const char* type_name(at::ScalarType type) {
  for (const auto& entry : kTypes) {
    if (entry.type == type) return entry.name;
  }
  throw DataError(std::string("safetensors has no name for tensors of type ") + at::toString(type));
}

class File {
 public:
  File(const std::filesystem::path& path, int flags) : path_(path), descriptor_(open(path.c_str(), flags, 0666)) {
    if (descriptor_ < 0) fail();
  }
  ~File() { close(descriptor_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  void write_all(const void* data, std::size_t size) {
    const char* bytes = static_cast<const char*>(data);
    while (size > 0) {
      const ssize_t count = ::write(descriptor_, bytes, size);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) fail();
      bytes += count;
      size -= static_cast<std::size_t>(count);
    }
  }
  void sync() {
    if (fsync(descriptor_) != 0) fail();
  }

 private:
  [[noreturn]] void fail() const { throw DataError("cannot write file '" + path_.string() + "': " + std::strerror(errno)); }
  std::filesystem::path path_;
  int descriptor_;
};

}  // namespace

void write_safetensors(const std::filesystem::path& path, const TensorFile& content) {
  Json header = Json::object();
  if (!content.metadata.empty()) {
    Json metadata = Json::object();
    for (const auto& [key, value] : content.metadata) metadata[key] = value;
    header["__metadata__"] = metadata;
  }
  std::uint64_t offset = 0;
  std::vector<at::Tensor> tensors;
  for (const auto& [name, tensor] : content.tensors) {
    tensors.push_back(tensor.detach().to(at::kCPU).contiguous());
    const std::uint64_t size = tensors.back().nbytes();
    header[name] = {{"dtype", type_name(tensor.scalar_type())},
                    {"shape", std::vector<std::int64_t>(tensor.sizes().begin(), tensor.sizes().end())},
                    {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  File file(path, O_WRONLY | O_CREAT | O_TRUNC);
  file.write_all(&length, sizeof length);
  file.write_all(text.data(), text.size());
  for (const auto& tensor : tensors) file.write_all(tensor.const_data_ptr(), tensor.nbytes());
  file.sync();
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  const auto refuse = [&](const std::string& why) {
    throw DataError("safetensors file '" + path.string() + "' is damaged: " + why);
  };
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  if (error) throw DataError("cannot read file '" + path.string() + "': " + error.message());
  std::ifstream file(path, std::ios::binary);
  std::uint64_t length = 0;
  if (file_size < 8 || !file.read(reinterpret_cast<char*>(&length), 8)) refuse("it is shorter than its 8-byte length");
  if (length > file_size - 8 || length > kMaxHeader) {
    refuse("its header claims " + std::to_string(length) + " bytes, the file has " + std::to_string(file_size));
  }
  std::string text(length, '\0');
  if (!file.read(text.data(), static_cast<std::streamsize>(length))) refuse("its header cannot be read");
  const Json header = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!header.is_object()) refuse("its header is not a JSON object");
  const std::uint64_t data_size = file_size - 8 - length;
  TensorFile content;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, value] : entry.items()) {
        if (value.is_string()) content.metadata[key] = value.get<std::string>();
      }
      continue;
    }
    const auto shape_ok = [](const Json& value) {
      if (!value.is_array()) return false;
      for (const auto& item : value) {
        if (!item.is_number_unsigned()) return false;
      }
      return true;
    };
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets") ||
        !entry["dtype"].is_string() || !shape_ok(entry["shape"]) || !shape_ok(entry["data_offsets"]) ||
        entry["data_offsets"].size() != 2) {
      refuse("the entry of tensor '" + name + "' lacks dtype, shape or data_offsets");
    }
    const TypeName* type = nullptr;
    for (const auto& candidate : kTypes) {
      if (entry["dtype"] == candidate.name) type = &candidate;
    }
    if (type == nullptr) refuse("tensor '" + name + "' has the unknown dtype " + entry["dtype"].dump());
    const auto begin = entry["data_offsets"][0].get<std::uint64_t>(), end = entry["data_offsets"][1].get<std::uint64_t>();
    if (begin > end || end > data_size) {
      refuse("tensor '" + name + "' lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
             std::to_string(data_size));
    }
    std::uint64_t count = 1;
    std::vector<std::int64_t> shape;
    const std::uint64_t element = c10::elementSize(type->type);
    for (const auto& item : entry["shape"]) {
      const auto size = item.get<std::uint64_t>();
      if (size != 0 && count > (end - begin) / element / size) count = std::numeric_limits<std::uint64_t>::max() / element;
      if (count * element > file_size) break;
      count *= size;
      shape.push_back(static_cast<std::int64_t>(size));
    }
    if (shape.size() != entry["shape"].size() || count * element != end - begin) {
      refuse("tensor '" + name + "' of shape " + entry["shape"].dump() + " and type " + type->name + " does not fit its " +
             std::to_string(end - begin) + " bytes");
    }
    at::Tensor tensor = at::empty(shape, at::TensorOptions().dtype(type->type));
    file.seekg(static_cast<std::streamoff>(8 + length + begin));
    if (end > begin && !file.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(end - begin))) {
      refuse("the data of tensor '" + name + "' cannot be read");
    }
    content.tensors[name] = tensor;
  }
  return content;
}

}  // namespace temper
