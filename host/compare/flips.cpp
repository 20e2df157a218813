// Flips between two columns (see flips.h).
#include "host/compare/flips.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "host/compare/compare.h"
#include "host/record/record_reader.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

/// 1 or 0 for every item that counts; an item with denominator 0 is not about this metric.
bool is_yes_or_no(const std::vector<ItemValue>& items) {
  return std::all_of(items.begin(), items.end(), [](const ItemValue& item) {
    return item.denominator == 0 || (item.denominator == 1 && (item.numerator == 0 || item.numerator == 1));
  });
}

FlipTable table_of(const MetricRow& row, const ItemSet& set, const std::string& baseline, const std::string& column,
                   std::size_t most) {
  FlipTable table{row.evaluator, row.spec.name, baseline, column, row.spec.better, 0, 0, 0, 0, {}, {}};
  const auto& before = row.cells.at(baseline).items;
  const auto& after = row.cells.at(column).items;
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (before[i].denominator == 0 || after[i].denominator == 0) continue;
    if (before[i].numerator == after[i].numerator) {
      (after[i].numerator == 1 ? table.stable_yes : table.stable_no) += 1;
      continue;
    }
    const bool rose = after[i].numerator > before[i].numerator;
    const bool is_gain = rose != (row.spec.better == Better::kLower);
    (is_gain ? table.gained : table.lost) += 1;
    auto& shown = is_gain ? table.shown_gained : table.shown_lost;
    const ItemText id{set.keys[i].first, "", "", ""};
    if (shown.size() < most) shown.push_back({i, id, id});
  }
  return table;
}

std::string indented(const std::string& text, const std::string& indent) {
  std::string result;
  for (const char c : text) {
    result += c;
    if (c == '\n') result += indent;
  }
  return result;
}

void add_texts(std::string& text, const std::string& what, const std::vector<Flip>& flips, std::int64_t all,
               const FlipTable& table) {
  if (flips.empty()) return;
  text += "  " + what + " (" + std::to_string(flips.size()) + " of " + std::to_string(all) + ")\n";
  for (const auto& flip : flips) {
    text +=
        "    item " + flip.before.item_id + "\n      prompt:    " + indented(flip.before.prompt, "                 ") + "\n";
    if (!flip.before.reference.empty()) {
      text += "      reference: " + indented(flip.before.reference, "                 ") + "\n";
    }
    text += "      " + table.baseline + ": " + indented(flip.before.response, "        ") + "\n      " + table.column +
            ": " + indented(flip.after.response, "        ") + "\n";
  }
}

std::string as_text(const std::vector<FlipTable>& tables) {
  std::string text;
  for (const auto& table : tables) {
    text += (text.empty() ? "" : "\n") + table.evaluator + " " + table.metric + ": " + table.baseline + " -> " +
            table.column + "\n  gained " + std::to_string(table.gained) + ", lost " + std::to_string(table.lost) +
            ", stable " + std::to_string(table.stable_yes + table.stable_no) +
            " (1 on both sides: " + std::to_string(table.stable_yes) +
            ", 0 on both sides: " + std::to_string(table.stable_no) + ")\n";
    add_texts(text, "gained", table.shown_gained, table.gained, table);
    add_texts(text, "lost", table.shown_lost, table.lost, table);
  }
  return text;
}

std::string as_markdown(const std::vector<FlipTable>& tables) {
  std::string text =
      "| evaluator | metric | from | to | gained | lost | stable 1 | stable 0 |\n"
      "| --- | --- | --- | --- | ---: | ---: | ---: | ---: |\n";
  for (const auto& t : tables) {
    text += "| " + t.evaluator + " | " + t.metric + " | " + t.baseline + " | " + t.column + " | " +
            std::to_string(t.gained) + " | " + std::to_string(t.lost) + " | " + std::to_string(t.stable_yes) + " | " +
            std::to_string(t.stable_no) + " |\n";
  }
  return text;
}

