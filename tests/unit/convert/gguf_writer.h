// Writes GGUF files for tests: metadata and tensors as they are told, right or wrong.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace temper::test {

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}
inline std::string gguf_text(const std::string& text) { return raw<std::uint64_t>(text.size()) + text; }

class GgufWriter {
 public:
  /// `value` as the file has it; `type` is its number.
  GgufWriter& entry(const std::string& key, std::uint32_t type, const std::string& value) {
    entries_ += gguf_text(key) + raw(type) + value;
    ++entry_count_;
    return *this;
  }
  GgufWriter& text(const std::string& key, const std::string& value) { return entry(key, 8, gguf_text(value)); }
  GgufWriter& integer(const std::string& key, std::uint32_t value) { return entry(key, 4, raw(value)); }
  GgufWriter& real(const std::string& key, float value) { return entry(key, 6, raw(value)); }
  GgufWriter& flag(const std::string& key, bool value) { return entry(key, 7, raw<std::uint8_t>(value)); }
  GgufWriter& texts(const std::string& key, const std::vector<std::string>& values) {
    std::string all = raw<std::uint32_t>(8) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) all += gguf_text(value);
    return entry(key, 9, all);
  }
  template <class T>
  GgufWriter& numbers(const std::string& key, std::uint32_t type, const std::vector<T>& values) {
    std::string all = raw(type) + raw<std::uint64_t>(values.size());
    for (const auto& value : values) all += raw(value);
    return entry(key, 9, all);
  }
  /// `dimensions` innermost first, as in the file.
  GgufWriter& tensor(const std::string& name, const std::vector<std::uint64_t>& dimensions, std::uint32_t type,
                     const std::string& data) {
    data_.resize((data_.size() + 31) / 32 * 32);
    tensors_ += gguf_text(name) + raw(static_cast<std::uint32_t>(dimensions.size()));
    for (const auto size : dimensions) tensors_ += raw(size);
    tensors_ += raw(type) + raw<std::uint64_t>(data_.size());
    data_ += data;
    ++tensor_count_;
    return *this;
  }
  GgufWriter& floats(const std::string& name, const std::vector<std::uint64_t>& dimensions,
                     const std::vector<float>& values) {
    return tensor(name, dimensions, 0, {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)});
  }

  std::string bytes(std::uint32_t version = 3) const {
    std::string file = "GGUF" + raw(version) + raw(tensor_count_) + raw(entry_count_) + entries_ + tensors_;
    file.resize((file.size() + 31) / 32 * 32);
    return file + data_;
  }

 private:
  std::string entries_, tensors_, data_;
  std::uint64_t entry_count_ = 0, tensor_count_ = 0;
};

}  // namespace temper::test
