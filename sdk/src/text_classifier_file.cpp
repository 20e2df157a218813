// The file of a text classifier. Little-endian: 8 bytes magic, u32 version, u32 length of the header, the header (JSON), u32
// buckets, float32 weights, bias and idf, and the SHA-256 of all that. Sizes are checked before anything is allocated.
#include <bit>
#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

#include "classifier_model.h"
#include "temper/hash.h"

namespace temper {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "classifier files are little-endian");

constexpr std::string_view kMagic = "TEMPRCLS";
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kFront = 16, kDigest = 32, kMaxHeader = 1 << 20;

template <class T>
void append(std::string& bytes, const std::vector<T>& values) {
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
}

std::uint32_t number_at(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::string digest_of(std::string_view bytes) {
  const auto digest = Sha256().update(bytes).digest();
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

/// Takes values off the front of the rest of the file.
class Reader {
 public:
  Reader(const std::string& bytes, std::size_t at) : bytes_(bytes), at_(at) {}
  template <class T>
  std::vector<T> take(std::size_t count) {
    std::vector<T> values(count);
    std::memcpy(values.data(), bytes_.data() + at_, count * sizeof(T));
    at_ += count * sizeof(T);
    return values;
  }

 private:
  const std::string& bytes_;
  std::size_t at_;
};

/// The header's facts into `model`; the number of buckets is the result.
std::size_t read_header(const json& header, ClassifierModel& model) {
  const json& features = header.at("features");
  model.features = {features.at("bucket_bits"), features.at("word_ngrams"),   features.at("char_min"),
                    features.at("char_max"),    features.at("leading_words"), features.at("idf")};
  check_features(model.features);
  model.labels = header.at("labels").get<std::vector<std::string>>();
  model.rows = header.at("rows");
  model.converged = header.at("converged");
  const auto buckets = header.at("buckets").get<std::size_t>();
  const bool sorted =
      std::adjacent_find(model.labels.begin(), model.labels.end(), std::greater_equal<>()) == model.labels.end();
  if (model.labels.size() < 2 || !sorted || model.rows < 0 || buckets > std::size_t{1} << model.features.bucket_bits) {
    throw DataError("labels or sizes make no sense");
  }
  return buckets;
}

}  // namespace

std::string model_to_bytes(const ClassifierModel& model) {
  const TextFeatures& f = model.features;
  const std::string header = json{
      {"features",
       {{"bucket_bits", f.bucket_bits},
        {"word_ngrams", f.word_ngrams},
        {"char_min", f.char_min},
        {"char_max", f.char_max},
        {"leading_words", f.leading_words},
        {"idf", f.idf}}},
      {"labels", model.labels},
      {"rows", model.rows},
      {"converged", model.converged},
      {"buckets",
       model.buckets.size()}}.dump();
  std::string bytes(kMagic);
  append(bytes, std::vector<std::uint32_t>{kVersion, static_cast<std::uint32_t>(header.size())});
  bytes += header;
  append(bytes, model.buckets);
  append(bytes, model.weights);
  append(bytes, model.bias);
  append(bytes, model.idf);
  return bytes + digest_of(bytes);
}

ClassifierModel model_from_bytes(const std::string& bytes, const std::string& name) {
  const std::string file = "classifier file '" + name + "' ";
  const std::string again = "; train it again or copy it again";
  if (!bytes.starts_with(kMagic)) {
    throw DataError(file + "is no classifier (it does not begin with " + std::string(kMagic) +
                    "); make one with `temper classifier train`");
  }
  if (bytes.size() < kFront + kDigest)
    throw DataError(file + "is cut off after " + std::to_string(bytes.size()) + " bytes" + again);
  if (const auto version = number_at(bytes, kMagic.size()); version != kVersion) {
    throw DataError(file + "has version " + std::to_string(version) + ", this temper reads version " +
                    std::to_string(kVersion) + "; train it again");
  }
  const std::size_t header_size = number_at(bytes, kMagic.size() + 4);
  if (header_size > kMaxHeader || header_size > bytes.size() - kFront - kDigest) {
    throw DataError(file + "is cut off or damaged: its header of " + std::to_string(header_size) +
                    " bytes is longer than a header can be or than the file" + again);
  }
  ClassifierModel model;
  std::size_t buckets = 0;
  try {
    buckets = read_header(json::parse(std::string_view(bytes).substr(kFront, header_size)), model);
  } catch (const std::exception& error) {
    throw DataError(file + "is damaged: its header cannot be read (" + error.what() + ")" + again);
  }
  const std::size_t vectors = model.vectors(), per_bucket = 4 * (1 + vectors + (model.features.idf ? 1 : 0));
  const std::size_t wanted = kFront + header_size + buckets * per_bucket + 4 * vectors + kDigest;
  if (bytes.size() != wanted) {
    throw DataError(file + "is cut off or damaged: its header asks for " + std::to_string(wanted) + " bytes, it has " +
                    std::to_string(bytes.size()) + again);
  }
  const std::string_view content = std::string_view(bytes).substr(0, bytes.size() - kDigest);
  if (digest_of(content) != bytes.substr(content.size())) {
    throw DataError(file + "is damaged: its content does not match its SHA-256" + again);
  }
  Reader reader(bytes, kFront + header_size);
  model.buckets = reader.take<std::uint32_t>(buckets);
  model.weights = reader.take<float>(buckets * vectors);
  model.bias = reader.take<float>(vectors);
  if (model.features.idf) model.idf = reader.take<float>(buckets);
  bool good = true;
  for (std::size_t i = 0; i < buckets; ++i) {
    good &= model.buckets[i] >> model.features.bucket_bits == 0 && (i == 0 || model.buckets[i - 1] < model.buckets[i]);
  }
  for (const auto* values : {&model.weights, &model.bias, &model.idf}) {
    for (const float value : *values) good &= std::isfinite(value);
  }
  if (!good) throw DataError(file + "is damaged: its buckets are out of order or a weight is no number" + again);
  model.index();
  return model;
}

}  // namespace temper
