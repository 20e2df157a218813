// The text classifier: scikit-learn's numbers, labels by name, windows, files that are damaged, cross-validation by groups.
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <set>

#include "catch.h"
#include "temper/hash.h"
#include "temper/text_classifier.h"

using namespace temper;
using nlohmann::json;

namespace {

/// One for all, so that loops over its parts do not outlive it.
const json& reference() {
  static const json numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/safety/classifier_reference.json");
    return json::parse(file);
  }();
  return numbers;
}

ClassifierOptions word_options() {
  ClassifierOptions options;
  options.features.char_max = 0;
  return options;
}

const std::vector<LabelledText> kSmall = {{"I hate you, idiot", "toxic"},   {"you are an idiot", "toxic"},
                                          {"I like the garden", "clean"},   {"the garden is green", "clean"},
                                          {"what a fool you are", "toxic"}, {"a green tree", "clean"}};

std::string repeated(const std::string& word, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += word + " ";
  return text;
}

class TemporaryFolder {
 public:
  TemporaryFolder() : path_(std::filesystem::temp_directory_path() / ("temper_classifier_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(path_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

TextClassifier from_bytes(const TemporaryFolder& folder, const std::string& bytes) {
  const auto path = folder.path() / "x.classifier";
  std::ofstream(path, std::ios::binary) << bytes;
  return TextClassifier::load(path);
}

}  // namespace

TEST_CASE("probabilities are those of scikit-learn's logistic regression over hashed n-grams") {
  const json all = reference();
  for (const json& expected : all.at("cases")) {
    CAPTURE(expected.at("name").get<std::string>());
    const auto labels = expected.at("labels").get<std::vector<std::string>>();
    ClassifierOptions options;
    options.features.bucket_bits = 24;
    options.features.word_ngrams = expected.at("word_ngrams");
    options.features.char_min = expected.at("char").is_null() ? 1 : expected.at("char")[0].get<std::int64_t>();
    options.features.char_max = expected.at("char").is_null() ? 0 : expected.at("char")[1].get<std::int64_t>();
    options.features.leading_words = expected.value("leading", 0);
    options.features.idf = expected.at("idf");
    options.balanced = expected.at("balanced");
    options.strength = expected.at("strength");
    options.tolerance = 1e-9;
    std::vector<LabelledText> rows;
    for (const json& row : all.at("train")) {
      if (std::find(labels.begin(), labels.end(), row[1]) != labels.end()) rows.push_back({row[0], row[1]});
    }
    const auto classifier = TextClassifier::train(rows, options);
    CHECK(classifier.converged());
    REQUIRE(classifier.labels() == labels);
    for (std::size_t i = 0; i < all.at("test").size(); ++i) {
      const auto probabilities = classifier.probabilities(all.at("test")[i].get<std::string>());
      for (std::size_t k = 0; k < labels.size(); ++k) {
        CHECK(probabilities[k] == Approx(expected.at("probabilities")[i][k].get<double>()).margin(1e-5));
      }
    }
  }
}

TEST_CASE("a label is asked for by name, and an unknown one is an error that names the known, P-SAFE-07") {
  const auto classifier = TextClassifier::train(kSmall, {});
  CHECK(classifier.labels() == std::vector<std::string>{"clean", "toxic"});
  CHECK(classifier.probability("you idiot", "toxic") > 0.6);
  CHECK(classifier.probability("you idiot", "toxic") + classifier.probability("you idiot", "clean") == Approx(1));
  CHECK_THROWS_WITH(classifier.probability("you idiot", "hate"),
                    ContainsSubstring("'hate'") && ContainsSubstring("'clean', 'toxic'"));
  // The order of the rows, and with it which label comes first, changes nothing.
  std::vector<LabelledText> reversed(kSmall.rbegin(), kSmall.rend());
  CHECK(TextClassifier::train(reversed, {}).probability("you idiot", "toxic") ==
        Approx(classifier.probability("you idiot", "toxic")).margin(1e-6));
}

TEST_CASE("a toxic span deep in a long text is found, wherever it stands, P-SAFE-08") {
  ClassifierOptions options;
  options.strength = 1000;
  const auto classifier = TextClassifier::train(kSmall, options);
  const std::string clean = repeated("garden", 1200), span = "you are an idiot I hate you idiot fool you ";
  for (const int before : {0, 1, 19, 39, 500, 900, 1189, 1190}) {
    CAPTURE(before);
    const std::string text = repeated("garden", before) + span + repeated("garden", 1190 - before);
    CHECK(classifier.highest_probability(text, "toxic", 20) > 0.5);
    CHECK(classifier.highest_probability(text, "toxic", 512) > classifier.highest_probability(clean, "toxic", 512) + 0.05);
  }
  CHECK(classifier.highest_probability(clean, "toxic", 20) < 0.4);
  // The score of a long text is the highest of its windows' own scores.
  const std::string head = repeated("garden", 40), tail = repeated("idiot", 40);
  CHECK(classifier.highest_probability(head + tail, "toxic", 40) == Approx(classifier.probability(tail, "toxic")));
  CHECK(classifier.highest_probability("", "toxic") == classifier.probability("", "toxic"));
  CHECK_THROWS_AS(classifier.highest_probability(clean, "toxic", 1), ConfigError);
}

TEST_CASE("windows that share halves score as each would by itself") {
  // Words from a small stock, so that halves have much in common, with signs and letters beyond ASCII between them.
  const std::vector<std::string> stock = {"I",
                                          "you",
                                          "idiot",
                                          "the",
                                          "garden",
                                          "green",
                                          "fool",
                                          ",",
                                          "hate",
                                          "\xec\x95\x88\xeb\x85\x95",
                                          "is",
                                          "a",
                                          "tr\xc3\xa9"
                                          "e",
                                          "?",
                                          "are",
                                          "what"};
  std::vector<std::string> words;
  std::uint64_t state = 1;
  for (int i = 0; i < 1500; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    words.push_back(stock[(state >> 33) % stock.size()]);
  }
  const auto text_of = [&](std::size_t begin, std::size_t end) {
    std::string text;
    for (std::size_t i = begin; i < end; ++i) text += words[i] + " ";
    return text;
  };
  for (const std::int64_t runs : {0, 1, 2, 5}) {
    for (const std::int64_t leading : {0, 7}) {
      ClassifierOptions options;
      options.features.word_ngrams = runs;
      options.features.leading_words = leading;
      options.features.idf = runs == 2;
      options.features.char_max = runs == 1 ? 0 : 5;
      options.features.bucket_bits = runs == 5 ? 8 : 18;  // with many collisions
      const auto classifier = TextClassifier::train(kSmall, options);
      for (const std::size_t window : {2, 7, 20, 40, 512}) {
        for (const std::size_t length : {std::size_t{41}, std::size_t{60}, words.size() - 1, words.size()}) {
          CAPTURE(runs, leading, window, length);
          if (length <= window) continue;
          double highest = 0;
          for (std::size_t begin = 0;; begin += window / 2) {
            const bool last = begin + window >= length;
            if (last) begin = length - window;
            // Words in front keep the leading ones of the text's beginning apart from those of a window.
            std::string part = text_of(begin, begin + window);
            if (leading > 0 && begin > 0) break;
            highest = std::max(highest, classifier.probability(part, "toxic"));
            if (last) break;
          }
          const double found =
              classifier.highest_probability(text_of(0, length), "toxic", static_cast<std::int64_t>(window));
          if (leading == 0) CHECK(found == Approx(highest).epsilon(1e-9));
          if (leading > 0) CHECK(found >= highest - 1e-12);
          const std::vector<std::size_t> both = {0, 1};
          CHECK(classifier.highest_probability(text_of(0, length), both, static_cast<std::int64_t>(window)) == Approx(1));
        }
      }
    }
  }
}

TEST_CASE("a score in windows does not depend on what was read before, nor on how long a word is") {
  const auto classifier = TextClassifier::train(kSmall, {}), fresh = TextClassifier::train(kSmall, {});
  const std::string text = repeated("garden", 50) + "you are an idiot " + repeated("the green", 40);
  const double expected = fresh.highest_probability(text, "toxic", 40);
  // More different words than are remembered; some of them in the text.
  std::string many = "garden idiot ";
  for (int i = 0; i < 70000; ++i) many += "w" + std::to_string(i) + " ";
  CHECK(classifier.highest_probability(many + "green", "toxic", 40) > 0);
  CHECK(classifier.highest_probability(text, "toxic", 40) == expected);
  // A word of a million letters, alone in its window but for short ones, and one that occurs far more often than any table
  // of small counts holds.
  const std::string endless = std::string(1000000, 'a') + "idiot ";
  double highest = 0;
  for (const int before : {39, 19, 0}) {
    const std::string part = repeated("garden", before) + endless + repeated("garden", 39 - before);
    highest = std::max(highest, fresh.probability(part, "toxic"));
  }
  const std::string long_text = repeated("garden", 39) + endless + repeated("garden", 39);
  CHECK(classifier.highest_probability(long_text, "toxic", 40) == Approx(highest).epsilon(1e-6));
  CHECK(classifier.highest_probability(text, "toxic", 40) == expected);
  std::vector<double> found(4);
  std::vector<std::thread> threads;
  for (double& one : found) threads.emplace_back([&] { one = classifier.highest_probability(text, "toxic", 40); });
  for (auto& thread : threads) thread.join();
  CHECK(found == std::vector<double>(4, expected));
}

TEST_CASE("a word that fills a window, and leaves it again, is counted to the last one") {
  const auto classifier = TextClassifier::train(kSmall, {});
  const auto check = [&](const std::vector<std::string>& halves, std::int64_t half) {
    double highest = 0;
    std::string all;
    for (std::size_t i = 0; i < halves.size(); ++i) {
      all += halves[i];
      if (i > 0) highest = std::max(highest, classifier.probability(halves[i - 1] + halves[i], "toxic"));
    }
    CHECK(classifier.highest_probability(all, "toxic", 2 * half) == Approx(highest).epsilon(1e-9));
  };
  // Around the largest count that has a place of its own, in the later half, the earlier one and both.
  for (const int times : {126, 127, 128, 129, 253, 254, 255, 256, 257, 300}) {
    CAPTURE(times);
    const auto mixed = [](int idiots) { return repeated("idiot", idiots) + repeated("garden", 300 - idiots); };
    check({mixed(times), mixed(0)}, 300);
    check({mixed(0), mixed(times)}, 300);
    check({mixed(times), mixed(times)}, 300);
    check({mixed(0), mixed(times), mixed(0), mixed(1), mixed(2)}, 300);
    check({mixed(times), mixed(1), mixed(times), mixed(0), mixed(0), mixed(3)}, 300);
  }
}

TEST_CASE("what a half held is known in the next one however many came before") {
  const auto classifier = TextClassifier::train(kSmall, {});
  const double once = classifier.probability("garden idiot", "toxic"),
               twice = classifier.probability("idiot idiot", "toxic");
  REQUIRE(twice > once);
  // Halves of one word; those around 2^16 are numbered anew.
  for (int before = 65520; before < 65545; ++before) {
    const std::string text = repeated("garden", before) + "idiot idiot " + repeated("garden", 3);
    const auto fresh = TextClassifier::train(kSmall, {});
    CHECK(fresh.highest_probability(text, "toxic", 2) == Approx(twice).epsilon(1e-12));
    CHECK(fresh.highest_probability(text, "toxic", 2) == Approx(twice).epsilon(1e-12));
    CHECK(fresh.highest_probability("garden idiot garden", "toxic", 2) == Approx(once).epsilon(1e-12));
  }
}

TEST_CASE("words of any length and labels of any number score in windows as each window would by itself") {
  std::mt19937_64 random(7);
  const auto draw = [&](std::uint64_t below) { return random() % below; };
  // Most come again; some letters come twice in a word, so that features of one do.
  std::vector<std::string> stock;
  for (int i = 0; i < 150; ++i) {
    std::string word;
    for (std::uint64_t left = 1 + draw(20); left > 0; --left) word += static_cast<char>('a' + draw(i % 3 == 0 ? 2 : 26));
    stock.push_back(i % 10 == 0 ? word + "\xc3\xa9" : word);
  }
  const auto draw_text = [&](std::size_t words) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) text += stock[draw(stock.size())] + " ";
    return text;
  };
  for (const int labels : {2, 3, 4, 5, 9}) {
    std::vector<LabelledText> rows;
    for (int i = 0; i < 60; ++i) rows.push_back({draw_text(12), "label" + std::to_string(i % labels)});
    ClassifierOptions options;
    options.features.idf = labels == 4;
    const auto classifier = TextClassifier::train(rows, options);
    for (const std::size_t window : {2, 10, 1200}) {
      CAPTURE(labels, window);
      std::vector<std::string> halves;
      for (int i = 0; i < 12; ++i) halves.push_back(draw_text(window / 2));
      double highest = 0;
      std::string all = halves[0];
      for (std::size_t i = 1; i < halves.size(); ++i) {
        all += halves[i];
        highest = std::max(highest, classifier.probability(halves[i - 1] + halves[i], "label1"));
      }
      const double found = classifier.highest_probability(all, "label1", static_cast<std::int64_t>(window));
      CHECK(found == Approx(highest).epsilon(1e-9));
    }
  }
}

