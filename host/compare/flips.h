// Which items changed between two columns: gained (wrong before, right now), lost, and stable, with what was asked and what
// both answered. For metrics that are yes or no for each item; others have no flips.
#pragma once

#include <string>
#include <vector>

#include "host/compare/collect.h"

namespace temper {

/// What one item was asked and answered, in the first run of a column.
struct ItemText {
  std::string item_id, prompt, response, reference;
};

struct Flip {
  std::size_t item = 0;  ///< its place in the evaluator's ItemSet
  ItemText before, after;
};

/// One metric between the baseline and one column.
struct FlipTable {
  std::string evaluator, metric, baseline, column;
  Better better = Better::kHigher;
  std::int64_t stable_yes = 0, stable_no = 0;  ///< items whose value is 1, or 0, on both sides
  std::int64_t gained = 0, lost = 0;           ///< items that went to the better, or to the worse
  std::vector<Flip> shown_gained, shown_lost;  ///< at most CompareOptions::max_flips of each, in item order
};

/// Reads the texts of flips from the records, each column's once as far as memory allows.
class FlipTexts {
 public:
  explicit FlipTexts(const Collected& collected) : collected_(collected) {}
  /// Into the shown flips of a table. Throws DataError where a record cannot be read any more.
  void fill(FlipTable& table);

 private:
  const std::vector<ItemText>& of(const std::string& evaluator, const std::string& column);
  const Collected& collected_;
  std::map<std::pair<std::string, std::string>, std::vector<ItemText>> known_;  ///< by evaluator and column
};

/// The shown flips have their items' ids only; FlipTexts gives the rest. Throws DataError if no metric that the options ask
/// for is yes or no for each item.
std::vector<FlipTable> find_flips(const Collected& collected, const CompareOptions& options);

/// table, md or json. Throws ConfigError for another format.
std::string format_flips(const std::vector<FlipTable>& tables, const std::string& format);

}  // namespace temper
