// `temper classifier train`, `test` and `apply`: text classifiers from a user's labelled texts, for refusal, toxicity and
// whatever else has labels. The classifier itself is the SDK's (temper/text_classifier.h).
#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/cli/commands.h"
#include "host/cli/labelled_rows.h"
#include "host/cli/options.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/params.h"
#include "temper/text_classifier.h"

namespace temper {
namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
namespace {

std::string line_of(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// "key=value" of a repeated option.
std::map<std::string, std::string> pairs_of(const ParsedOptions& options, const std::string& name) {
  std::map<std::string, std::string> pairs;
  for (const auto& text : options.list(name)) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw ConfigError("--" + name + " " + text + ": must be VALUE=LABEL, e.g. --" + name + " 1=toxic");
    }
    if (!pairs.emplace(text.substr(0, equals), text.substr(equals + 1)).second) {
      throw ConfigError("--" + name + " says two things of '" + text.substr(0, equals) + "'; say one");
    }
  }
  return pairs;
}

void add_data_options(po::options_description& own) {
  own.add_options()("data", po::value<std::vector<std::string>>()->multitoken()->composing(),
                    "file with labelled texts (.jsonl, .csv, .tsv, also .gz); several may follow")(
      "text", po::value<std::string>()->default_value("text"), "field with the text")(
      "label", po::value<std::string>()->default_value("label"), "field with the label")(
      "map", po::value<std::vector<std::string>>()->composing(),
      "VALUE=LABEL renames a value of the label field, VALUE= leaves its rows out; if given, every value needs one")(
      "group", po::value<std::string>(), "field whose equal values are held out together in cross-validation");
}

std::vector<LabelledText> labelled_texts(const ParsedOptions& options) {
  if (!options.has("data")) throw ConfigError("--data is missing; give a file with labelled texts");
  const auto map = pairs_of(options, "map");
  const auto text = options.get<std::string>("text"), label = options.get<std::string>("label");
  std::vector<LabelledText> rows;
  for (const auto& path : options.list("data")) {
    read_rows(path, [&](const auto& row, const std::string& place) {
      LabelledText labelled{field_of(row, text, place), field_of(row, label, place)};
      if (!map.empty()) {
        const auto named = map.find(labelled.label);
        if (named == map.end()) {
          throw DataError(place + ": label '" + labelled.label + "' has no --map; add --map '" + labelled.label +
                          "=LABEL', or --map '" + labelled.label + "=' to leave such rows out");
        }
        if (named->second.empty()) return;
        labelled.label = named->second;
      }
      if (options.has("group")) labelled.group = field_of(row, options.get<std::string>("group"), place);
      rows.push_back(std::move(labelled));
    });
  }
  if (rows.empty()) throw DataError("the data files hold no row with a label");
  return rows;
}

Json json_of(const Estimate& estimate) {
  return {{"value", estimate.value}, {"ci_low", estimate.low}, {"ci_high", estimate.high}};
}

Json json_of(const ClassifierReport& report) {
  Json labels = Json::array();
  for (const auto& one : report.each) {
    labels.push_back({{"label", one.label},
                      {"rows", one.rows},
                      {"precision", one.precision},
                      {"recall", one.recall},
                      {"f1", one.f1},
                      {"auc", std::isnan(one.auc) ? Json(nullptr) : Json(one.auc)}});
  }
  return {{"rows", report.rows},
          {"accuracy", json_of(report.accuracy)},
          {"majority_label", report.majority},
          {"majority_accuracy", report.majority_accuracy},
          {"over_majority", json_of(report.over_majority)},
          {"labels", labels}};
}

void print(const std::string& title, const ClassifierReport& report) {
  std::printf("%s, %lld rows\n", title.c_str(), static_cast<long long>(report.rows));
  std::printf("  accuracy           %.4f [%.4f, %.4f]\n", report.accuracy.value, report.accuracy.low, report.accuracy.high);
  std::printf("  always '%s'  %.4f\n", report.majority.c_str(), report.majority_accuracy);
  std::printf("  better by          %+.4f [%+.4f, %+.4f] (paired)\n", report.over_majority.value, report.over_majority.low,
              report.over_majority.high);
  std::printf("  %-20s %8s %10s %8s %8s %8s\n", "label", "rows", "precision", "recall", "F1", "AUC");
  for (const auto& one : report.each) {
    std::printf("  %-20s %8lld %10.4f %8.4f %8.4f %8.4f\n", one.label.c_str(), static_cast<long long>(one.rows),
                one.precision, one.recall, one.f1, one.auc);
  }
}

std::vector<std::string> labels_of(const std::vector<LabelledText>& rows) {
  std::vector<std::string> labels;
  for (const auto& row : rows) labels.push_back(row.label);
  return labels;
}

ClassifierOptions classifier_options(const ParsedOptions& options) {
  ClassifierOptions wanted;
  wanted.features.bucket_bits = options.get<std::int64_t>("bucket-bits");
  wanted.features.word_ngrams = options.get<std::int64_t>("words");
  wanted.features.char_min = options.get<std::int64_t>("char-min");
  wanted.features.char_max = options.get<std::int64_t>("char-max");
  wanted.features.leading_words = options.get<std::int64_t>("leading");
  wanted.features.idf = options.has("idf");
  wanted.strength = options.get<double>("strength");
  wanted.balanced = options.has("balanced");
  for (const auto& [label, weight] : pairs_of(options, "weight")) {
    std::size_t used = 0;
    try {
      wanted.weights[label] = std::stod(weight, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != weight.size()) throw ConfigError("--weight " + label + "=" + weight + ": must be a number");
  }
  return wanted;
}

int train(const std::vector<std::string>& args) {
  const ClassifierOptions defaults;
  const TextFeatures& features = defaults.features;
  po::options_description own;
  add_data_options(own);
  own.add_options()("out,o", po::value<std::string>(), "file for the classifier")(
      "folds", po::value<std::int64_t>()->default_value(0), "test by cross-validation in this many parts; 0 is not at all")(
      "seed", po::value<std::uint64_t>()->default_value(1), "deals the rows to the folds")(
      "words", po::value<std::int64_t>()->default_value(features.word_ngrams), "longest run of words, 0 to 5")(
      "char-min", po::value<std::int64_t>()->default_value(features.char_min), "shortest run of characters inside a word")(
      "char-max", po::value<std::int64_t>()->default_value(features.char_max), "longest run of characters; 0 is none")(
      "leading", po::value<std::int64_t>()->default_value(features.leading_words),
      "count this many first words once more by themselves, e.g. 25 for refusals")("idf", "weigh rare words more")(
      "bucket-bits", po::value<std::int64_t>()->default_value(features.bucket_bits), "2^this hash buckets, 8 to 24")(
      "strength", po::value<double>()->default_value(defaults.strength), "how much fit counts against small weights (C)")(
      "balanced", "every label counts as much as the others, however few rows it has")(
      "weight", po::value<std::vector<std::string>>()->composing(), "LABEL=WEIGHT; may be repeated")(
      "format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(args,
                                     {"temper classifier train --data FILE... -o OUT.classifier [options]",
                                      "Learns to tell labels apart (logistic regression over hashed n-grams) and writes one "
                                      "file. The same data and options give the same bytes."},
                                     own, 0, 0);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  if (!options.has("out")) throw ConfigError("--out is missing; give a file for the classifier");
  const auto rows = labelled_texts(options);
  const ClassifierOptions wanted = classifier_options(options);
  Json result = {{"rows", rows.size()}};
  if (const auto folds = options.get<std::int64_t>("folds"); folds != 0) {
    const auto tested = cross_validate(rows, wanted, folds, options.get<std::uint64_t>("seed"));
    const auto report = report_on(tested.labels, labels_of(rows), tested.probabilities);
    result["cross_validation"] = json_of(report);
    if (!json) print("cross-validation, " + std::to_string(folds) + " folds", report);
  }
  const auto classifier = TextClassifier::train(rows, wanted);
  const std::string path = options.get<std::string>("out"), bytes = classifier.to_bytes();
  write_file_atomically(path, bytes);
  if (!classifier.converged()) {
    std::fprintf(stderr, "temper: note: training stopped before it converged; a smaller --strength helps\n");
  }
  result["labels"] = classifier.labels();
  result["converged"] = classifier.converged();
  result["bytes"] = bytes.size();
  result["path"] = path;
  if (json) {
    std::printf("%s\n", line_of(result).c_str());
    return 0;
  }
  std::string labels;
  for (const auto& label : classifier.labels()) labels += (labels.empty() ? "" : ", ") + label;
  std::printf("%s: %zu rows, labels %s, %zu bytes\n", path.c_str(), rows.size(), labels.c_str(), bytes.size());
  return 0;
}

int test(const std::vector<std::string>& args) {
  po::options_description own;
  add_data_options(own);
  own.add_options()("format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options =
      parse_options(args,
                    {"temper classifier test FILE.classifier --data FILE... [options]",
                     "Compares a classifier with labels: accuracy with Wilson's interval, what the commonest "
                     "label alone would give and the paired difference to it, and figures for each label."},
                    own, 1, 1);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  const auto classifier = TextClassifier::load(options.positional[0]);
  const auto rows = labelled_texts(options);
  std::vector<std::vector<double>> probabilities;
  for (const auto& row : rows) probabilities.push_back(classifier.probabilities(row.text));
  const auto report = report_on(classifier.labels(), labels_of(rows), probabilities);
  if (json) {
    std::printf("%s\n", line_of(json_of(report)).c_str());
  } else {
    print(options.positional[0], report);
  }
  return 0;
}

int apply(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("data", po::value<std::vector<std::string>>()->multitoken()->composing(),
                    "file with texts (.jsonl, .csv, .tsv, also .gz); several may follow")(
      "text", po::value<std::string>()->default_value("text"), "field with the text")(
      "highest", po::value<std::string>(),
      "only this label's probability, the highest over overlapping windows, for long texts")(
      "window", po::value<std::int64_t>()->default_value(40), "tokens a window of --highest")(
      "out", po::value<std::string>(), "JSONL file for the results; standard output by default");
  const auto options = parse_options(args,
                                     {"temper classifier apply FILE.classifier --data FILE... [options]",
                                      "Labels texts. One JSON line for every row, in the same order, with the row's id, the "
                                      "label and each label's probability."},
                                     own, 1, 1);
  if (options.help_shown) return 0;
  if (!options.has("data")) throw ConfigError("--data is missing; give a file with texts");
  const auto classifier = TextClassifier::load(options.positional[0]);
  const auto text = options.get<std::string>("text");
  std::string lines;
  for (const auto& path : options.list("data")) {
    read_rows(path, [&](const auto& row, const std::string& place) {
      const std::string& content = field_of(row, text, place);
      Json line = Json::object();
      if (const auto id = row.find("id"); id != row.end()) line["id"] = id->second;
      if (options.has("highest")) {
        const auto label = options.get<std::string>("highest");
        line[label] = classifier.highest_probability(content, label, options.get<std::int64_t>("window"));
      } else {
        const auto probabilities = classifier.probabilities(content);
        const auto best = std::max_element(probabilities.begin(), probabilities.end()) - probabilities.begin();
        line["label"] = classifier.labels()[static_cast<std::size_t>(best)];
        for (std::size_t k = 0; k < probabilities.size(); ++k) {
          line["probabilities"][classifier.labels()[k]] = probabilities[k];
        }
      }
      lines += line_of(line) + "\n";
    });
  }
  if (lines.empty()) throw DataError("the data files hold no row");
  if (options.has("out")) {
    write_file_atomically(options.get<std::string>("out"), lines);
  } else {
    std::cout << lines;
  }
  return 0;
}

}  // namespace

int classifier_command(const std::vector<std::string>& args) {
  const std::string usage =
      "usage: temper classifier train|test|apply [options]\n\n"
      "  train   learn from labelled texts and write a classifier\n"
      "  test    compare a classifier with labels\n"
      "  apply   label texts\n\n`temper classifier train --help` tells more.\n";
  if (!args.empty() && (args[0] == "--help" || args[0] == "-h")) {
    std::printf("%s", usage.c_str());
    return 0;
  }
  const std::vector<std::string> rest(args.empty() ? args.end() : args.begin() + 1, args.end());
  if (!args.empty() && args[0] == "train") return train(rest);
  if (!args.empty() && args[0] == "test") return test(rest);
  if (!args.empty() && args[0] == "apply") return apply(rest);
  if (args.empty()) throw ConfigError("say what to do: temper classifier train, test or apply");
  const auto suggestion = nearest_name(args[0], {"train", "test", "apply"});
  throw ConfigError("unknown action '" + args[0] + "'" + (suggestion ? "; did you mean '" + *suggestion + "'?" : "") +
                    " (temper classifier train, test or apply)");
}

}  // namespace temper