TEST_CASE("what stands in front of a token makes no other token of it") {
  const auto classifier = TextClassifier::train(kSmall, {});
  const std::string text =
      "don't you're 'idiot' a'b'c rock'n'roll ''fool'' x_1 \xec\x95\x88\xeb\x85\x95 tr\xc3\xa9"
      "e's \xe2\x80\x99the' !? '";
  const double expected = classifier.probability(text, "toxic");
  for (std::size_t before = 0; before < 200; ++before) {
    CAPTURE(before);
    CHECK(classifier.probability(std::string(before, ' ') + text, "toxic") == expected);
    CHECK(classifier.probability(std::string(before, '\n') + text + std::string(before, '\t'), "toxic") == expected);
  }
  CHECK(classifier.probability("idiot 's", "toxic") != classifier.probability("idiot's", "toxic"));
  CHECK(classifier.probability("idiot'", "toxic") == classifier.probability("idiot '", "toxic"));
}

TEST_CASE("mean, maximum and ratio are three numbers, the ratio counts from the threshold on, P-SAFE-09") {
  const ScoreSummary summary = summarise_scores({0.2, 0.8, 0.5});
  CHECK(summary.mean == Approx(0.5));
  CHECK(summary.max == 0.8);
  CHECK(summary.ratio == Approx(2.0 / 3));
  CHECK_THROWS_AS(summarise_scores({}), DataError);
}

