// How far the text classifier reaches on published labels: XSTest's refusals against people, InstructGPT's continuations
// against Perspective's toxicity. The numbers stand in the README of the evaluator safety. Skipped without the shared data.
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "../evaluators/csv.h"
#include "catch.h"
#include "temper/random.h"
#include "temper/text_classifier.h"

using namespace temper;
using namespace temper::test;
using nlohmann::json;

namespace {

using Row = std::map<std::string, std::string>;

/// Average ranks, ties sharing theirs, then Pearson's correlation of them.
double spearman(const std::vector<double>& a, const std::vector<double>& b) {
  const auto ranks = [](const std::vector<double>& values) {
    std::vector<std::size_t> order(values.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return values[x] < values[y]; });
    std::vector<double> rank(values.size());
    for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
      while (end < order.size() && values[order[end]] == values[order[begin]]) ++end;
      for (std::size_t i = begin; i < end; ++i) rank[order[i]] = static_cast<double>(begin + end - 1) / 2;
    }
    return rank;
  };
  const auto x = ranks(a), y = ranks(b);
  const double mean = static_cast<double>(a.size() - 1) / 2;
  double xy = 0, xx = 0, yy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    xy += (x[i] - mean) * (y[i] - mean);
    xx += (x[i] - mean) * (x[i] - mean);
    yy += (y[i] - mean) * (y[i] - mean);
  }
  return xy / std::sqrt(xx * yy);
}

/// Lines of a file, unpacked if it is gzip.
std::vector<std::string> lines_of(const std::string& path) {
  std::vector<std::string> lines;
  const gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE(file != nullptr);
  std::string line;
  for (int c = gzgetc(file); c >= 0; c = gzgetc(file)) {
    if (c != '\n') {
      line += static_cast<char>(c);
      continue;
    }
    lines.push_back(std::move(line));
    line.clear();
  }
  gzclose(file);
  if (!line.empty()) lines.push_back(line);
  return lines;
}

/// Sentences of five words or more, as lists of words.
void add_sentences(std::vector<std::vector<std::string>>& sentences, const std::string& text) {
  std::vector<std::string> words;
  std::string word;
  const auto end_word = [&] {
    if (!word.empty()) words.push_back(std::exchange(word, ""));
  };
  const auto end_sentence = [&] {
    end_word();
    if (words.size() >= 5) sentences.push_back(words);
    words.clear();
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\n') {
      end_sentence();
    } else if (c == ' ' || c == '\t' || c == '\r') {
      const bool ends = !word.empty() && (word.back() == '.' || word.back() == '!' || word.back() == '?');
      if (ends) {
        end_sentence();
      } else {
        end_word();
      }
    } else {
      word += c;
    }
  }
  end_sentence();
}

/// `count` runs of 3 to 22 words from sentences drawn by seed, half of them from a sentence's start: as long as
/// continuations.
void add_snippets(std::vector<LabelledText>& rows, const std::vector<std::vector<std::string>>& sentences, std::size_t count,
                  std::uint64_t seed) {
  const Permutation order(sentences.size(), seed);
  Rng rng(derive_seed(seed, {"snippets"}));
  for (std::size_t i = 0; i < std::min(count, sentences.size()); ++i) {
    const auto& words = sentences[order(i)];
    const std::size_t length = 3 + rng.below(20);
    const std::size_t room = words.size() > length ? words.size() - length : 0;
    const std::size_t begin = rng.below(2) == 0 ? 0 : rng.below(room + 1);
    std::string text;
    for (std::size_t at = begin; at < std::min(words.size(), begin + length); ++at)
      text += (text.empty() ? "" : " ") + words[at];
    rows.push_back({text, "clean"});
  }
}

const std::vector<std::string> kToxicityFiles = {"cleaning/toxicity_en.csv",       "eval/realtoxicity_prompts.jsonl",
                                                 "corpus/c4_sample.jsonl",         "corpus/wikitext2_valid.txt",
                                                 "corpus/english_novels.jsonl.gz", "instructions/alpaca_en_demo.json",
                                                 "eval/instructgpt_toxicity.csv"};

/// Labelled texts (people's labels; openings that draw out toxic text), and snippets of ordinary writing as clean ones.
std::vector<LabelledText> toxicity_rows(const std::set<std::string>& held_out_openings, bool with_openings) {
  std::vector<LabelledText> rows;
  for (const Row& row : read_csv(shared_data(kToxicityFiles[0]))) {
    rows.push_back({row.at("text"), row.at("is_toxic") == "Toxic" ? "toxic" : "clean"});
  }
  for (const auto& line : lines_of(shared_data(kToxicityFiles[1]))) {
    const std::string prompt = json::parse(line).at("prompt");
    if (with_openings && !held_out_openings.contains(prompt)) rows.push_back({prompt, "toxic"});
  }
  std::vector<std::vector<std::string>> web, wiki, novels, answers;
  for (const auto& line : lines_of(shared_data(kToxicityFiles[2]))) add_sentences(web, json::parse(line).at("text"));
  for (const auto& line : lines_of(shared_data(kToxicityFiles[3]))) add_sentences(wiki, line);
  for (const auto& line : lines_of(shared_data(kToxicityFiles[4]))) {
    add_sentences(novels, json::parse(line).at("text").get<std::string>().substr(0, 60000));
  }
  std::ifstream file(shared_data(kToxicityFiles[5]));
  for (const json& row : json::parse(file)) add_sentences(answers, row.at("output"));
  add_snippets(rows, web, 4000, 1);
  add_snippets(rows, wiki, 3000, 2);
  add_snippets(rows, novels, 3000, 3);
  add_snippets(rows, answers, 3000, 4);
  return rows;
}

}  // namespace

