// The head of a GGUF file (see gguf_parser.h).
#include "host/convert/gguf_parser.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "temper/error.h"

namespace temper {
namespace {

constexpr std::uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr std::uint64_t kDefaultAlignment = 32;
constexpr std::uint32_t kMaxDimensions = 4;
constexpr int kMaxArrayDepth = 4;
// What the smallest metadata entry and tensor description take in the file; counts are held against them.
constexpr std::uint64_t kLeastEntry = 8 + 4 + 1, kLeastTensor = 8 + 4 + 4 + 8;

class Parser {
 public:
  Parser(std::istream& stream, std::uint64_t size, const std::filesystem::path& path)
      : stream_(stream), size_(size), path_(path) {}

  GgufHead parse() {
    if (size_ < 4 || integer<std::uint32_t>() != kMagic) refuse("it does not begin with GGUF");
    check_version(integer<std::uint32_t>());
    const auto tensor_count = integer<std::uint64_t>();
    const auto entry_count = integer<std::uint64_t>();
    check_count(entry_count, kLeastEntry, "metadata entries");
    for (std::uint64_t i = 0; i < entry_count; ++i) read_entry();
    check_count(tensor_count, kLeastTensor, "tensors");
    for (std::uint64_t i = 0; i < tensor_count; ++i) read_tensor();
    place_tensors();
    return std::move(head_);
  }

 private:
  [[noreturn]] void refuse(const std::string& why) const {
    throw DataError("GGUF file '" + path_.string() + "' cannot be used: " + why);
  }
  std::uint64_t left() const { return size_ - at_; }

  void check_version(std::uint32_t version) const {
    if (version == 2 || version == 3) return;
    if (version == 0x02000000 || version == 0x03000000) {
      refuse("it is in big-endian byte order; convert it again for a little-endian machine");
    }
    refuse("it has format version " + std::to_string(version) +
           ", temper reads 2 and 3; convert it again with a newer tool");
  }
  void check_count(std::uint64_t count, std::uint64_t least_bytes, const std::string& what) const {
    if (count <= left() / least_bytes) return;
    refuse("it claims " + std::to_string(count) + " " + what + " but only " + std::to_string(left()) + " bytes follow");
  }

  void bytes(void* out, std::uint64_t count) {
    if (count > left()) refuse("it ends within its header");
    if (!stream_.read(static_cast<char*>(out), static_cast<std::streamsize>(count))) refuse("it cannot be read");
    at_ += count;
  }
  template <class T>
  T integer() {
    T value{};
    bytes(&value, sizeof value);
    return value;
  }
  std::string text() {
    const auto length = integer<std::uint64_t>();
    if (length > left()) {
      refuse("a text claims " + std::to_string(length) + " bytes but only " + std::to_string(left()) + " follow");
    }
    std::string result(length, '\0');
    bytes(result.data(), length);
    return result;
  }
  GgufType type() {
    const auto number = integer<std::uint32_t>();
    if (number > static_cast<std::uint32_t>(GgufType::kFloat64)) {
      refuse("a metadata value has the unknown type " + std::to_string(number));
    }
    return static_cast<GgufType>(number);
  }

  GgufValue value(GgufType of) {
    GgufValue result{of, {}};
    switch (of) {
      case GgufType::kUint8:
        result.value = std::uint64_t{integer<std::uint8_t>()};
        break;
      case GgufType::kUint16:
        result.value = std::uint64_t{integer<std::uint16_t>()};
        break;
      case GgufType::kUint32:
        result.value = std::uint64_t{integer<std::uint32_t>()};
        break;
      case GgufType::kUint64:
        result.value = integer<std::uint64_t>();
        break;
      case GgufType::kInt8:
        result.value = std::int64_t{integer<std::int8_t>()};
        break;
      case GgufType::kInt16:
        result.value = std::int64_t{integer<std::int16_t>()};
        break;
      case GgufType::kInt32:
        result.value = std::int64_t{integer<std::int32_t>()};
        break;
      case GgufType::kInt64:
        result.value = integer<std::int64_t>();
        break;
      case GgufType::kFloat32:
        result.value = double{integer<float>()};
        break;
      case GgufType::kFloat64:
        result.value = integer<double>();
        break;
      case GgufType::kBool:
        result.value = integer<std::uint8_t>() != 0;
        break;
      case GgufType::kString:
        result.value = text();
        break;
      case GgufType::kArray:
        result.value = array(1);
        break;
    }
    return result;
  }

  GgufArray array(int depth) {
    if (depth > kMaxArrayDepth)
      refuse("its metadata have arrays in arrays more than " + std::to_string(kMaxArrayDepth) + " deep");
    GgufArray result;
    result.type = type();
    result.count = integer<std::uint64_t>();
    const std::size_t element = element_size(result.type);
    // A text has a length of 8 bytes, an array a type and a length.
    check_count(result.count, element > 0 ? element : (result.type == GgufType::kString ? 8 : 12), "array elements");
    if (element > 0) {
      result.raw.resize(result.count * element);
      bytes(result.raw.data(), result.raw.size());
      return result;
    }
    for (std::uint64_t i = 0; i < result.count; ++i) {
      if (result.type == GgufType::kString) {
        result.texts.push_back(text());
      } else {
        result.arrays.push_back(array(depth + 1));
      }
    }
    return result;
  }

