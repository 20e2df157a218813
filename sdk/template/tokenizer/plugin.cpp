// @name@: a tokenizer to start from. One id a byte and three special ids, so nothing has to be trained. Replace encode() and
// decode() by your own idea; train() and load() are used once needs_training() says so.
#include "temper/plugin.h"

#include "temper/tokenizer.h"

namespace temper {
namespace {

struct @Name@Params {};

constexpr std::int32_t kBos = 256, kEos = 257, kPad = 258;
const char* const kModelBytes = "@name@ 1\n";

/// Length of the valid UTF-8 character at `i`, 0 if there is none.
std::size_t character_length(const std::string& text, std::size_t i) {
  const auto byte = [&](std::size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0u; };
  const unsigned lead = byte(i), second = byte(i + 1);
  const auto follows = [&](std::size_t count) {
    for (std::size_t k = 1; k <= count; ++k) {
      if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return false;
    }
    return true;
  };
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool bad = (lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F);
    return !bad && follows(2) ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool bad = (lead == 0xF0 && second < 0x90) || (lead == 0xF4 && second > 0x8F);
    return !bad && follows(3) ? 4 : 0;
  }
  return 0;
}

class @Name@ final : public Tokenizer {
 public:
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return kModelBytes; }
  void load(const std::string& bytes) override {
    if (bytes != kModelBytes) throw DataError("these are no model bytes of tokenizer @name@");
  }
  std::string model_bytes() const override { return kModelBytes; }
  std::string model_file_name() const override { return "tokenizer.@name@"; }

  std::vector<std::int32_t> encode(std::string_view text) const override {
    std::vector<std::int32_t> ids;
    ids.reserve(text.size());
    for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
    return ids;
  }

  std::string decode(const std::vector<std::int32_t>& ids) const override {
    std::string bytes, text;
    for (const auto id : ids) {
      if (id >= 0 && id < kBos) bytes += static_cast<char>(id);
    }
    for (std::size_t i = 0; i < bytes.size();) {
      const std::size_t length = character_length(bytes, i);
      text += length == 0 ? "\xEF\xBF\xBD" : bytes.substr(i, length);
      i += length == 0 ? 1 : length;
    }
    return text;
  }

  std::string piece(std::int32_t id) const override {
    if (id > ' ' && id < 127) return std::string(1, static_cast<char>(id));
    if (id == kBos) return "<bos>";
    if (id == kEos) return "<eos>";
    return id == kPad ? "<pad>" : "<byte " + std::to_string(id) + ">";
  }
  std::int64_t vocab_size() const override { return kPad + 1; }
  std::int32_t bos_id() const override { return kBos; }
  std::int32_t pad_id() const override { return kPad; }
  std::vector<std::int32_t> eos_ids() const override { return {kEos}; }
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Tokenizer>("@name@", "One token a byte.", ParamTable<@Name@Params>(),
                           [](const @Name@Params&, const Tokenizer::Args&) { return std::make_unique<@Name@>(); });
}
