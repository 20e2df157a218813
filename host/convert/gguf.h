// Reads GGUF files, versions 2 and 3: typed metadata, and tensors as float32. Every count, length and offset is checked
// against the file's size before anything is allocated for it, so a damaged or hostile file is refused in words. What the
// metadata mean is not known here (gguf_model.h, gguf_tokenizer.h). Source: the GGUF format description (ggml,
// docs/gguf.md).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/convert/dequantise.h"

namespace temper {

enum class GgufType : std::uint32_t {
  kUint8,
  kInt8,
  kUint16,
  kInt16,
  kUint32,
  kInt32,
  kFloat32,
  kBool,
  kString,
  kArray,
  kUint64,
  kInt64,
  kFloat64
};

/// Elements of fixed size stay as they are in the file, so that an array costs what it costs there.
struct GgufArray {
  GgufType type = GgufType::kUint8;
  std::uint64_t count = 0;
  std::string raw;                 ///< elements of fixed size, little-endian
  std::vector<std::string> texts;  ///< of kString
  std::vector<GgufArray> arrays;   ///< of kArray
};

struct GgufValue {
  GgufType type = GgufType::kUint8;
  std::variant<bool, std::uint64_t, std::int64_t, double, std::string, GgufArray> value;
};

struct GgufTensor {
  std::string name;
  std::vector<std::int64_t> shape;  ///< outermost first, as LibTorch has it; the file has the reverse
  GgmlType type = GgmlType::kF32;
  std::uint64_t offset = 0, bytes = 0;  ///< place in the file
};

class GgufFile {
 public:
  /// Reads and checks all but the tensors' data. Throws DataError.
  explicit GgufFile(const std::filesystem::path& path);

  const std::filesystem::path& path() const { return path_; }
  const std::map<std::string, GgufValue>& metadata() const { return metadata_; }
  const std::map<std::string, GgufTensor>& tensors() const { return tensors_; }

  /// A key's value as a type: integers of every width widen. Nothing if the key is absent; DataError if it is of another
  /// type.
  std::optional<std::int64_t> integer(const std::string& key) const;
  std::optional<double> number(const std::string& key) const;
  std::optional<bool> flag(const std::string& key) const;
  std::optional<std::string> text(const std::string& key) const;
  const std::vector<std::string>* texts(const std::string& key) const;
  std::optional<std::vector<std::int64_t>> integers(const std::string& key) const;
  std::optional<std::vector<float>> floats(const std::string& key) const;

  /// float32, dequantised.
  at::Tensor read(const GgufTensor& tensor) const;
  [[noreturn]] void refuse(const std::string& why) const;  ///< DataError that names the file

 private:
  const GgufValue* find(const std::string& key) const;
  const GgufArray* find_array(const std::string& key) const;
  [[noreturn]] void wrong_type(const std::string& key, std::string_view wanted) const;

  std::filesystem::path path_;
  mutable std::ifstream file_;
  std::map<std::string, GgufValue> metadata_;
  std::map<std::string, GgufTensor> tensors_;
};

/// Whether the file begins with GGUF's magic.
bool is_gguf(const std::filesystem::path& path);
std::string_view to_string(GgufType type);

}  // namespace temper
