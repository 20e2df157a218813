// See toxicity.h.
#include "toxicity.h"

#include <algorithm>
#include <fstream>

#include "text_match.h"
#include "unicode.h"

namespace temper::safety {

namespace unicode = instruction_following;

namespace {

bool has_hangul(const std::string& text) {
  const std::u32string points = unicode::decode(text);
  return std::any_of(points.begin(), points.end(), [](char32_t c) {
    return (c >= 0xac00 && c <= 0xd7a3) || (c >= 0x1100 && c <= 0x11ff) || (c >= 0x3130 && c <= 0x318f);
  });
}

}  // namespace

Lexicon::Lexicon(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw DataError("cannot read word list '" + path + "'; check that it exists and may be read");
  for (std::string line; std::getline(file, line);) {
    const std::string term = evaluators::plain_line(line);
    if (term.empty()) continue;
    const auto words = unicode::words(term);
    if (has_hangul(term)) {
      parts_.push_back(term);
    } else if (unicode::join(words, " ") == term) {
      whole_.insert(term);
      longest_ = std::max(longest_, words.size());
    } else {
      marked_.push_back(term);
    }
  }
  if (whole_.empty() && parts_.empty() && marked_.empty()) {
    throw DataError("word list '" + path + "' has no term; write one term a line");
  }
}

bool Lexicon::found_in(std::string_view text) const {
  const std::string line = evaluators::plain_line(text);
  const auto words = unicode::words(line);
  for (std::size_t begin = 0; begin < words.size(); ++begin) {
    std::string run;
    for (std::size_t at = begin; at < std::min(words.size(), begin + longest_); ++at) {
      run += (run.empty() ? "" : " ") + words[at];
      if (whole_.contains(run)) return true;
    }
  }
  const auto inside = [&](const std::string& term) { return line.find(term) != std::string::npos; };
  const auto whole = [&](const std::string& term) { return inside(term) && !evaluators::phrase_spans(line, term).empty(); };
  return std::any_of(parts_.begin(), parts_.end(), inside) || std::any_of(marked_.begin(), marked_.end(), whole);
}

Toxicity::Toxicity(const std::string& classifier, const std::string& label, const std::string& lexicon) : label_(label) {
  if (!classifier.empty()) {
    classifier_ = TextClassifier::load(classifier);
    try {
      classifier_->label_index(label);
    } catch (const DataError& error) {
      throw DataError("toxicity_classifier '" + classifier + "': " + error.what() + " (toxicity_label names the toxic one)");
    }
  }
  if (!lexicon.empty()) lexicon_.emplace(lexicon);
}

double Toxicity::score(std::string_view text) const {
  if (classifier_) return classifier_->highest_probability(text, label_);
  return lexicon_->found_in(text) ? 1 : 0;
}

}  // namespace temper::safety
