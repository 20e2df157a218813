// Evaluation files to n-grams, documents against them (see decontaminate.h).
#include "decontaminate.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "file_set.h"
#include "line_reader.h"
#include "shingles.h"
#include "temper/hash.h"
#include "words.h"

namespace temper::filters {
namespace {

using nlohmann::json;

/// The texts of a JSON value, inside lists and objects too; `fields` (if any) chooses among a row's own.
void collect(const json& value, std::vector<std::string>& texts) {
  if (value.is_string()) texts.push_back(value.get<std::string>());
  if (value.is_structured()) {
    for (const auto& part : value) collect(part, texts);
  }
}

bool is_rows(const std::string& name) {
  return name.ends_with(".jsonl") || name.ends_with(".json") || name.ends_with(".ndjson");
}

/// "gsm8k_test" of "eval/gsm8k_test.jsonl.gz".
std::string stem_of(const std::filesystem::path& path) {
  const std::string name = path.filename().string();
  return name.substr(0, name.find('.'));
}

}  // namespace

ParamTable<DecontaminateParams> decontaminate_params() {
  using P = DecontaminateParams;
  ParamTable<P> table;
  table.add("against", &P::against,
            "Evaluation files (.jsonl, .json: all their texts; others: each line), also packed; folders and globs.",
            {.required = true});
  table.add("fields", &P::fields, "Fields of JSON rows that are evaluation texts; empty takes all.");
  table.add("ngram", &P::ngram, "Words in a row that have to be the same.", {.min = 3, .max = 100, .unit = "words"});
  table.add("shortest", &P::shortest,
            "Evaluation texts with fewer words than `ngram` but at least this many are looked for as a whole.",
            {.min = 1, .max = 100, .unit = "words"});
  table.add("min_hits", &P::min_hits, "How many such places a document needs to count.", {.min = 1, .max = 100000});
  table.add("too_common", &P::too_common,
            "An n-gram that stands in more than this many evaluation texts belongs to their layout and is not looked for.",
            {.min = 1, .max = 1e9});
  table.add("action", &P::action, "What happens to a document that counts: dropped, its places taken out, or noted.",
            {.choices = {"drop", "remove", "mark"}});
  return table;
}

Decontaminate::Decontaminate(const DecontaminateParams& params, const Filter::Args& args) : params_(params) {
  const auto files =
      dataset_io::resolve_files(params.against, args.base_dir, {".jsonl", ".json", ".ndjson", ".txt", ".csv"});
  fingerprint_ = dataset_io::fingerprint_files(files, "decontaminate 1");
  for (const auto& file : files) {
    const auto number = static_cast<std::uint32_t>(names_.size());
    names_.push_back(stem_of(file.path));
    dataset_io::LineReader reader(file.path, 64);
    const bool rows = is_rows(dataset_io::unpacked_name(file.path));
    std::string whole;
    const auto add_json = [&](const std::string& text, std::int64_t line) {
      const json row = json::parse(text, nullptr, false);
      if (row.is_discarded()) {
        throw DataError(dataset_io::place(file.path, line) + ": broken JSON; correct the evaluation file");
      }
      std::vector<std::string> texts;
      for (const auto& one : row.is_array() ? row : json::array({row})) {
        if (params.fields.empty() || !one.is_object()) collect(one, texts);
        for (const auto& field : params.fields) {
          if (one.is_object() && one.contains(field)) collect(one[field], texts);
        }
      }
      for (const auto& one : texts) add_text(one, number);
    };
    for (dataset_io::Line line; reader.next(line);) {
      if (!line.problem.empty()) throw DataError(line.problem);
      if (!rows) {
        add_text(line.text, number);
      } else if (!whole.empty() || line.text.starts_with('[')) {
        whole += line.text + "\n";  // one array over many lines
      } else if (line.text.find_first_not_of(" \t") != std::string::npos) {
        add_json(line.text, line.number);
      }
    }
    if (!whole.empty()) add_json(whole, 1);
  }
  for (auto& [length, grams] : grams_) {
    std::erase_if(grams, [&](const auto& gram) { return gram.second >> 24 == 0xFF; });
  }
  if (texts_ == 0) {
    throw DataError("the evaluation files hold no text of at least " + std::to_string(params.shortest) +
                    " words; check against and fields, or lower shortest");
  }
}

void Decontaminate::add_text(const std::string& text, std::uint32_t file) {
  const auto words = units_of(folded(text), Unit::kWord).hashes;
  if (words.size() < static_cast<std::size_t>(params_.shortest)) return;
  ++texts_;
  const std::size_t length = std::min(words.size(), static_cast<std::size_t>(params_.ngram));
  auto grams = shingles(words, length);
  std::sort(grams.begin(), grams.end());
  grams.erase(std::unique(grams.begin(), grams.end()), grams.end());
  for (const auto gram : grams) {
    // The file's number, and above it in how many texts the n-gram stands.
    auto& value = grams_[length].try_emplace(gram, file & 0xFFFFFFU).first->second;
    const std::uint32_t count = (value >> 24) + 1;
    value = (value & 0xFFFFFFU) |
            (count > std::min<std::uint32_t>(static_cast<std::uint32_t>(params_.too_common), 0xFE) ? 0xFFU : count) << 24;
  }
}

FilterResult Decontaminate::judge(const Document& document) const {
  FilterResult result;
  const Units words = words_with_places(document.text);
  if (words.hashes.empty()) return result;
  /// Words first .. last - 1 stand in an evaluation text of that file.
  struct Hit {
    std::size_t first, last;
    std::uint32_t file;
  };
  std::vector<Hit> hits;
  for (const auto& [length, grams] : grams_) {
    if (words.hashes.size() < length) continue;
    const auto runs = shingles(words.hashes, length);
    for (std::size_t i = 0; i < runs.size(); ++i) {
      const auto found = grams.find(runs[i]);
      if (found != grams.end()) hits.push_back({i, i + length, found->second & 0xFFFFFFU});
    }
  }
  std::sort(hits.begin(), hits.end(),
            [](const Hit& a, const Hit& b) { return a.first != b.first ? a.first < b.first : a.last > b.last; });
  std::vector<Hit> places;  // hits that overlap are one place
  for (const Hit& hit : hits) {
    if (!places.empty() && hit.first < places.back().last) {
      places.back().last = std::max(places.back().last, hit.last);
    } else {
      places.push_back(hit);
    }
  }
  std::size_t covered = 0;
  for (const Hit& place : places) covered += place.last - place.first;
  result.score = static_cast<double>(covered) / static_cast<double>(words.hashes.size());
  const bool counts = static_cast<std::int64_t>(places.size()) >= params_.min_hits;
  for (const Hit& place : places) {
    FilterSpan span{words.begins[place.first], words.ends[place.last - 1], names_[place.file]};
    if (counts && params_.action == "remove") span.replacement = "";
    result.spans.push_back(std::move(span));
  }
  if (!counts || params_.action != "drop") return result;
  result.drop = true;
  result.reason = "contaminated";
  return result;
}

}  // namespace temper::filters
