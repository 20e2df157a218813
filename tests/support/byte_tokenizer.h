// A tokenizer for tests: id i is the byte i, whatever the vocabulary's size; ids above 255 write nothing. Which ids begin,
// end and pad is the test's choice.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "temper/tokenizer.h"

namespace temper::test {

class ByteTokenizer final : public Tokenizer {
 public:
  explicit ByteTokenizer(std::int64_t size = 256, std::vector<std::int32_t> eos = {}, std::int32_t pad = 0,
                         std::int32_t bos = -1)
      : size_(size), eos_(std::move(eos)), pad_(pad), bos_(bos) {}
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return {}; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return {}; }
  std::string model_file_name() const override { return "bytes"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }
  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string text;
    for (const auto id : ids) {
      if (id < 256) text += static_cast<char>(id);
    }
    return text;
  }
  std::string piece(std::int32_t id) const override { return decode({id}); }
  std::int64_t vocab_size() const override { return size_; }
  std::int32_t bos_id() const override { return bos_; }
  std::int32_t pad_id() const override { return pad_; }
  std::vector<std::int32_t> eos_ids() const override { return eos_; }

 private:
  std::int64_t size_;
  std::vector<std::int32_t> eos_;
  std::int32_t pad_, bos_;
};

}  // namespace temper::test
