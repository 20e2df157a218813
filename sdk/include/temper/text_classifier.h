// A trained text classifier: logistic regression over hashed n-grams, for refusal, toxicity and whatever else has labelled
// texts. Small, fast on one core, the same bits every time, and readable by name only: a label's place means nothing.
// temper ships no weights and no labelled data; `temper classifier train` makes a file from yours. [any thread once made]
//
// Sources: Weinberger et al., "Feature Hashing for Large Scale Multitask Learning", ICML 2009 (hashing trick); Bojanowski et
// al., TACL 5 (2017) (character n-grams inside marked words); Nocedal and Wright, "Numerical Optimization" (2006), algorithm
// 7.5 (L-BFGS), with the weak Wolfe line search of Lewis and Overton, Math. Programming 141 (2013). Features and solution
// agree with scikit-learn's HashingVectorizer, TfidfTransformer and LogisticRegression, apart from collisions.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "temper/error.h"

namespace temper {

/// What of a text is counted. Texts are case-folded and normalised (NFKC), typographic apostrophes made plain. A token is a
/// run of letters, digits, marks and inner apostrophes, or one other visible character. Counts enter as 1 + log(count), and
/// a text's vector has length 1.
struct TextFeatures {
  std::int64_t bucket_bits = 18;   ///< 2^this buckets, 8 to 24
  std::int64_t word_ngrams = 2;    ///< runs of 1 to this many tokens, 0 to 5; 0 is none
  std::int64_t char_min = 3;       ///< runs of this many to char_max characters inside a word with its ends marked
  std::int64_t char_max = 5;       ///< 0 is none; at most 10
  std::int64_t leading_words = 0;  ///< n-grams of the first tokens count again under a name of their own; 0 is off
  bool idf = false;                ///< weight by smoothed inverse document frequency of the training texts
};

struct ClassifierOptions {
  TextFeatures features;
  double strength = 30;                   ///< scikit-learn's C: how much fit counts against small weights
  bool balanced = false;                  ///< each label counts as much as the others, however few rows it has
  std::map<std::string, double> weights;  ///< a label's weight, times the above; 1 where none is given
  std::int64_t max_iterations = 1000;
  double tolerance = 1e-5;  ///< largest component of the gradient at the end (mean loss with its penalty)
};

struct LabelledText {
  std::string text, label;
  std::string group = {};  ///< rows of one group (a prompt's answers) are held out together; "" stands alone
  double weight = 1;
};

struct ClassifierModel;
class WindowReaders;

class TEMPER_API TextClassifier {
 public:
  /// Throws ConfigError for options out of range, DataError for rows that cannot be learnt from (one label only).
  static TextClassifier train(const std::vector<LabelledText>& rows, const ClassifierOptions& options);
  /// Throws DataError for a file that is missing, no classifier, of another version, cut off or damaged.
  static TextClassifier load(const std::filesystem::path& path);
  /// A file's content: features, labels, float32 weights and a SHA-256 of them all.
  std::string to_bytes() const;

  TextClassifier(TextClassifier&&) noexcept;
  TextClassifier& operator=(TextClassifier&&) noexcept;
  ~TextClassifier();

  /// In alphabetical order; a label's place says nothing else.
  const std::vector<std::string>& labels() const;
  /// Throws DataError that names the known labels.
  std::size_t label_index(std::string_view label) const;
  const TextFeatures& features() const;
  std::int64_t training_rows() const;
  bool converged() const;  ///< training ended by its tolerance

  /// One probability a label, in labels()' order; the text is read as one.
  std::vector<double> probabilities(std::string_view text) const;
  double probability(std::string_view text, std::string_view label) const;
  /// Long texts: the highest probability of `label` over windows of `window` tokens that overlap by half and cover every
  /// token (P-SAFE-08). A text of one window or less is read as one.
  double highest_probability(std::string_view text, std::string_view label, std::int64_t window = 40) const;
  /// The same of the labels' probabilities added up; places in labels().
  double highest_probability(std::string_view text, std::span<const std::size_t> labels, std::int64_t window) const;

 private:
  explicit TextClassifier(std::unique_ptr<const ClassifierModel> model);
  std::unique_ptr<const ClassifierModel> model_;
  std::unique_ptr<WindowReaders> readers_;
};

/// Predictions for rows that the model had not seen, each by the model of the folds without it.
struct CrossValidation {
  std::vector<std::string> labels;
  std::vector<std::vector<double>> probabilities;  ///< a row's, in labels' order
  std::vector<std::int64_t> fold;                  ///< a row's
};
/// Groups are dealt to the folds by `seed`, largest first, each to the fold with the fewest rows. Throws DataError where
/// there are fewer groups than folds, or a label is missing from what a fold learns from.
TEMPER_API CrossValidation cross_validate(const std::vector<LabelledText>& rows, const ClassifierOptions& options,
                                          std::int64_t folds, std::uint64_t seed);

/// A share or mean with its 95% interval.
struct Estimate {
  double value = 0, low = 0, high = 0;
};
struct LabelReport {
  std::string label;
  std::int64_t rows = 0;
  double precision = 0, recall = 0, f1 = 0;  ///< precision is 0 where the label was never given
  double auc = 0;                            ///< of its probability against all other labels; NaN where there are none
};
struct ClassifierReport {
  std::int64_t rows = 0;
  Estimate accuracy;              ///< Wilson's interval
  std::string majority;           ///< the most frequent label
  double majority_accuracy = 0;   ///< of always saying it
  Estimate over_majority;         ///< paired difference of accuracies, row by row
  std::vector<LabelReport> each;  ///< in labels' order
};
/// `probabilities` hold one value a label. Throws DataError for a truth that is no label.
TEMPER_API ClassifierReport report_on(const std::vector<std::string>& labels, const std::vector<std::string>& truth,
                                      const std::vector<std::vector<double>>& probabilities);

/// Three numbers that are easily taken for one another. `ratio` counts scores >= threshold.
struct ScoreSummary {
  double mean = 0, max = 0, ratio = 0;
};
/// Throws DataError for no scores.
TEMPER_API ScoreSummary summarise_scores(const std::vector<double>& scores, double threshold = 0.5);

}  // namespace temper