TEST_CASE("case, width, apostrophes and invisible characters make no difference; Korean is split as well") {
  const auto classifier = TextClassifier::train(
      {{"it's bad", "toxic"}, {"all is well", "clean"}, {"바보 같은 놈아", "toxic"}, {"정원이 푸르다", "clean"}}, {});
  const double score = classifier.probability("it's bad", "toxic");
  CHECK(classifier.probability("IT\xE2\x80\x99S BAD", "toxic") == score);
  CHECK(classifier.probability("ｉｔ's ba\xE2\x80\x8B"
                               "d",
                               "toxic") == score);
  CHECK(classifier.probability("이 바보야", "toxic") > 0.5);
  CHECK(classifier.probability("푸르다", "toxic") < 0.5);
  CHECK(classifier.probability("\xff\xfe", "toxic") == Approx(classifier.probability("\xef\xbf\xbd", "toxic")));
}

TEST_CASE("training and file are the same bytes every time, and a loaded classifier gives the same probabilities") {
  const TemporaryFolder folder;
  for (const bool three : {false, true}) {
    auto rows = kSmall;
    if (three) rows.push_back({"maybe so", "unsure"});
    ClassifierOptions options;
    options.features.idf = three;
    const auto classifier = TextClassifier::train(rows, options);
    const std::string bytes = classifier.to_bytes();
    CHECK(TextClassifier::train(rows, options).to_bytes() == bytes);
    const auto loaded = from_bytes(folder, bytes);
    CHECK(loaded.to_bytes() == bytes);
    CHECK(loaded.training_rows() == static_cast<std::int64_t>(rows.size()));
    CHECK(loaded.probabilities("a green idiot, maybe") == classifier.probabilities("a green idiot, maybe"));
  }
}