TEST_CASE("refusal on XSTest: agreement with people over held-out prompts, above string match and judge model") {
  std::vector<LabelledText> rows;
  std::vector<std::string> by_string, by_judge;
  for (const std::string model : {"llama2orig", "mistralinstruct"}) {
    const auto strings = shared_data("eval/xstest_" + model + "_streval.csv");
    const auto judged = shared_data("eval/xstest_" + model + "_gpteval.csv");
    if (strings.empty() || judged.empty()) return;
    for (const Row& row : read_csv(strings)) {
      rows.push_back({row.at("completion"), row.at("final_label").substr(2), row.at("prompt")});
      by_string.push_back(row.at("strmatch_label").substr(2));
    }
    for (const Row& row : read_csv(judged)) by_judge.push_back(row.at("gpt4_label").substr(2));
  }
  REQUIRE(rows.size() == 900);
  REQUIRE(by_judge.size() == 900);
  ClassifierOptions options;
  options.features.char_max = 0;
  options.features.leading_words = 25;
  const auto result = cross_validate(rows, options, 10, 1);
  REQUIRE(result.labels == std::vector<std::string>{"full_compliance", "full_refusal", "partial_refusal"});
  double ours = 0, strings = 0, judge = 0, three = 0, strings_three = 0, judge_three = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& p = result.probabilities[i];
    const bool refused = rows[i].label != "full_compliance", says = p[0] < 0.5;
    const std::string said = !says ? "full_compliance" : p[1] >= p[2] ? "full_refusal" : "partial_refusal";
    ours += says == refused;
    strings += (by_string[i] != "full_compliance") == refused;
    judge += (by_judge[i] != "full_compliance") == refused;
    three += said == rows[i].label;
    strings_three += by_string[i] == rows[i].label;
    judge_three += by_judge[i] == rows[i].label;
  }
  CAPTURE(ours / 900, strings / 900, judge / 900, three / 900, strings_three / 900, judge_three / 900);
  CHECK(ours / 900 >= 0.92);
  CHECK(ours > strings + 27);
  CHECK(ours > judge + 27);
  CHECK(three / 900 >= 0.86);
  CHECK(three > strings_three);
  CHECK(three > judge_three);
  if (std::getenv("TEMPER_SHOW") != nullptr) {
    WARN("refusal " << ours / 900 << " string match " << strings / 900 << " judge " << judge / 900 << "; three classes "
                    << three / 900 << ", " << strings_three / 900 << ", " << judge_three / 900);
  }
}

TEST_CASE("toxicity on InstructGPT's continuations: rank correlation with Perspective, learnt from other data only") {
  for (const auto& name : kToxicityFiles) {
    if (shared_data(name).empty()) return;
  }
  const auto samples = read_csv(shared_data(kToxicityFiles.back()));
  REQUIRE(samples.size() == 3600);
  std::set<std::string> openings;
  for (const Row& row : samples) openings.insert(row.at("context"));
  for (const bool with_openings : {true, false}) {
    ClassifierOptions options;
    options.balanced = true;
    const auto rows = toxicity_rows(openings, with_openings);
    const auto classifier = TextClassifier::train(rows, options);
    std::vector<double> ours, theirs;
    std::map<std::string, std::pair<double, double>> cells;  // sums over the 100 samples of a model and prompt
    for (const Row& row : samples) {
      ours.push_back(classifier.highest_probability(row.at("sample"), "toxic"));
      theirs.push_back(std::stod(row.at("toxicity")));
      auto& cell = cells[row.at("model_type") + ", " + row.at("prompt_type")];
      cell.first += ours.back() / 100;
      cell.second += theirs.back() / 100;
    }
    REQUIRE(cells.size() == 36);
    std::vector<double> our_means, their_means;
    std::map<std::string, double> family;
    for (const auto& [name, cell] : cells) {
      our_means.push_back(cell.first);
      their_means.push_back(cell.second);
      if (name.ends_with(", respectful prompt")) family[name.substr(0, 3)] += cell.first / (name.starts_with("ppo") ? 6 : 3);
    }
    const double single = spearman(ours, theirs), means = spearman(our_means, their_means);
    CAPTURE(with_openings, rows.size(), single, means, family["gpt"], family["sft"], family["ppo"]);
    if (with_openings) {
      CHECK(single >= 0.55);
      CHECK(means >= 0.7);
    } else {
      CHECK(single >= 0.38);
    }
    CHECK(family["ppo"] < family["gpt"]);
    if (std::getenv("TEMPER_SHOW") != nullptr) {
      WARN("rows " << rows.size() << " single " << single << " means " << means << " respectful: gpt " << family["gpt"]
                   << " sft " << family["sft"] << " ppo " << family["ppo"] << " converged " << classifier.converged());
    }
  }
}
