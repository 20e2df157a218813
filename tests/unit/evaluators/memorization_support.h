// Models for which the right answer about memorisation is known, and an evaluation context made of plain functions.
#pragma once

#include <algorithm>
#include <fstream>
#include <functional>
#include <map>

#include "memorization.h"
#include "support.h"
#include "temper/random.h"

namespace temper::test {

using namespace temper::memorization;

using Ids = std::vector<std::int32_t>;

class KindOnly final : public Architecture {
 public:
  ArchitectureTraits kind{false, 258, 8, 0, false};
  ArchitectureTraits traits() const override { return kind; }
  at::Tensor hidden(const ModelInput&) override { throw PluginError("not used"); }
  at::Tensor head() override { throw PluginError("not used"); }
  std::vector<NamedParameter> parameters() override { return {}; }
  std::vector<WeightName> weight_names() const override { return {}; }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 1; }
};

/// Answers by a function of the prompt's text.
class FunctionGenerator final : public Generator {
 public:
  std::function<std::string(const std::string&, std::int64_t)> answer = [](const std::string&, std::int64_t) { return ""; };
  std::vector<Completion> generate(const std::vector<GenerateRequest>& requests, const SamplingParams& params) override {
    std::vector<Completion> out;
    for (const auto& request : requests) {
      Completion completion;
      completion.text = answer(ByteTokenizer().decode(request.prompt_ids), params.max_new_tokens)
                            .substr(0, static_cast<std::size_t>(params.max_new_tokens));
      completion.ids = ByteTokenizer().encode(completion.text);
      out.push_back(std::move(completion));
    }
    return out;
  }
};

/// Scores by a function of the text of context and continuation.
class FunctionScorer final : public Scorer {
 public:
  std::function<double(const std::string&)> per_token = [](const std::string&) { return -1.0; };
  std::vector<ScoreRequest> seen;
  std::vector<Score> score(const std::vector<ScoreRequest>& requests) override {
    std::vector<Score> out;
    for (const auto& request : requests) {
      seen.push_back(request);
      const ByteTokenizer bytes;
      const double value = per_token(bytes.decode(request.context_ids) + bytes.decode(request.continuation_ids));
      Score score;
      score.log_probs.assign(request.continuation_ids.size(), static_cast<float>(value));
      score.sum = value * static_cast<double>(request.continuation_ids.size());
      out.push_back(std::move(score));
    }
    return out;
  }
};

class CorpusContext final : public EvalContext {
 public:
  std::vector<Document> training, held_out;
  std::vector<Document> planted;  ///< what the dataset "canaries" plants
  std::vector<EvalItem> rows;
  KindOnly kind;
  FunctionGenerator writer;
  FunctionScorer judge;

  void add(std::vector<Document>& to, const std::string& text) {
    const std::string id = "doc-" + std::to_string(training.size() + held_out.size() + planted.size());
    to.push_back({id, text, "made-up:" + id});
  }
  /// Writes on wherever the prompt stands in a training document that `knows` accepts; else z after z.
  void learn_by_heart(std::function<bool(const std::string&)> knows = [](const std::string&) { return true; }) {
    writer.answer = [this, knows](const std::string& prompt, std::int64_t length) {
      std::vector<Document> all = planted;
      all.insert(all.end(), training.begin(), training.end());
      for (const auto& document : all) {
        const std::size_t at = document.text.find(prompt);
        if (at == std::string::npos || !knows(document.text)) continue;
        return document.text.substr(at + prompt.size(), static_cast<std::size_t>(length));
      }
      return std::string(static_cast<std::size_t>(length), 'z');
    };
  }

  std::uint64_t seed() const override { return 11; }
  c10::Device device() const override { return c10::Device(c10::DeviceType::CPU); }
  Architecture& model() override { return kind; }
  const Tokenizer& tokenizer() const override { return tokenizer_; }
  const std::string& prompt_template() const override { return template_; }
  Generator& generator() override { return writer; }
  Scorer& scorer() override { return judge; }
  std::vector<Document> validation_documents(const std::vector<std::string>&, std::int64_t) override { return held_out; }
  std::vector<Document> training_documents(const std::vector<std::string>& names, std::int64_t) override {
    return names.front() == "canaries" ? planted : training;
  }
  std::vector<EvalItem> items(const std::vector<std::string>&, std::int64_t) override { return rows; }
  std::vector<PreferencePair> preferences(const std::vector<std::string>&, std::int64_t) override { return {}; }
  Architecture& frozen_model(const std::string&) override { return kind; }
  StateDict kept(const std::string&) override { return {}; }
  ModelLender& models() override { throw PluginError("this context lends no models from outside"); }
  Progress& progress() override { return progress_; }
  bool cancelled() const override { return false; }

 private:
  ByteTokenizer tokenizer_{258, {257}, 256, 256};
  std::string template_;
  SilentProgress progress_;
};

inline std::string random_words(Rng& rng, std::size_t length) {
  std::string text;
  while (text.size() < length) {
    for (std::uint64_t k = 2 + rng.below(6); k > 0; --k) text += static_cast<char>('a' + rng.below(25));
    text += ' ';
  }
  return text.substr(0, length);
}

/// Everything off but what a test asks for.
inline Params nothing() {
  Params params;
  params.data = {"corpus", "canaries"};
  params.windows = params.membership_documents = params.generations = 0;
  return params;
}

inline EvalItem canary_item(int index, const std::string& secret, std::int64_t repeats) {
  EvalItem item;
  item.id = "canary-" + std::to_string(index);
  item.task = "canary";
  item.reference = secret;
  item.source = "canaries:" + item.id;
  item.attributes_json = nlohmann::json{
      {"before", "The code of " + std::to_string(index) + " is "},
      {"secret", secret},
      {"after", "."},
      {"alphabet", "0123456789"},
      {"repeats", repeats}}.dump();
  return item;
}

inline std::string sentence(int index, const std::string& secret) {
  return "The code of " + std::to_string(index) + " is " + secret + ".";
}

/// One for all, so that loops over its parts do not outlive it.
inline const nlohmann::json& reference() {
  static const nlohmann::json numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/memorization/memorization_reference.json");
    return nlohmann::json::parse(file);
  }();
  return numbers;
}

inline double noise(const std::string& text) { return -1.0 - Rng(derive_seed(5, {text})).uniform(); }

/// Bytes as tokens, and how much text was ever tokenised at once.
class WatchedTokenizer final : public Tokenizer {
 public:
  mutable std::size_t longest = 0;
  bool needs_training() const override { return false; }
  std::string train(const TextSource&) override { return {}; }
  void load(const std::string&) override {}
  std::string model_bytes() const override { return {}; }
  std::string model_file_name() const override { return "bytes"; }
  std::vector<std::int32_t> encode(std::string_view text) const override {
    longest = std::max(longest, text.size());
    return bytes_.encode(text);
  }
  std::string decode(const std::vector<std::int32_t>& ids) const override { return bytes_.decode(ids); }
  std::string piece(std::int32_t id) const override { return bytes_.piece(id); }
  std::int64_t vocab_size() const override { return bytes_.vocab_size(); }
  std::int32_t bos_id() const override { return -1; }
  std::int32_t pad_id() const override { return 0; }
  std::vector<std::int32_t> eos_ids() const override { return {}; }

 private:
  ByteTokenizer bytes_;
};

}  // namespace temper::test