TEST_CASE("a damaged or cut file is one clear error, whatever was done to it") {
  const TemporaryFolder folder;
  ClassifierOptions options = word_options();
  options.features.bucket_bits = 8;
  const std::string bytes = TextClassifier::train(kSmall, options).to_bytes();
  CHECK_THROWS_WITH(TextClassifier::load(folder.path() / "absent"), ContainsSubstring("absent"));
  CHECK_THROWS_WITH(from_bytes(folder, "{}"), ContainsSubstring("is no classifier"));
  CHECK_THROWS_WITH(from_bytes(folder, ""), ContainsSubstring("is no classifier"));
  for (std::size_t size = 8; size < bytes.size(); size += 7) {
    CAPTURE(size);
    CHECK_THROWS_WITH(from_bytes(folder, bytes.substr(0, size)), ContainsSubstring("cut off"));
  }
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    CAPTURE(at);
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    CHECK_THROWS_AS(from_bytes(folder, damaged), DataError);
  }
  CHECK_THROWS_AS(from_bytes(folder, bytes + "x"), DataError);
  // A header that asks for a terabyte is refused by the file's size, before anything is allocated.
  std::string greedy = bytes;
  const std::uint32_t huge = 0x7fffffff;
  std::memcpy(greedy.data() + 12, &huge, sizeof huge);
  CHECK_THROWS_WITH(from_bytes(folder, greedy), ContainsSubstring("header"));
  std::string newer = bytes;
  newer[8] = 9;
  CHECK_THROWS_WITH(from_bytes(folder, newer), ContainsSubstring("version 9"));
}

