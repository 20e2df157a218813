// Training (see training.h). Lines are the sentences; what encoding writes as bytes is left out of them.
#include "training.h"

#include <sentencepiece_trainer.h>

#include <regex>
#include <unordered_map>

#include "text_split.h"

namespace temper::sentencepiece_plugin {
namespace {

constexpr std::size_t kMaxLineBytes = 4000;
constexpr std::string_view kTrainerMark = "\xE2\x96\x85";  // U+2585: the trainer skips sentences that have it

/// Cuts a long line between words where it can.
void add_line(std::string_view line, std::vector<std::string>& lines) {
  while (line.size() > kMaxLineBytes) {
    std::size_t cut = line.rfind(' ', kMaxLineBytes);
    if (cut == std::string_view::npos || cut == 0) {
      cut = kMaxLineBytes;
      while ((static_cast<unsigned char>(line[cut]) & 0xC0) == 0x80) --cut;
    }
    lines.emplace_back(line.substr(0, cut));
    line.remove_prefix(cut);
  }
  if (!line.empty()) lines.emplace_back(line);
}

std::vector<std::string> training_lines(const Tokenizer::TextSource& texts, std::int64_t max_bytes) {
  std::vector<std::string> lines;
  auto left = static_cast<std::size_t>(max_bytes);
  while (left > 0) {
    const auto text = texts();
    if (!text) break;
    const std::string_view part = std::string_view(*text).substr(0, left);
    left -= part.size();
    Stretches stretches(part);
    Stretch stretch;
    while (stretches.next(stretch)) {
      if (stretch.kind != StretchKind::kText) continue;
      std::string_view rest = stretch.text;
      while (true) {
        const std::size_t mark = rest.find(kTrainerMark);
        add_line(rest.substr(0, mark), lines);
        if (mark == std::string_view::npos) break;
        rest.remove_prefix(mark + kTrainerMark.size());
      }
    }
  }
  return lines;
}

class Lines final : public sentencepiece::SentenceIterator {
 public:
  explicit Lines(const std::vector<std::string>& lines) : lines_(lines) {}
  bool done() const override { return at_ >= lines_.size(); }
  void Next() override { ++at_; }
  const std::string& value() const override { return lines_[at_]; }
  sentencepiece::util::Status status() const override { return {}; }

 private:
  const std::vector<std::string>& lines_;
  std::size_t at_ = 0;
};

/// The trainer knows the right vocabulary sizes only after its work, and says them in its message alone.
[[noreturn]] void explain(const SentencepieceParams& params, const std::string& message) {
  std::smatch match;
  const std::string asked = "vocab_size " + std::to_string(params.vocab_size);
  if (std::regex_search(message, match, std::regex("value <= ([0-9]+)"))) {
    throw ConfigError(asked + " is too large for the tokenizer's training texts; the largest possible is " + match[1].str() +
                      ": lower vocab_size or give more text");
  }
  if (std::regex_search(message, match, std::regex("([0-9]+) vs ([0-9]+)"))) {
    throw ConfigError(asked + " is too small for the characters of the training texts; the smallest possible is " +
                      match[2].str() + ": raise vocab_size or lower character_coverage");
  }
  throw ConfigError("cannot train the SentencePiece tokenizer with " + asked + ": " + message);
}

std::string flag(bool on) { return on ? "true" : "false"; }

}  // namespace

ParamTable<SentencepieceParams> sentencepiece_params() {
  using P = SentencepieceParams;
  ParamTable<P> table;
  table.add("vocab_size", &P::vocab_size,
            "Number of the model's pieces, special tokens and bytes included; sentinels come on top.",
            {.min = 8, .max = 1'000'000, .unit = "ids"});
  table.add("model_type", &P::model_type, "How pieces are found: bpe (merge pairs) or unigram (prune by likelihood).",
            {.choices = {"bpe", "unigram"}});
  table.add("byte_fallback", &P::byte_fallback,
            "Whether unknown characters become bytes; without it they are lost as <unk>.");
  table.datasets("data", &P::data, "Datasets whose documents train the tokenizer.");
  table.add("file", &P::file, "A ready SentencePiece .model file to use; empty trains one.");
  table.add("character_coverage", &P::character_coverage, "Share of the text's characters that get a piece of their own.",
            {.min = 0.9, .max = 1});
  table.add("max_training_bytes", &P::max_training_bytes, "Training stops reading texts after this much.",
            {.min = 1, .max = 1e10, .unit = "bytes"});
  table.add("sentinels", &P::sentinels,
            "Ids <extra_id_0>, <extra_id_1>, ... above the model's pieces, which stand for removed spans; T5 has 100.",
            {.min = 0, .max = 10'000, .unit = "ids"});
  return table;
}

std::string train_model(const SentencepieceParams& params, const Tokenizer::TextSource& texts) {
  const auto lines = training_lines(texts, params.max_training_bytes);
  if (lines.empty()) {
    throw DataError("the texts to train the tokenizer from are empty; name datasets with documents in tokenizer.data");
  }
  // Sums of the unigram trainer depend on the number of threads, so it gets one; BPE counts whole numbers.
  std::unordered_map<std::string, std::string> options = {
      {"model_type", params.model_type},
      {"vocab_size", std::to_string(params.vocab_size)},
      {"byte_fallback", flag(params.byte_fallback)},
      {"character_coverage", to_text(params.character_coverage)},
      {"num_threads", params.model_type == "bpe" ? "2" : "1"},
      {"unk_id", "0"},
      {"bos_id", "1"},
      {"eos_id", "2"},
      {"pad_id", "3"},
      {"unk_piece", "<unk>"},
      {"bos_piece", "<s>"},
      {"eos_piece", "</s>"},
      {"pad_piece", "<pad>"},
      {"hard_vocab_limit", "true"},
      {"normalization_rule_name", "identity"},
      {"add_dummy_prefix", "false"},
      {"remove_extra_whitespaces", "false"},
      {"allow_whitespace_only_pieces", "true"},
      {"max_sentence_length", std::to_string(kMaxLineBytes + 8)},
      {"input_sentence_size", "0"},
      {"shuffle_input_sentence", "false"},
      {"minloglevel", "3"},
  };
  if (!params.byte_fallback) options["user_defined_symbols"] = "\n";
  Lines iterator(lines);
  std::string model;
  const auto status = sentencepiece::SentencePieceTrainer::Train(options, &iterator, &model);
  if (!status.ok()) explain(params, status.ToString());
  return model;
}

}  // namespace temper::sentencepiece_plugin
