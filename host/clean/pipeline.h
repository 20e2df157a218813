// The filters of a corpus, run: documents stream in, go through the filters on several threads, and come out in their order
// with a ledger that has a line for each. Filters that compare documents (deduplication) part the work into passes, between
// which the documents lie in the work folder; memory stays bounded whatever the corpus. At every mark (a fixed number of
// bytes) all files are synced and the state is written, so that a killed cleaning goes on there and ends in the same bytes.
// Called by `temper data` and by the run's assets.
#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "host/clean/sink.h"
#include "host/clean/summary.h"
#include "host/clean/work.h"
#include "host/util/progress.h"
#include "temper/dataset.h"

namespace temper::clean {

struct Settings {
  std::filesystem::path work;  ///< folder of its own; kept while anything is left to do
  std::string identity;        ///< of inputs, filters and settings; a work folder of another one is refused
  int threads = 1;
  std::uint64_t memory_bytes = std::uint64_t{1} << 30;  ///< for a filter that compares documents
  std::uint64_t mark_bytes = std::uint64_t{64} << 20;   ///< of text between two marks
  std::uint64_t batch_bytes = std::uint64_t{1} << 20;   ///< of text that a thread takes at once
  std::size_t most_spans = 1000;                        ///< of a document and filter in the ledger
};

/// Makes a filter once its scratch folder is known.
struct StepPlan {
  std::string name, plugin;
  std::function<std::unique_ptr<Filter>(const Filter::Args&)> make;
};
using OpenSource = std::function<std::unique_ptr<Stream<Document>>()>;
using OpenSink = std::function<std::unique_ptr<Sink>(const std::string& mark)>;

/// Leaves `work`/ledger.jsonl and what the sink wrote; the caller puts both in their places and removes the folder. Calling
/// it again after it was stopped goes on; calling it again after it ended does nothing but give the summary.
/// Throws Cancelled at a batch's end once `cancel` is true (everything up to the last mark is kept), DataError, ConfigError.
Summary run_filters(const OpenSource& source, const std::vector<StepPlan>& plans, const OpenSink& sink,
                    const Settings& settings, TerminalProgress* progress, const std::atomic<bool>* cancel);

}  // namespace temper::clean
