// What a trained text classifier holds, shared by its source files: prediction, training, file. Private to the SDK.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "temper/text_classifier.h"
#include "text_features.h"

namespace temper {

struct ClassifierModel {
  TextFeatures features;
  std::vector<std::string> labels;  ///< alphabetical
  std::int64_t rows = 0;            ///< learnt from; the idf of a bucket never seen follows from it
  bool converged = false;
  std::vector<std::uint32_t> buckets;  ///< seen in training, ascending
  std::vector<float> weights;          ///< of buckets[i] and vector v: [i * vectors + v]
  std::vector<float> bias;             ///< one a vector
  std::vector<float> idf;              ///< one a bucket, or empty
  // For prediction, by index(): what belongs to a bucket side by side.
  std::vector<std::uint32_t> place;   ///< of each possible bucket its row; the last row is that of the ones never seen
  std::vector<float> rows_of_places;  ///< row_size() values each: weights, idf, then zeros

  /// Two labels share one vector, that of the second; the first's sum is 0.
  std::size_t vectors() const { return labels.size() == 2 ? 1 : labels.size(); }
  std::size_t row_size() const { return (vectors() + 1 + 3) / 4 * 4; }
  void index();
  std::vector<double> probabilities(const std::vector<Feature>& vector) const;
  /// `sums`: of each vector its weights times the text's values; `squares`: of the values, with idf.
  void probabilities(std::span<const double> sums, double squares, std::vector<double>& result) const;
};

/// Sums of the vectors, in place, to probabilities of the labels; sums has one value a vector.
void softmax(std::vector<double>& sums, std::size_t labels);
/// scikit-learn's smoothed inverse document frequency.
double smooth_idf(double rows, double rows_with);

std::string model_to_bytes(const ClassifierModel& model);
/// `name` is the file's, for messages. Throws DataError.
ClassifierModel model_from_bytes(const std::string& bytes, const std::string& name);

}  // namespace temper
