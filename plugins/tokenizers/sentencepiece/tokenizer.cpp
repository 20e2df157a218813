// Encoding and decoding (see tokenizer.h). An invalid byte is written as <unk> and the byte's piece, so that decoding can
// tell it from the bytes of a character that a model left unfinished: the one comes back as it was, the other as U+FFFD.
#include "tokenizer.h"

#include <sentencepiece_processor.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <unordered_map>

#include "hugging_face.h"
#include "model_proto.h"
#include "text_split.h"

namespace temper::sentencepiece_plugin {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string with_spaces(const std::string& piece) {
  std::string text;
  for (std::size_t at = 0; at < piece.size();) {
    const bool space = piece.compare(at, kSpaceSign.size(), kSpaceSign) == 0;
    text += space ? ' ' : piece[at];
    at += space ? kSpaceSign.size() : 1;
  }
  return text;
}

/// "<0x0A>" to 10.
unsigned char byte_of(const std::string& piece) {
  unsigned value = 0;
  const char* digits = piece.data() + 3;
  const bool framed = piece.size() == 6 && piece.starts_with("<0x") && piece.back() == '>';
  if (!framed || std::from_chars(digits, digits + 2, value, 16).ptr != digits + 2) {
    throw DataError("the SentencePiece model has a byte token spelled '" + piece + "'; copy the .model file again");
  }
  return static_cast<unsigned char>(value);
}

std::string sentinel_name(std::int64_t k) { return "<extra_id_" + std::to_string(k) + ">"; }

bool crosses_words(const std::string& text) {
  const std::size_t letters = text.find_first_not_of(' ');
  return letters != std::string::npos && text.find(' ', letters) != std::string::npos;
}

/// Appends bytes that a model wrote one by one; those that form no character become U+FFFD.
void append_checked(const std::string& bytes, std::string& text) {
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t length = character_length(bytes, at);
    if (length == 0) {
      text += kReplacement;
      ++at;
    } else {
      text.append(bytes, at, length);
      at += length;
    }
  }
}

}  // namespace

SentencepieceTokenizer::SentencepieceTokenizer(const SentencepieceParams& params, const Args& args) : params_(params) {
  if (params_.file.empty()) return;
  const auto path = std::filesystem::path(args.base_dir) / params_.file;
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw DataError("cannot read the tokenizer file '" + path.string() + "'; check tokenizer.file");
  }
  try {
    load({std::istreambuf_iterator<char>(file), {}});
  } catch (const DataError& error) {
    throw DataError(path.string() + ": " + error.what());
  }
}

SentencepieceTokenizer::SentencepieceTokenizer(SentencepieceTokenizer&&) noexcept = default;
SentencepieceTokenizer::~SentencepieceTokenizer() = default;

std::string SentencepieceTokenizer::train(const TextSource& texts) {
  load(train_model(params_, texts));
  return bytes_;
}

void SentencepieceTokenizer::load(const std::string& bytes) {
  const ModelFile model = read_model(bytes);
  auto processor = std::make_unique<sentencepiece::SentencePieceProcessor>();
  if (const auto status = processor->LoadFromSerializedProto(model.lossless_bytes); !status.ok()) {
    throw DataError("the SentencePiece model cannot be used (" + status.ToString() +
                    "); copy the .model file again or train anew");
  }
  if (processor->eos_id() < 0)
    throw DataError("the SentencePiece model has no end-of-text token; train it with eos_id >= 0");
  processor_ = std::move(processor);
  bytes_ = bytes;
  adds_space_first_ = model.adds_space_first;
  is_unigram_ = model.is_unigram;
  has_known_type_ = model.is_unigram || model.is_bpe;
  byte_fallback_ = model.byte_fallback;
  unknown_ = processor_->unk_id();
  bos_ = processor_->bos_id();
  eos_ = processor_->eos_id();
  // Padding is masked everywhere, so any id that is no end of text can stand in for a missing <pad>.
  pad_ = processor_->pad_id() >= 0 ? processor_->pad_id() : unknown_;
  byte_ids_.fill(unknown_);
  tokens_.assign(static_cast<std::size_t>(processor_->GetPieceSize()), {});
  words_apart_ = true;
  line_break_ = -1;
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    Token& made = tokens_[i];
    const int id = static_cast<int>(i);
    made.piece = processor_->IdToPiece(id);
    if (processor_->IsByte(id)) {
      const auto value = byte_of(made.piece);
      made.kind = TokenKind::kByte;
      made.text = static_cast<char>(value);
      byte_ids_[value] = id;
    } else if (processor_->IsUnknown(id)) {
      made.kind = TokenKind::kUnknown;
    } else if (!processor_->IsControl(id)) {
      made.kind = TokenKind::kText;
      made.text = with_spaces(made.piece);
      if (crosses_words(made.text)) words_apart_ = false;
      if (made.piece == "\n") line_break_ = id;
    }
  }
  if (line_break_ < 0) line_break_ = byte_ids_['\n'];
  add_sentinels();
}