Json json_of(const std::vector<Flip>& flips) {
  Json rows = Json::array();
  for (const auto& flip : flips) {
    rows.push_back({{"item_id", flip.before.item_id},
                    {"prompt", flip.before.prompt},
                    {"reference", flip.before.reference},
                    {"before", flip.before.response},
                    {"after", flip.after.response}});
  }
  return rows;
}

}  // namespace

const std::vector<ItemText>& FlipTexts::of(const std::string& evaluator, const std::string& column) {
  const auto found = known_.find({evaluator, column});
  if (found != known_.end()) return found->second;
  constexpr std::size_t kMostKnown = 32;
  if (known_.size() >= kMostKnown) known_.clear();
  const ItemSet& set = collected_.items.at(evaluator);
  const TextSource& source = set.sources.at(column);
  const EvalResult result = RecordReader(source.record).eval(source.stage, evaluator);
  std::map<std::pair<std::string, std::string>, const ExampleRow*> rows;
  for (const auto& row : result.examples) rows[{row.item_id, row.prompt_sha}] = &row;
  std::vector<ItemText> texts;
  for (const auto& key : set.keys) {
    const auto row = rows.find(key);
    if (row == rows.end()) {
      throw DataError("record '" + source.record.string() + "' was changed while it was compared; compare again");
    }
    texts.push_back({key.first, row->second->prompt, row->second->response, row->second->reference});
  }
  return known_[{evaluator, column}] = std::move(texts);
}

void FlipTexts::fill(FlipTable& table) {
  if (table.shown_gained.empty() && table.shown_lost.empty()) return;
  for (auto* flips : {&table.shown_gained, &table.shown_lost}) {
    // One column at a time: reading the second may drop what is kept of the first.
    for (auto& flip : *flips) flip.before = of(table.evaluator, table.baseline)[flip.item];
    for (auto& flip : *flips) flip.after = of(table.evaluator, table.column)[flip.item];
  }
}

std::vector<FlipTable> find_flips(const Collected& collected, const CompareOptions& options) {
  if (collected.columns.size() < 2) {
    throw DataError("flips need two columns, and the records give " + std::to_string(collected.columns.size()) +
                    "; name records with two evaluated stages, or use --by run");
  }
  const std::string baseline = options.baseline.empty() ? collected.columns.front() : options.baseline;
  check_column(collected, baseline, "--baseline");
  std::vector<FlipTable> tables;
  for (const auto& row : collected.rows) {
    const auto base = row.cells.find(baseline);
    if (base == row.cells.end() || base->second.items.empty() || !is_yes_or_no(base->second.items)) continue;
    for (const auto& column : collected.columns) {
      const auto other = row.cells.find(column);
      if (column == baseline || other == row.cells.end()) continue;
      if (other->second.items.size() != base->second.items.size() || !is_yes_or_no(other->second.items)) continue;
      tables.push_back(table_of(row, collected.items.at(row.evaluator), baseline, column,
                                static_cast<std::size_t>(std::max<std::int64_t>(0, options.max_flips))));
    }
  }
  if (tables.empty()) {
    throw DataError("no metric " + (options.metric.empty() ? std::string() : "that matches '" + options.metric + "' ") +
                    "is yes or no for each item in both columns, so nothing can flip; `temper compare` without --flips "
                    "shows the metrics there are");
  }
  return tables;
}

std::string format_flips(const std::vector<FlipTable>& tables, const std::string& format) {
  if (format == "table") return as_text(tables);
  if (format == "md") return as_markdown(tables);
  if (format != "json") throw ConfigError("--format " + format + " with --flips: must be one of table, md, json");
  Json all = Json::array();
  for (const auto& t : tables) {
    all.push_back({{"evaluator", t.evaluator},
                   {"metric", t.metric},
                   {"baseline", t.baseline},
                   {"column", t.column},
                   {"gained", t.gained},
                   {"lost", t.lost},
                   {"stable_yes", t.stable_yes},
                   {"stable_no", t.stable_no},
                   {"gained_items", json_of(t.shown_gained)},
                   {"lost_items", json_of(t.shown_lost)}});
  }
  return all.dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace temper
