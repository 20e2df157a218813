// Small stand-ins for what the data path works with: a byte tokenizer, a dataset in memory, three objectives, and a folder
// that goes away.
#pragma once

#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "host/data/corpus.h"
#include "temper/dataset.h"
#include "temper/hash.h"
#include "temper/objective.h"
#include "temper/tokenizer.h"

namespace temper::test {

struct TempFolder {
  TempFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "temper_test_data_XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("cannot make a temporary folder");
    path = name;
  }
  ~TempFolder() { std::filesystem::remove_all(path); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  std::filesystem::path path;
};

inline std::string read_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline void write_file(const std::filesystem::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Ids 0..255 are bytes, then BOS, EOS, padding.
class ByteTokenizer final : public Tokenizer {
 public:
  static constexpr std::int32_t kBos = 256, kEos = 257, kPad = 258;
  explicit ByteTokenizer(std::int64_t vocab = 259) : vocab_(vocab) {}
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return "bytes"; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return "bytes"; }
  std::string model_file_name() const override { return "bytes.txt"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    ++calls;
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    if (text == "bad id") ids.push_back(70'000);
    if (text == "throws") throw DataError("this text cannot be encoded");
    return ids;
  }
  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const auto id : ids) {
      if (id < 256) text += static_cast<char>(id);
    }
    return text;
  }
  std::string piece(std::int32_t id) const override { return std::to_string(id); }
  std::int64_t vocab_size() const override { return vocab_; }
  std::int32_t bos_id() const override { return kBos; }
  std::int32_t pad_id() const override { return kPad; }
  std::vector<std::int32_t> eos_ids() const override { return {kEos}; }

  mutable std::atomic<int> calls{0};

 private:
  std::int64_t vocab_;
};

class ListDataset final : public Dataset, public DocumentSource {
 public:
  explicit ListDataset(std::vector<std::string> texts) : texts_(std::move(texts)) {}
  std::string fingerprint() override {
    Sha256 hash;
    for (const auto& text : texts_) hash.update(std::to_string(text.size()) + ":" + text);
    return hash.hex();
  }
  std::unique_ptr<Stream<Document>> documents(Split) override {
    struct List final : Stream<Document> {
      explicit List(const std::vector<std::string>& list) : texts(list) {}
      bool next(Document& document) override {
        if (at == texts.size()) return false;
        document = {"doc" + std::to_string(at), texts[at], "list:" + std::to_string(at)};
        ++at;
        return true;
      }
      const std::vector<std::string>& texts;
      std::size_t at = 0;
    };
    return std::make_unique<List>(texts_);
  }

 private:
  std::vector<std::string> texts_;
};

/// Next-token prediction, as the causal_lm plugin does it.
class NextToken : public Objective {
 public:
  std::int64_t piece_length(std::int64_t context) const override { return context; }
  Example example(const Piece& piece, Rng&) const override {
    Example example;
    example.ids.assign(piece.tokens.begin(), piece.tokens.end());
    example.labels.assign(example.ids.begin() + 1, example.ids.end());
    example.labels.push_back(piece.next);
    if (piece.next < 0) {
      example.ids.pop_back();
      example.labels.pop_back();
    }
    return example;
  }
};

/// Drops labels at random: shows whether an objective's randomness comes back after a restore.
class RandomMask final : public NextToken {
 public:
  Example example(const Piece& piece, Rng& rng) const override {
    Example made = NextToken::example(piece, rng);
    for (std::size_t i = 1; i < made.labels.size(); ++i) {
      if (rng.below(3) == 0) made.labels[i] = kIgnoreLabel;
    }
    return made;
  }
};

/// Encoder reads the piece, decoder repeats it backwards.
class Reverse final : public Objective {
 public:
  std::int64_t piece_length(std::int64_t context) const override { return context; }
  Example example(const Piece& piece, Rng&) const override {
    Example example;
    example.source.assign(piece.tokens.begin(), piece.tokens.end());
    example.labels.assign(piece.tokens.rbegin(), piece.tokens.rend());
    example.ids.assign(example.labels.size(), 0);
    return example;
  }
};

class NoTargets final : public Objective {
 public:
  std::int64_t piece_length(std::int64_t context) const override { return context; }
  Example example(const Piece& piece, Rng&) const override {
    Example example;
    example.ids.assign(piece.tokens.begin(), piece.tokens.end());
    example.labels.assign(example.ids.size(), kIgnoreLabel);
    return example;
  }
};

inline std::shared_ptr<const TokenCorpus> corpus_of(const TempFolder& folder, std::vector<std::string> texts,
                                                    const std::string& name = "list") {
  ListDataset dataset(std::move(texts));
  const ByteTokenizer tokenizer;
  return tokenize_documents(folder.path, name, dataset, tokenizer, "sha", 0, false, nullptr, nullptr);
}

/// Documents of different lengths whose text says which one they are.
inline std::vector<std::string> numbered_texts(int count) {
  std::vector<std::string> texts;
  for (int i = 0; i < count; ++i) {
    std::string text = "document " + std::to_string(i) + ":";
    for (int word = 0; word < i * 7 % 23; ++word) text += " w" + std::to_string(i) + "." + std::to_string(word);
    texts.push_back(text);
  }
  return texts;
}

}  // namespace temper::test
