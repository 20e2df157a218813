// One document through the filters of one pass: verdicts and edits applied, the ledger's entry written, totals counted.
// Called from several threads by pipeline.h; no state of its own.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/clean/spool.h"
#include "host/clean/summary.h"
#include "temper/filter.h"

namespace temper::clean {

/// A filter of a cleaning by its name there.
struct Step {
  std::string name, plugin;
  std::unique_ptr<Filter> filter;
  DocumentFilter* document() const { return dynamic_cast<DocumentFilter*>(filter.get()); }
  CorpusFilter* corpus() const { return dynamic_cast<CorpusFilter*>(filter.get()); }
};

/// The steps of one pass: verdicts of a filter that has seen the corpus, filters that need no corpus, and what the next one
/// has to remember of each document.
struct Pass {
  std::optional<std::size_t> decided;
  std::vector<std::size_t> single;
  std::optional<std::size_t> digested;
};
/// Steps cut into passes; there is always one.
std::vector<Pass> passes_of(const std::vector<Step>& steps);

struct WorkContext {
  const std::vector<Step>& steps;
  const Pass& pass;
  const SpoolTexts* texts = nullptr;  ///< ids by number, for the verdicts of the decided filter
  std::size_t most_spans = 1000;      ///< in a ledger's entry; the rest is counted
};

/// `number` is the document's own among those that the decided filter has seen. `totals` has one entry a step, and `digest`
/// gets what the digested filter remembers.
void work_on(Passage& passage, std::uint64_t number, const WorkContext& context, std::vector<FilterTotals>& totals,
             std::string& digest);

/// A line of the ledger. `excerpt` adds the first characters of a document that was dropped, personal data masked.
std::string ledger_line(const Passage& passage);

/// Nothing but white space and control characters.
bool is_blank(std::string_view text);

/// Name of the rule that drops blank documents; it comes before all filters and after each.
inline constexpr const char* kBlankRule = "blank";

}  // namespace temper::clean
