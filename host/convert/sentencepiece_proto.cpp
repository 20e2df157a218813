// Writes SentencePiece's model file, a protocol buffer (see gguf_tokenizer.h). Field numbers: sentencepiece_model.proto.
#include <cstring>

#include "host/convert/gguf_tokenizer.h"

namespace temper {
namespace {

constexpr std::uint64_t kBpe = 2;
// ModelProto, TrainerSpec and NormalizerSpec.
constexpr std::uint64_t kPieces = 1, kTrainer = 2, kNormalizer = 3;
constexpr std::uint64_t kModelType = 3, kVocabSize = 4, kByteFallback = 35;
constexpr std::uint64_t kUnknownPiece = 45, kBosPiece = 46, kEosPiece = 47, kPadPiece = 48;

std::string varint(std::uint64_t value) {
  std::string bytes;
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  return bytes + static_cast<char>(value);
}
std::string number(std::uint64_t field, std::uint64_t value) { return varint(field << 3) + varint(value); }
std::string text(std::uint64_t field, const std::string& value) {
  return varint(field << 3 | 2) + varint(value.size()) + value;
}
std::string real(std::uint64_t field, float value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return varint(field << 3 | 5) + bytes;
}

}  // namespace

std::string sentencepiece_bytes(const SentencepieceModel& model) {
  std::string bytes;
  for (std::size_t i = 0; i < model.pieces.size(); ++i) {
    bytes += text(kPieces, text(1, model.pieces[i]) + real(2, model.scores[i]) +
                               number(3, static_cast<std::uint64_t>(model.types[i])));
  }
  // A special token that is not wanted is given the unknown one's spelling, which the library takes for "none".
  const auto or_unknown = [&](const std::string& piece) { return piece.empty() ? model.unknown : piece; };
  bytes += text(kTrainer, number(kModelType, kBpe) + number(kVocabSize, model.pieces.size()) +
                              number(kByteFallback, model.byte_fallback ? 1 : 0) + text(kUnknownPiece, model.unknown) +
                              text(kBosPiece, or_unknown(model.bos)) + text(kEosPiece, or_unknown(model.eos)) +
                              text(kPadPiece, or_unknown(model.pad)));
  // Identity: spaces are kept, one may be put in front, all are written as U+2581.
  bytes += text(kNormalizer, text(1, "identity") + number(3, model.space_first ? 1 : 0) + number(4, 0) + number(5, 1));
  return bytes;
}

}  // namespace temper