TEST_CASE("rows and options that nothing can be learnt from are errors") {
  CHECK_THROWS_WITH(TextClassifier::train({{"a", "x"}, {"b", "x"}}, {}), ContainsSubstring("two labels"));
  CHECK_THROWS_AS(TextClassifier::train({}, {}), DataError);
  CHECK_THROWS_AS(TextClassifier::train({{"a", "x"}, {"b", ""}}, {}), DataError);
  CHECK_THROWS_AS(TextClassifier::train({{"a", "x"}, {"b", "\xff"}}, {}), DataError);
  CHECK_THROWS_AS(TextClassifier::train({{" ", "x"}, {"", "y"}}, {}), DataError);
  ClassifierOptions options;
  options.weights = {{"poison", 2}};
  CHECK_THROWS_WITH(TextClassifier::train(kSmall, options), ContainsSubstring("poison"));
  options = {};
  options.features.bucket_bits = 40;
  CHECK_THROWS_WITH(TextClassifier::train(kSmall, options), ContainsSubstring("bucket_bits = 40"));
  options = word_options();
  options.features.word_ngrams = 0;
  CHECK_THROWS_AS(TextClassifier::train(kSmall, options), ConfigError);
  options = {};
  options.strength = 0;
  CHECK_THROWS_AS(TextClassifier::train(kSmall, options), ConfigError);
}