void SentencepieceTokenizer::add_sentinels() {
  for (std::int64_t k = params_.sentinels; k-- > 0;) tokens_.push_back({TokenKind::kSpecial, sentinel_name(k), ""});
  ids_by_piece_.clear();
  special_ids_.clear();
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const auto id = static_cast<std::int32_t>(i);
    if (!ids_by_piece_.emplace(tokens_[i].piece, id).second) {
      throw ConfigError("the SentencePiece model has a piece '" + tokens_[i].piece +
                        "' of its own, so sentinels = " + std::to_string(params_.sentinels) +
                        " would name it twice; set tokenizer.sentinels to 0 or use a model without such pieces");
    }
    if (tokens_[i].kind == TokenKind::kSpecial && !tokens_[i].piece.empty()) special_ids_.push_back(id);
  }
  std::stable_sort(special_ids_.begin(), special_ids_.end(),
                   [this](std::int32_t a, std::int32_t b) { return piece(a).size() > piece(b).size(); });
}

const sentencepiece::SentencePieceProcessor& SentencepieceTokenizer::processor() const {
  if (!processor_) throw PluginError("the sentencepiece tokenizer has no model yet; train or load one first");
  return *processor_;
}

void SentencepieceTokenizer::encode_text(std::string_view text, std::vector<std::int32_t>& ids) const {
  std::vector<int> part;
  if (const auto status = processor().Encode({text.data(), text.size()}, &part); !status.ok()) {
    throw DataError("SentencePiece could not encode a text: " + status.ToString());
  }
  ids.insert(ids.end(), part.begin(), part.end());
}

void SentencepieceTokenizer::encode_bytes(std::string_view bytes, bool raw, std::vector<std::int32_t>& ids) const {
  for (const char c : bytes) {
    const std::int32_t id = byte_ids_[static_cast<unsigned char>(c)];
    if (raw && id != unknown_) ids.push_back(unknown_);
    ids.push_back(id);
  }
}

std::vector<std::int32_t> SentencepieceTokenizer::encode(std::string_view text) const {
  processor();
  std::vector<std::int32_t> ids;
  if (adds_space_first_ && !text.empty()) {
    encode_part(" " + std::string(text), ids);
  } else {
    encode_part(text, ids);
  }
  return ids;
}

std::vector<std::int32_t> SentencepieceTokenizer::encode_special(std::string_view text) const {
  processor();
  std::vector<std::int32_t> ids;
  std::string ordinary = adds_space_first_ && !text.empty() ? " " : "";
  for (std::size_t at = 0; at < text.size();) {
    const auto found = std::find_if(special_ids_.begin(), special_ids_.end(),
                                    [&](std::int32_t id) { return text.substr(at).starts_with(piece(id)); });
    if (found == special_ids_.end()) {
      ordinary += text[at++];
      continue;
    }
    // No space is invented in front of a special token that begins the text.
    if (at > 0) encode_part(ordinary, ids);
    ordinary.clear();
    ids.push_back(*found);
    at += piece(*found).size();
  }
  encode_part(ordinary, ids);
  return ids;
}

