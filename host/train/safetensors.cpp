// safetensors files (see safetensors.h).
#include "host/train/safetensors.h"

#include <ATen/ATen.h>
#include <fcntl.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "host/train/safetensors_header.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;
static_assert(std::endian::native == std::endian::little, "safetensors data is little-endian");

constexpr std::uint64_t kMaxHeader = 100'000'000;

class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : path_(path), descriptor_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0666)) {
    if (descriptor_ < 0) fail();
  }
  ~OutputFile() { close(descriptor_); }
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

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

std::uint64_t TensorSource::bytes() const {
  std::uint64_t count = c10::elementSize(type);
  for (const auto size : shape) count *= static_cast<std::uint64_t>(size);
  return count;
}

void write_safetensors(const std::filesystem::path& path, const std::map<std::string, TensorSource>& tensors,
                       const std::map<std::string, std::string>& metadata) {
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t offset = 0;
  for (const auto& [name, source] : tensors) {
    const std::uint64_t end = offset + source.bytes();
    header[name] = {{"dtype", safetensors_type_name(source.type)}, {"shape", source.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.append((8 - text.size() % 8) % 8, ' ');
  const std::uint64_t length = text.size();
  OutputFile file(path);
  file.write_all(&length, sizeof length);
  file.write_all(text.data(), text.size());
  for (const auto& [name, source] : tensors) {
    const at::Tensor tensor = source.make().detach().to(at::kCPU).contiguous();
    if (tensor.scalar_type() != source.type || tensor.sizes() != at::IntArrayRef(source.shape)) {
      throw DataError("tensor '" + name + "' has another type or shape than was announced for file '" + path.string() + "'");
    }
    file.write_all(tensor.const_data_ptr(), tensor.nbytes());
  }
  file.sync();
}

void write_safetensors(const std::filesystem::path& path, const TensorFile& content) {
  std::map<std::string, TensorSource> sources;
  for (const auto& [name, tensor] : content.tensors) {
    sources[name] = {tensor.scalar_type(), tensor.sizes().vec(), [&tensor] { return tensor; }};
  }
  write_safetensors(path, sources, content.metadata);
}

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
  const auto refuse = [&](const std::string& why) {
    throw DataError("safetensors file '" + path.string() + "' is damaged: " + why);
  };
  std::error_code error;
  const std::uint64_t file_size = std::filesystem::file_size(path, error);
  if (error || !file_) {
    throw DataError("cannot read file '" + path.string() + "'" + (error ? ": " + error.message() : std::string()));
  }
  std::uint64_t length = 0;
  if (file_size < 8 || !file_.read(reinterpret_cast<char*>(&length), 8)) refuse("it is shorter than its 8-byte length");
  if (length > file_size - 8 || length > kMaxHeader) {
    refuse("its header claims " + std::to_string(length) + " bytes, the file has " + std::to_string(file_size));
  }
  std::string text(length, '\0');
  if (!file_.read(text.data(), static_cast<std::streamsize>(length))) refuse("its header cannot be read");
  SafetensorsHeader header = parse_safetensors_header(text, file_size - 8 - length, refuse);
  entries_ = std::move(header.entries);
  metadata_ = std::move(header.metadata);
  for (auto& [name, entry] : entries_) {
    entry.begin += 8 + length;
    entry.end += 8 + length;
  }
}

at::Tensor SafetensorsFile::read(const std::string& name) const {
  const TensorEntry& entry = entries_.at(name);
  at::Tensor tensor = at::empty(entry.shape, at::TensorOptions().dtype(entry.type));
  if (entry.end == entry.begin) return tensor;
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(entry.begin));
  if (!file_.read(static_cast<char*>(tensor.data_ptr()), static_cast<std::streamsize>(entry.end - entry.begin))) {
    throw DataError("safetensors file '" + path_.string() + "' is damaged: the data of tensor '" + name +
                    "' cannot be read");
  }
  return tensor;
}

TensorFile read_safetensors(const std::filesystem::path& path) {
  const SafetensorsFile file(path);
  TensorFile content;
  content.metadata = file.metadata();
  for (const auto& [name, entry] : file.entries()) content.tensors[name] = file.read(name);
  return content;
}

}  // namespace temper
