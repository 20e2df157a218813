// A tokenizer of a few words for boundary cases.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "temper/tokenizer.h"

namespace temper::test {

/// Longest match over a list of pieces, id i for piece i. The text has to consist of them.
class PieceTokenizer final : public Tokenizer {
 public:
  explicit PieceTokenizer(std::vector<std::string> pieces, std::int32_t bos = -1) : pieces_(std::move(pieces)), bos_(bos) {}
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return {}; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return {}; }
  std::string model_file_name() const override { return "pieces"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    while (!text.empty()) {
      std::int32_t best = -1;
      for (std::size_t i = 0; i < pieces_.size(); ++i) {
        const bool longer = best < 0 || pieces_[i].size() > pieces_[static_cast<std::size_t>(best)].size();
        if (longer && text.starts_with(pieces_[i])) best = static_cast<std::int32_t>(i);
      }
      if (best < 0) throw PluginError("no piece for '" + std::string(text) + "'");
      ids.push_back(best);
      text.remove_prefix(pieces_[static_cast<std::size_t>(best)].size());
    }
    return ids;
  }
  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const auto id : ids) {
      if (id < static_cast<std::int32_t>(pieces_.size())) text += pieces_[static_cast<std::size_t>(id)];
    }
    return text;
  }
  std::string piece(std::int32_t id) const override { return decode({id}); }
  std::int64_t vocab_size() const override { return 100; }
  std::int32_t bos_id() const override { return bos_; }
  std::int32_t pad_id() const override { return 98; }
  std::vector<std::int32_t> eos_ids() const override { return {99}; }

 private:
  std::vector<std::string> pieces_;
  std::int32_t bos_;
};

}  // namespace temper::test
