// Prediction with a trained text classifier (see temper/text_classifier.h); training and file format have files of their
// own.
#include "temper/text_classifier.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <iterator>

#include "classifier_model.h"
#include "text_windows.h"

namespace temper {

double smooth_idf(double rows, double rows_with) { return std::log((1 + rows) / (1 + rows_with)) + 1; }

void softmax(std::vector<double>& sums, std::size_t labels) {
  if (labels == 2) sums.insert(sums.begin(), 0.0);
  const double highest = *std::max_element(sums.begin(), sums.end());
  double total = 0;
  for (double& value : sums) total += value = std::exp(value - highest);
  for (double& value : sums) value /= total;
}

void ClassifierModel::index() {
  const std::size_t width = vectors(), size = row_size();
  place.assign(std::size_t{1} << features.bucket_bits, static_cast<std::uint32_t>(buckets.size()));
  rows_of_places.assign((buckets.size() + 1) * size, 0);
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    place[buckets[i]] = static_cast<std::uint32_t>(i);
    std::copy_n(weights.data() + i * width, width, rows_of_places.data() + i * size);
    rows_of_places[i * size + width] = idf.empty() ? 1 : idf[i];
  }
  const double unseen = idf.empty() ? 1 : smooth_idf(static_cast<double>(rows), 0);
  rows_of_places[buckets.size() * size + width] = static_cast<float>(unseen);
}

std::vector<double> ClassifierModel::probabilities(const std::vector<Feature>& vector) const {
  constexpr std::size_t kAtOnce = 4;  // sums that stay in registers; row_size() is a multiple
  const std::size_t width = vectors(), size = row_size();
  std::vector<double> sums(size);
  double squares = 0;
  for (std::size_t begin = 0; begin < size; begin += kAtOnce) {
    std::array<double, kAtOnce> some{};
    squares = 0;
    for (const Feature& feature : vector) {
      const float* row = rows_of_places.data() + std::size_t{place[feature.bucket]} * size;
      const double value = static_cast<double>(feature.value) * static_cast<double>(row[width]);
      squares += value * value;
      for (std::size_t v = 0; v < kAtOnce; ++v) some[v] += static_cast<double>(row[begin + v]) * value;
    }
    std::copy(some.begin(), some.end(), sums.begin() + static_cast<std::ptrdiff_t>(begin));
  }
  std::vector<double> result;
  probabilities(std::span(sums).first(width), squares, result);
  return result;
}

void ClassifierModel::probabilities(std::span<const double> sums, double squares, std::vector<double>& result) const {
  // The vector's length is 1; one without any feature stays as it is.
  const double length = squares > 0 ? std::sqrt(squares) : 1;
  result.resize(sums.size());
  for (std::size_t v = 0; v < sums.size(); ++v) result[v] = static_cast<double>(bias[v]) + sums[v] / length;
  softmax(result, labels.size());
}

TextClassifier::TextClassifier(std::unique_ptr<const ClassifierModel> model)
    : model_(std::move(model)), readers_(std::make_unique<WindowReaders>(*model_)) {}
TextClassifier::TextClassifier(TextClassifier&&) noexcept = default;
TextClassifier& TextClassifier::operator=(TextClassifier&&) noexcept = default;
TextClassifier::~TextClassifier() = default;

TextClassifier TextClassifier::load(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file || std::filesystem::is_directory(path)) {
    throw DataError("cannot read classifier file '" + path.string() + "'; check that it exists and may be read");
  }
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  return TextClassifier(std::make_unique<const ClassifierModel>(model_from_bytes(bytes, path.string())));
}

std::string TextClassifier::to_bytes() const { return model_to_bytes(*model_); }

const std::vector<std::string>& TextClassifier::labels() const { return model_->labels; }
const TextFeatures& TextClassifier::features() const { return model_->features; }
std::int64_t TextClassifier::training_rows() const { return model_->rows; }
bool TextClassifier::converged() const { return model_->converged; }

std::size_t TextClassifier::label_index(std::string_view label) const {
  const auto found = std::find(labels().begin(), labels().end(), label);
  if (found != labels().end()) return static_cast<std::size_t>(found - labels().begin());
  std::string known;
  for (const auto& name : labels()) known += (known.empty() ? "'" : ", '") + name + "'";
  throw DataError("label '" + std::string(label) + "' is unknown to this classifier; its labels are " + known);
}

std::vector<double> TextClassifier::probabilities(std::string_view text) const {
  const auto tokens = tokens_of(text);
  return model_->probabilities(counted(tokens.folded, tokens.all, model_->features, true));
}

double TextClassifier::probability(std::string_view text, std::string_view label) const {
  return probabilities(text)[label_index(label)];
}

double TextClassifier::highest_probability(std::string_view text, std::string_view label, std::int64_t window) const {
  const std::size_t index = label_index(label);
  return highest_probability(text, std::span(&index, 1), window);
}

double TextClassifier::highest_probability(std::string_view text, std::span<const std::size_t> labels,
                                           std::int64_t window) const {
  if (window < 2) throw ConfigError("window = " + std::to_string(window) + ": must be at least 2 tokens");
  const auto tokens = tokens_of(text);
  const std::span<const Token> all(tokens.all);
  const auto size = static_cast<std::size_t>(window);
  double highest = 0;
  const auto take = [&](const std::vector<double>& probabilities) {
    double sum = 0;
    for (const std::size_t label : labels) sum += probabilities[label];
    highest = std::max(highest, sum);
  };
  const auto take_part = [&](std::size_t begin) {
    const auto part = all.subspan(begin, std::min(size, all.size() - begin));
    take(model_->probabilities(counted(tokens.folded, part, model_->features, begin == 0)));
  };
  if (all.size() <= size) {
    take_part(0);
    return highest;
  }
  // The last window ends with the text, so that it is as long as the others.
  const std::size_t half = size / 2, final = all.size() - size;
  if (size % 2 == 0) {
    // The first window has words of its own where leading ones count again.
    const std::size_t from = model_->features.leading_words > 0 ? half : 0;
    if (from > 0) take_part(0);
    std::vector<double> probabilities;
    readers_->with([&](WindowReader& reader) {
      const auto take_sums = [&](std::span<const double> sums, double squares) {
        model_->probabilities(sums, squares, probabilities);
        take(probabilities);
      };
      reader.each_window(tokens, half, from, take_sums);
      if (final % half != 0) reader.each_window(tokens, half, final, take_sums);
    });
    return highest;
  }
  for (std::size_t begin = 0; begin < final; begin += half) take_part(begin);
  take_part(final);
  return highest;
}

}  // namespace temper
