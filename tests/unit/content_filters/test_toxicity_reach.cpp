// How far a classifier that the filter toxicity may read goes on published labels: English tweets and Korean comments, each
// learnt from four fifths and tried on the fifth that a hash of the text holds out. The trained classifier against
// Perspective's scores is in tests/unit/text_classifier. Skipped without the shared data.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>

#include "../evaluators/csv.h"
#include "catch.h"
#include "temper/hash.h"
#include "temper/text_classifier.h"

using namespace temper;
using namespace temper::test;

namespace {

bool held_out(const std::string& text) { return std::stoul(sha256_hex(text).substr(0, 8), nullptr, 16) % 5 == 0; }

/// Chance that a toxic text scores higher than another one, ties counting half.
double auc(const std::vector<double>& scores, const std::vector<bool>& toxic) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return scores[a] < scores[b]; });
  double wins = 0, others = 0, count = 0;
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    double tied_toxic = 0, tied_others = 0;
    for (; end < order.size() && scores[order[end]] == scores[order[begin]]; ++end) {
      ++(toxic[order[end]] ? tied_toxic : tied_others);
    }
    wins += tied_toxic * (others + tied_others / 2);
    others += tied_others;
    count += tied_toxic;
  }
  return wins / (others * count);
}

struct Rows {
  std::vector<LabelledText> train, test;
  void add(const std::string& text, const std::string& label) { (held_out(text) ? test : train).push_back({text, label}); }
};

double macro_f1(const TextClassifier& classifier, const std::vector<LabelledText>& rows) {
  std::vector<std::string> truth;
  std::vector<std::vector<double>> probabilities;
  for (const auto& row : rows) {
    truth.push_back(row.label);
    probabilities.push_back(classifier.probabilities(row.text));
  }
  double sum = 0;
  const auto report = report_on(classifier.labels(), truth, probabilities);
  for (const auto& label : report.each) sum += label.f1;
  return sum / static_cast<double>(report.each.size());
}

}  // namespace

TEST_CASE("English: hate and offence against neither, and what carries over to other sets", "[toxicity][real]") {
  const auto tweets = shared_data("cleaning/hate_offensive.csv"), hatecheck = shared_data("cleaning/hatecheck.csv"),
             comments = shared_data("cleaning/toxicity_en.csv");
  if (tweets.empty() || hatecheck.empty() || comments.empty()) return;
  Rows rows;
  for (const auto& row : read_csv(tweets)) {
    rows.add(row.at("tweet"), row.at("class") == "2" ? "neither" : row.at("class") == "0" ? "hate" : "offensive");
  }
  const auto classifier = TextClassifier::train(rows.train, {});
  const auto score = [&](const std::string& text) { return 1 - classifier.probability(text, "neither"); };
  std::vector<double> scores;
  std::vector<bool> toxic;
  const auto add = [&](const std::string& text, bool is_toxic) {
    scores.push_back(score(text));
    toxic.push_back(is_toxic);
  };
  const auto measure = [&] {
    const double value = auc(scores, toxic);
    scores.clear();
    toxic.clear();
    return value;
  };
  for (const auto& row : rows.test) add(row.text, row.label != "neither");
  const std::size_t tested = scores.size();
  const double own = measure();
  for (const auto& row : read_csv(hatecheck)) add(row.at("test_case"), row.at("label_gold") == "hateful");
  const double check = measure();
  for (const auto& row : read_csv(comments)) add(row.at("text"), row.at("is_toxic") == "Toxic");
  const double other = measure();
  CAPTURE(tested, own, check, other);
  CHECK(tested > 3400);
  CHECK(own >= 0.95);
  // No use on HateCheck: its harmless cases are full of slurs that are reclaimed, quoted or objected to, its hateful ones
  // often have none. The figure is held so that nobody takes the one above for more than it is.
  CHECK(check == Approx(0.44).margin(0.05));
  CHECK(other >= 0.6);
  if (std::getenv("TEMPER_SHOW") != nullptr) WARN("tweets " << own << " HateCheck " << check << " comments " << other);
}

TEST_CASE("Korean: hate, offence and neither", "[toxicity][real]") {
  const auto path = shared_data("cleaning/korean_hate_train.tsv");
  if (path.empty()) return;
  Rows rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::size_t first = line.find('\t'), last = line.rfind('\t');
    if (first != std::string::npos) rows.add(line.substr(0, first), line.substr(last + 1));
  }
  REQUIRE(rows.test.size() > 1400);
  ClassifierOptions options;
  options.features.char_min = 1;
  options.features.char_max = 4;
  options.balanced = true;
  options.strength = 10;
  const auto classifier = TextClassifier::train(rows.train, options);
  const double f1 = macro_f1(classifier, rows.test);
  CAPTURE(f1);
  CHECK(f1 >= 0.55);
  if (std::getenv("TEMPER_SHOW") != nullptr) WARN("macro-F1 " << f1 << " over " << rows.test.size());
}