TEST_CASE("a weight counts like as many rows") {
  ClassifierOptions options = word_options();
  options.tolerance = 1e-9;
  auto twice = kSmall, weighted = kSmall;
  for (const auto& row : kSmall) {
    if (row.label == "toxic") twice.push_back(row);
  }
  options.strength = 5;
  const double expected = TextClassifier::train(twice, options).probability("an idiot in the garden", "toxic");
  options.weights = {{"toxic", 2}};
  CHECK(TextClassifier::train(kSmall, options).probability("an idiot in the garden", "toxic") ==
        Approx(expected).margin(1e-6));
  for (auto& row : weighted) row.weight = row.label == "toxic" ? 2 : 1;
  options.weights = {};
  CHECK(TextClassifier::train(weighted, options).probability("an idiot in the garden", "toxic") ==
        Approx(expected).margin(1e-6));
}

TEST_CASE("cross-validation holds groups out whole, and no held-out row is known to its model") {
  std::vector<LabelledText> rows;
  for (int group = 0; group < 12; ++group) {
    // The word of a group gives its label away, but only to a model that has seen the group.
    for (int i = 0; i < 3; ++i) {
      rows.push_back({"word" + std::to_string(group), group % 2 == 0 ? "even" : "odd", "g" + std::to_string(group)});
    }
  }
  const auto result = cross_validate(rows, word_options(), 4, 1);
  std::vector<int> size(4);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    ++size[static_cast<std::size_t>(result.fold[i])];
    CHECK(result.fold[i] == result.fold[i / 3 * 3]);
    // Nothing is known of the word, so that all rows of a fold get the same bare prior.
    CHECK(result.probabilities[i] == result.probabilities[i / 3 * 3]);
    CHECK(std::fabs(result.probabilities[i][0] - 0.5) < 0.35);
  }
  CHECK(size == std::vector<int>(4, 9));
  CHECK(cross_validate(rows, word_options(), 4, 1).fold == result.fold);
  CHECK(cross_validate(rows, word_options(), 4, 2).fold != result.fold);
  CHECK_THROWS_WITH(cross_validate(rows, word_options(), 13, 1), ContainsSubstring("number of groups, 12"));
  CHECK_THROWS_AS(cross_validate(rows, word_options(), 1, 1), DataError);
  rows.push_back({"alone", "rare", "g99"});
  CHECK_THROWS_WITH(cross_validate(rows, word_options(), 4, 1), ContainsSubstring("'rare'"));
}

TEST_CASE("a report gives scikit-learn's precision, recall, F1 and AUC, and the gain over the majority") {
  const json expected = reference().at("report");
  const auto labels = expected.at("labels").get<std::vector<std::string>>();
  const auto truth = expected.at("truth").get<std::vector<std::string>>();
  const auto report = report_on(labels, truth, expected.at("probabilities").get<std::vector<std::vector<double>>>());
  CHECK(report.rows == 60);
  CHECK(report.accuracy.value == Approx(expected.at("accuracy").get<double>()));
  CHECK(report.majority == expected.at("majority").get<std::string>());
  CHECK(report.over_majority.value == Approx(expected.at("gain")[0].get<double>()));
  CHECK(report.over_majority.low == Approx(expected.at("gain")[1].get<double>()));
  CHECK(report.over_majority.high == Approx(expected.at("gain")[2].get<double>()));
  for (std::size_t k = 0; k < labels.size(); ++k) {
    CHECK(report.each[k].rows == expected.at("rows")[k].get<std::int64_t>());
    CHECK(report.each[k].precision == Approx(expected.at("precision")[k].get<double>()));
    CHECK(report.each[k].recall == Approx(expected.at("recall")[k].get<double>()));
    CHECK(report.each[k].f1 == Approx(expected.at("f1")[k].get<double>()));
    CHECK(report.each[k].auc == Approx(expected.at("auc")[k].get<double>()));
  }
  CHECK_THROWS_WITH(report_on(labels, {"d"}, {{1, 0, 0}}), ContainsSubstring("'d'") && ContainsSubstring("'a', 'b', 'c'"));
}
