// GGUF files: typed access to metadata, tensors as float32 (see gguf.h).
#include "host/convert/gguf.h"

#include <ATen/ATen.h>

#include <cstring>
#include <limits>

#include "host/convert/gguf_parser.h"
#include "temper/error.h"

namespace temper {
namespace {

constexpr std::string_view kTypeNames[] = {"uint8", "int8",   "uint16", "int16",  "uint32", "int32",  "float32",
                                           "bool",  "string", "array",  "uint64", "int64",  "float64"};
// Blocks are read and converted in pieces of about this size, so that a tensor costs its float32 form and little more.
constexpr std::uint64_t kPiece = 1 << 20;

template <class T>
std::vector<std::int64_t> widen(const std::string& raw) {
  std::vector<std::int64_t> values(raw.size() / sizeof(T));
  for (std::size_t i = 0; i < values.size(); ++i) {
    T value{};
    std::memcpy(&value, raw.data() + i * sizeof(T), sizeof(T));
    values[i] = static_cast<std::int64_t>(value);
  }
  return values;
}

}  // namespace

std::string_view to_string(GgufType type) { return kTypeNames[static_cast<std::size_t>(type)]; }

bool is_gguf(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  char magic[4] = {};
  return file.read(magic, sizeof magic) && std::memcmp(magic, "GGUF", sizeof magic) == 0;
}

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path), file_(path, std::ios::binary) {
  std::error_code error;
  const std::uint64_t size = std::filesystem::file_size(path, error);
  if (error || !file_) {
    throw DataError("cannot read file '" + path.string() + "'" + (error ? ": " + error.message() : std::string()));
  }
  GgufHead head = parse_gguf_head(file_, size, path_);
  metadata_ = std::move(head.metadata);
  tensors_ = std::move(head.tensors);
}

void GgufFile::refuse(const std::string& why) const {
  throw DataError("GGUF file '" + path_.string() + "' cannot be used: " + why);
}

void GgufFile::wrong_type(const std::string& key, std::string_view wanted) const {
  refuse("its '" + key + "' is of type " + std::string(to_string(metadata_.at(key).type)) + ", not " + std::string(wanted));
}

const GgufValue* GgufFile::find(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

std::optional<std::int64_t> GgufFile::integer(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::int64_t>(&found->value)) return *value;
  const auto* value = std::get_if<std::uint64_t>(&found->value);
  if (value == nullptr) wrong_type(key, "a whole number");
  if (*value > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    refuse("its '" + key + "' is too large");
  return static_cast<std::int64_t>(*value);
}

std::optional<double> GgufFile::number(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<double>(&found->value)) return *value;
  if (std::holds_alternative<bool>(found->value) || std::holds_alternative<std::string>(found->value) ||
      std::holds_alternative<GgufArray>(found->value)) {
    wrong_type(key, "a number");
  }
  return static_cast<double>(*integer(key));
}

std::optional<bool> GgufFile::flag(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<bool>(&found->value)) return *value;
  wrong_type(key, "bool");
}

std::optional<std::string> GgufFile::text(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* value = std::get_if<std::string>(&found->value)) return *value;
  wrong_type(key, "string");
}

const GgufArray* GgufFile::find_array(const std::string& key) const {
  const GgufValue* found = find(key);
  if (found == nullptr) return nullptr;
  const auto* value = std::get_if<GgufArray>(&found->value);
  if (value == nullptr) wrong_type(key, "array");
  return value;
}

const std::vector<std::string>* GgufFile::texts(const std::string& key) const {
  const GgufArray* array = find_array(key);
  if (array == nullptr) return nullptr;
  if (array->type != GgufType::kString) refuse("its '" + key + "' is no array of strings");
  return &array->texts;
}

std::optional<std::vector<std::int64_t>> GgufFile::integers(const std::string& key) const {
  const GgufArray* array = find_array(key);
  if (array == nullptr) return std::nullopt;
  switch (array->type) {
    case GgufType::kUint8:
      return widen<std::uint8_t>(array->raw);
    case GgufType::kInt8:
      return widen<std::int8_t>(array->raw);
    case GgufType::kUint16:
      return widen<std::uint16_t>(array->raw);
    case GgufType::kInt16:
      return widen<std::int16_t>(array->raw);
    case GgufType::kUint32:
      return widen<std::uint32_t>(array->raw);
    case GgufType::kInt32:
      return widen<std::int32_t>(array->raw);
    case GgufType::kInt64:
      return widen<std::int64_t>(array->raw);
    default:
      refuse("its '" + key + "' is no array of whole numbers");
  }
}

std::optional<std::vector<float>> GgufFile::floats(const std::string& key) const {
  const GgufArray* array = find_array(key);
  if (array == nullptr) return std::nullopt;
  if (array->type != GgufType::kFloat32) refuse("its '" + key + "' is no array of float32");
  std::vector<float> values(array->count);
  std::memcpy(values.data(), array->raw.data(), array->raw.size());
  return values;
}

at::Tensor GgufFile::read(const GgufTensor& tensor) const {
  const GgmlFormat& format = *find_format(static_cast<std::uint32_t>(tensor.type));
  at::Tensor result = at::empty(tensor.shape, at::TensorOptions().dtype(at::kFloat));
  float* out = result.data_ptr<float>();
  const std::uint64_t blocks = tensor.bytes / format.block_bytes;
  const std::uint64_t piece = kPiece / format.block_bytes;
  std::vector<std::uint8_t> buffer;
  file_.clear();
  file_.seekg(static_cast<std::streamoff>(tensor.offset));
  for (std::uint64_t done = 0; done < blocks; done += piece) {
    const std::uint64_t count = std::min(piece, blocks - done);
    buffer.resize(count * format.block_bytes);
    if (!file_.read(reinterpret_cast<char*>(buffer.data()), static_cast<std::streamsize>(buffer.size()))) {
      refuse("the data of tensor '" + tensor.name + "' cannot be read");
    }
    dequantise(tensor.type, buffer.data(), count, out + done * format.block_elements);
  }
  return result;
}

}  // namespace temper