  void read_entry() {
    const std::string key = text();
    if (key.empty()) refuse("a metadata key is empty");
    const bool is_new = head_.metadata.emplace(key, value(type())).second;
    if (!is_new) refuse("the metadata key '" + key + "' is there twice");
  }

  void read_tensor() {
    GgufTensor tensor;
    tensor.name = text();
    const auto dimensions = integer<std::uint32_t>();
    if (dimensions == 0 || dimensions > kMaxDimensions) {
      refuse("tensor '" + tensor.name + "' has " + std::to_string(dimensions) + " dimensions; allowed are 1 to " +
             std::to_string(kMaxDimensions));
    }
    std::uint64_t elements = 1;
    for (std::uint32_t i = 0; i < dimensions; ++i) {
      const auto length = integer<std::uint64_t>();
      // No format needs less than half a byte an element, so more elements than that cannot be in the file.
      if (length == 0 || length > size_ * 2 / elements) {
        refuse("tensor '" + tensor.name + "' has a dimension of " + std::to_string(length) + ", which its file of " +
               std::to_string(size_) + " bytes cannot hold");
      }
      elements *= length;
      tensor.shape.insert(tensor.shape.begin(), static_cast<std::int64_t>(length));
    }
    const auto number = integer<std::uint32_t>();
    const GgmlFormat* format = find_format(number);
    if (format == nullptr) {
      refuse("tensor '" + tensor.name + "' has the type " + type_label(number) + "; temper reads " + format_names());
    }
    const auto row = static_cast<std::uint64_t>(tensor.shape.back());
    if (row % format->block_elements != 0) {
      refuse("tensor '" + tensor.name + "' of type " + format->name + " has rows of " + std::to_string(row) +
             " elements, no multiple of " + std::to_string(format->block_elements));
    }
    tensor.type = format->type;
    tensor.bytes = elements / format->block_elements * format->block_bytes;
    tensor.offset = integer<std::uint64_t>();
    const std::string name = tensor.name;
    if (!head_.tensors.emplace(name, std::move(tensor)).second) refuse("tensor '" + name + "' is there twice");
  }

  std::uint64_t alignment() const {
    const auto found = head_.metadata.find("general.alignment");
    if (found == head_.metadata.end()) return kDefaultAlignment;
    const auto* value = std::get_if<std::uint64_t>(&found->second.value);
    if (value == nullptr || !std::has_single_bit(*value) || *value > (1U << 20)) {
      refuse("general.alignment has to be a power of two of at most 2^20");
    }
    return *value;
  }

  /// Offsets count from the first aligned byte after the head; tensors lie within the file and apart from one another.
  void place_tensors() {
    const std::uint64_t unit = alignment();
    const std::uint64_t begin = (at_ + unit - 1) / unit * unit;
    std::vector<const GgufTensor*> order;
    for (auto& [name, tensor] : head_.tensors) {
      if (tensor.offset % unit != 0) {
        refuse("tensor '" + name + "' is at offset " + std::to_string(tensor.offset) + ", no multiple of the alignment " +
               std::to_string(unit));
      }
      if (begin > size_ || tensor.offset > size_ - begin || tensor.bytes > size_ - begin - tensor.offset) {
        refuse("tensor '" + name + "' needs " + std::to_string(tensor.bytes) + " bytes at offset " +
               std::to_string(tensor.offset) + " of the data, which reach beyond the file's end; is it complete?");
      }
      tensor.offset += begin;
      order.push_back(&tensor);
    }
    std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) { return a->offset < b->offset; });
    for (std::size_t i = 1; i < order.size(); ++i) {
      if (order[i]->offset - order[i - 1]->offset < order[i - 1]->bytes) {
        refuse("tensors '" + order[i - 1]->name + "' and '" + order[i]->name + "' overlap");
      }
    }
  }

  std::istream& stream_;
  const std::uint64_t size_;
  const std::filesystem::path& path_;
  std::uint64_t at_ = 0;
  GgufHead head_;
};

}  // namespace

std::size_t element_size(GgufType type) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool:
      return 1;
    case GgufType::kUint16:
    case GgufType::kInt16:
      return 2;
    case GgufType::kUint32:
    case GgufType::kInt32:
    case GgufType::kFloat32:
      return 4;
    case GgufType::kUint64:
    case GgufType::kInt64:
    case GgufType::kFloat64:
      return 8;
    case GgufType::kString:
    case GgufType::kArray:
      return 0;
  }
  return 0;
}

GgufHead parse_gguf_head(std::istream& stream, std::uint64_t size, const std::filesystem::path& path) {
  return Parser(stream, size, path).parse();
}

}  // namespace temper
