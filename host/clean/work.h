// One document through the filters of one pass: verdicts and edits applied, the ledger's entry written, totals counted.
// Called from several threads by pipeline.h; no state of its own.
#pragma once

#include <cstdint>
#include <memory>
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

/// The steps of one pass: verdicts of filters that have seen the corpus, filters that need no corpus, and those that have to
/// remember something of each document for the next pass.
struct Pass {
  std::vector<std::size_t> decided, single, digested;
};
/// Steps cut into passes; there is always one. Filters that compare stand in one pass if those before them do not edit.
std::vector<Pass> passes_of(const std::vector<Step>& steps);

/// A filter that has decided: which documents it has seen, by their numbers in the spool and in its own count.
struct Decided {
  static constexpr std::uint32_t kUnseen = ~std::uint32_t{0};
  std::size_t step = 0;
  std::vector<std::uint32_t> rank;     ///< of a document of the spool in the filter's count; empty: the same
  std::vector<std::uint32_t> numbers;  ///< the other way round
  std::uint64_t own(std::uint64_t number) const { return rank.empty() ? number : rank[number]; }
  std::uint64_t in_spool(std::uint64_t own) const { return rank.empty() ? own : numbers[own]; }
};

struct WorkContext {
  const std::vector<Step>& steps;
  const Pass& pass;
  const std::vector<Decided>& decided;  ///< one each of pass.decided
  const SpoolTexts* texts = nullptr;    ///< ids by number, for the verdicts of the decided filters
  std::size_t most_spans = 1000;        ///< in a ledger's entry; the rest is counted
};

/// `number` is the document's own among those of the spool that are not dropped. `totals` has one entry a step, and `digest`
/// gets what the digested filters remember, for digests_of().
void work_on(Passage& passage, std::uint64_t number, const WorkContext& context, std::vector<FilterTotals>& totals,
             std::string& digest);
/// One of each digested filter. Throws DataError for bytes that are none.
std::vector<std::string_view> digests_of(std::string_view bytes, std::size_t count);

/// A line of the ledger. `excerpt` adds the first characters of a document that was dropped, personal data masked.
std::string ledger_line(const Passage& passage);

/// Nothing but white space and control characters.
bool is_blank(std::string_view text);

/// Name of the rule that drops blank documents; it comes before all filters and after each.
inline constexpr const char* kBlankRule = "blank";

}  // namespace temper::clean
