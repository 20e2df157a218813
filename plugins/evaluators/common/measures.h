// Metrics that come with the scores they are made of, so that `temper compare` can pair two stages item by item
// (evaluator.h says how metric and score names belong together). Where items share a source (ExampleRow::cluster), intervals
// are those of a bootstrap over sources.
#pragma once

#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::evaluators {

/// Yes or no of each item, or "not about this item". Whether an item counts must not depend on the answer, so that all
/// stages have the same columns.
class Verdicts {
 public:
  void add(bool yes) { entries_.push_back(yes ? kYes : kNo); }
  void skip() { entries_.push_back(kSkipped); }

 private:
  enum Entry { kNo, kYes, kSkipped };
  std::vector<Entry> entries_;
  friend void add_share(EvalResult&, const MetricSpec&, const Verdicts&);
};

/// A verdict for items that it is about, and a gap for all others.
void add_if(Verdicts& verdicts, bool about, bool yes);

/// The share of yes among the items that count (Wilson interval), with one score column where all count and a pair
/// NAME.num, NAME.den where some do not. Nothing if none count. The result's examples must be complete.
void add_share(EvalResult& result, const MetricSpec& spec, const Verdicts& verdicts);

/// The mean of one value an item, with its column.
void add_mean(EvalResult& result, const MetricSpec& spec, const std::vector<double>& values);

/// What every evaluator that lets a model answer says of the answers: answered_by_itself and response_tokens.
void add_answer_facts(EvalResult& result, const std::vector<Completion>& answers);

}  // namespace temper::evaluators