void SentencepieceTokenizer::encode_part(std::string_view text, std::vector<std::int32_t>& ids) const {
  // Words repeat, and encoding one is far dearer than finding it. Begin and end of its ids in `ids`.
  std::unordered_map<std::string_view, std::pair<std::size_t, std::size_t>> seen;
  Stretches stretches(text);
  Stretch stretch;
  while (stretches.next(stretch)) {
    if (stretch.kind == StretchKind::kLineBreak) {
      ids.push_back(line_break_);
    } else if (stretch.kind != StretchKind::kText) {
      encode_bytes(stretch.text, stretch.kind == StretchKind::kInvalidByte, ids);
    } else if (!words_apart_) {
      encode_text(stretch.text, ids);
    } else {
      while (!stretch.text.empty()) {
        const std::string_view word = take_word(stretch.text);
        const auto [entry, is_new] = seen.try_emplace(word, ids.size(), 0);
        if (is_new) {
          encode_text(word, ids);
          entry->second.second = ids.size();
        } else {
          const auto [begin, end] = entry->second;
          for (std::size_t i = begin; i < end; ++i) ids.push_back(ids[i]);
        }
      }
    }
  }
}

const SentencepieceTokenizer::Token& SentencepieceTokenizer::token(std::int32_t id) const {
  if (id < 0 || id >= vocab_size()) {
    throw DataError("token id " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(vocab_size()) +
                    " ids");
  }
  return tokens_[static_cast<std::size_t>(id)];
}

std::string SentencepieceTokenizer::decode(const std::vector<std::int32_t>& ids) const {
  std::string text, bytes;
  bool raw = false;
  for (const std::int32_t id : ids) {
    const Token& made = token(id);
    if (made.kind == TokenKind::kByte && !raw) {
      bytes += made.text;
      continue;
    }
    append_checked(bytes, text);
    bytes.clear();
    text += made.text;
    raw = made.kind == TokenKind::kUnknown;
  }
  append_checked(bytes, text);
  if (adds_space_first_ && text.starts_with(' ')) text.erase(0, 1);
  return text;
}

std::string SentencepieceTokenizer::piece(std::int32_t id) const { return token(id).piece; }

std::vector<std::int32_t> SentencepieceTokenizer::sentinel_ids() const {
  std::vector<std::int32_t> ids;
  for (std::int64_t k = 0; k < params_.sentinels; ++k) ids.push_back(static_cast<std::int32_t>(vocab_size() - 1 - k));
  return ids;
}

std::int32_t SentencepieceTokenizer::find_piece(std::string_view wanted) const {
  const auto found = ids_by_piece_.find(std::string(wanted));
  return found == ids_by_piece_.end() ? -1 : found->second;
}

std::int64_t SentencepieceTokenizer::byte_length(std::int32_t id) const {
  return static_cast<std::int64_t>(token(id).text.size());
}

std::vector<std::pair<std::string, std::string>> SentencepieceTokenizer::hugging_face_files() const {
  const auto& model = processor();
  std::vector<std::pair<std::string, std::string>> files = {
      {params_.sentinels > 0 ? "spiece.model" : "tokenizer.model", bytes_}};
  if (!has_known_type_) return files;  // models of words or characters have no form there
  Vocabulary vocabulary;
  vocabulary.sentinels = params_.sentinels;
  vocabulary.is_unigram = is_unigram_;
  vocabulary.byte_fallback = byte_fallback_;
  vocabulary.adds_space_first = adds_space_first_;
  vocabulary.unknown = unknown_, vocabulary.bos = bos_, vocabulary.eos = eos_, vocabulary.pad = pad_;
  const std::size_t own = tokens_.size() - static_cast<std::size_t>(params_.sentinels);
  for (std::size_t i = 0; i < tokens_.size(); ++i) {
    const Token& made = tokens_[i];
    const double score = i < own ? model.GetScore(static_cast<int>(i)) : 0;
    vocabulary.pieces.push_back({made.piece, score, made.kind == TokenKind::kSpecial, made.kind == TokenKind::kText});
  }
  files.emplace_back("tokenizer.json", tokenizer_json(vocabulary));
  files.emplace_back("tokenizer_config.json", tokenizer_config_json(vocabulary));
  return files;
}

}  // namespace temper::sentencepiece_plugin
