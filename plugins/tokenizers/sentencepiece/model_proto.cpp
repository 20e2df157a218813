// Protocol-buffer walk over a SentencePiece model (see model_proto.h).
#include "model_proto.h"

#include <cstdint>

#include "temper/error.h"

namespace temper::sentencepiece_plugin {
namespace {

// Field numbers of ModelProto, TrainerSpec and NormalizerSpec.
constexpr std::uint64_t kTrainer = 2, kNormalizer = 3, kSelfTest = 4, kDenormalizer = 5;
constexpr std::uint64_t kModelType = 3, kByteFallback = 35;
constexpr std::uint64_t kTypeUnigram = 1, kTypeBpe = 2;
constexpr std::uint64_t kCharsmap = 2, kAddDummyPrefix = 3, kRemoveExtraSpaces = 4;

[[noreturn]] void fail() {
  throw DataError(
      "the SentencePiece model is damaged or is no SentencePiece model; copy the .model file again or train anew");
}

struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;    ///< of a varint
  std::string_view content;   ///< of a length-delimited field
  std::string_view encoding;  ///< the field as it stands in the file
};

class Fields {
 public:
  explicit Fields(std::string_view bytes) : bytes_(bytes) {}

  bool next(Field& field) {
    if (at_ == bytes_.size()) return false;
    const std::size_t begin = at_;
    const std::uint64_t key = varint();
    field = {};
    field.number = key >> 3;
    switch (key & 7) {
      case 0:
        field.value = varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.content = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        fail();
    }
    if (field.number == 0) fail();
    field.encoding = bytes_.substr(begin, at_ - begin);
    return true;
  }

 private:
  std::string_view take(std::uint64_t size) {
    if (size > bytes_.size() - at_) fail();
    const std::string_view content = bytes_.substr(at_, size);
    at_ += size;
    return content;
  }
  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1)[0]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fail();
  }

  std::string_view bytes_;
  std::size_t at_ = 0;
};

}  // namespace

ModelFile read_model(std::string_view bytes) {
  ModelFile model;
  model.adds_space_first = true;  // the format's default
  bool removes_spaces = true, maps_characters = false;
  Fields fields(bytes);
  Field field;
  while (fields.next(field)) {
    if (field.number == kNormalizer) {
      Fields rules(field.content);
      Field rule;
      while (rules.next(rule)) {
        if (rule.number == kCharsmap) maps_characters = !rule.content.empty();
        if (rule.number == kAddDummyPrefix) model.adds_space_first = rule.value != 0;
        if (rule.number == kRemoveExtraSpaces) removes_spaces = rule.value != 0;
      }
      continue;
    }
    if (field.number == kTrainer) {
      Fields options(field.content);
      Field option;
      while (options.next(option)) {
        if (option.number == kModelType) {
          model.is_unigram = option.value == kTypeUnigram;
          model.is_bpe = option.value == kTypeBpe;
        }
        if (option.number == kByteFallback) model.byte_fallback = option.value != 0;
      }
    }
    if (field.number != kSelfTest && field.number != kDenormalizer) {
      model.lossless_bytes += field.encoding;
    }
  }
  model.normalizes = maps_characters || removes_spaces;
  // name "identity", no space added (3), none removed (4), spaces written as U+2581 (5).
  const std::string identity = std::string("\x0A\x08identity") + std::string("\x18\x00\x20\x00\x28\x01", 6);
  model.lossless_bytes += static_cast<char>(kNormalizer << 3 | 2);
  model.lossless_bytes += static_cast<char>(identity.size());
  model.lossless_bytes += identity;
  return model;
}

}  // namespace temper::sentencepiece_plugin
