// Verdicts from word list and classifier (see toxicity.h).
#include "toxicity.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "temper/hash.h"

namespace temper::filters {
namespace {

std::string stars(std::string_view word) {
  std::string mask;
  for (const char c : word) {
    if ((static_cast<unsigned char>(c) & 0xC0) != 0x80) mask += c == ' ' ? ' ' : '*';
  }
  return mask;
}

}  // namespace

ParamTable<ToxicityParams> toxicity_params() {
  using P = ToxicityParams;
  ParamTable<P> table;
  table.add("lexicon", &P::lexicon, "Word lists, one term a line (several words allowed).");
  table.add("model", &P::model, "A classifier that `temper classifier train` made; empty uses the word lists alone.");
  table.add("labels", &P::labels, "Labels of the classifier that are toxic; their probabilities are added.");
  table.add("threshold", &P::threshold, "Probability from which a document is toxic.", {.min = 0, .max = 1});
  table.add("window", &P::window,
            "Words and signs that the classifier reads at once; a long text counts by its worst window.",
            {.min = 5, .max = 100000, .unit = "tokens"});
  table.add("max_count", &P::max_count, "Terms of the lists that a document may hold.", {.min = 0, .max = 1000000});
  table.add("max_share", &P::max_share, "Share of its words that may be such terms; both limits have to be passed.",
            {.min = 0, .max = 1});
  table.add("tricks", &P::tricks,
            "Whether terms of four letters and more are found behind digits and signs for letters, separators and repeated "
            "letters.");
  table.add("inside_hangul", &P::inside_hangul, "Whether Hangul terms of two syllables and more are found inside words.");
  table.add("action", &P::action,
            "What happens to a toxic document: dropped, its terms masked with stars, or all only noted.",
            {.choices = {"drop", "mask", "mark"}});
  table.require([](const P& p) { return !p.lexicon.empty() || !p.model.empty(); },
                "a lexicon or a model is needed; make a model with `temper classifier train`");
  table.require([](const P& p) { return p.model.empty() == p.labels.empty(); },
                "model and labels go together: labels says which of the model's labels are toxic");
  return table;
}

Toxicity::Toxicity(const ToxicityParams& params, const Filter::Args& args) : params_(params) {
  if (!params.lexicon.empty()) {
    lexicon_ = std::make_unique<Lexicon>(params.lexicon, args.base_dir, params.tricks, params.inside_hangul);
  }
  if (params.model.empty()) return;
  const auto path = std::filesystem::path(args.base_dir) / params.model;
  model_ = std::make_unique<TextClassifier>(TextClassifier::load(path));
  model_sha256_ = sha256_file(path);
  for (const auto& label : params.labels) labels_.push_back(model_->label_index(label));
}

std::string Toxicity::fingerprint() {
  return sha256_hex("toxicity 2 " + (lexicon_ ? lexicon_->fingerprint() : "") + " " + model_sha256_);
}

FilterResult Toxicity::judge(const Document& document) const {
  FilterResult result;
  const std::string& text = document.text;
  bool toxic = false;
  if (lexicon_) {
    const Units words = words_with_places(text);
    const auto places = lexicon_->find(text, words);
    const double share =
        static_cast<double>(places.size()) / static_cast<double>(std::max<std::size_t>(words.hashes.size(), 1));
    toxic = static_cast<std::int64_t>(places.size()) > params_.max_count && share > params_.max_share;
    result.score = share;
    for (const auto& [begin, end] : places) {
      FilterSpan span{begin, end, "term"};
      if (params_.action == "mask" && toxic) span.replacement = stars(std::string_view(text).substr(begin, end - begin));
      result.spans.push_back(std::move(span));
    }
    if (toxic) result.reason = "terms";
  }
  if (model_) {
    result.score = model_->highest_probability(text, labels_, params_.window);
    if (result.score >= params_.threshold) {
      toxic = true;
      result.reason = "classifier";
    }
  }
  if (!toxic) return result;
  // Masking cannot mend what the classifier found in the text as a whole.
  result.drop = params_.action == "drop" || (params_.action == "mask" && result.reason == "classifier");
  return result;
}

}  // namespace temper::filters
