// Passes, batches and marks (see pipeline.h). One thread reads and writes, the others filter.
#include "host/clean/pipeline.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <deque>
#include <future>
#include <optional>

#include "host/clean/state.h"
#include "host/clean/workers.h"
#include "host/plugin/guard.h"
#include "host/util/files.h"
#include "temper/hash.h"

namespace temper::clean {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kBatchDocuments = 4096;

struct Item {
  std::string record;  ///< of a spool, until a worker reads it
  Passage passage;
  std::uint64_t number = 0;
  std::string digest, rendered, ledger;  ///< for the next filter that compares; for the sink or the next spool
};

struct Batch {
  std::vector<Item> items;
  std::vector<FilterTotals> totals;
  std::int64_t documents = 0;  ///< read in this pass, this batch included
  std::uint64_t place = 0;     ///< in the spool that is read, behind this batch
  std::uint64_t numbered = 0;
  std::uint64_t bytes = 0;
};

/// Documents of the first pass, or of a spool.
class Source {
 public:
  Source(const OpenSource& open, const fs::path& spool, const CleaningState& state) {
    if (state.pass == 0) {
      stream_ = open();
      Document skipped;
      for (std::int64_t i = 0; i < state.documents; ++i) {
        if (!stream_->next(skipped)) throw DataError("the input has fewer documents than before; start again with --fresh");
      }
    } else {
      records_.emplace(spool, state.spools[state.pass - 1]);
      records_->seek(state.place);
    }
  }
  /// Of a spool only the record is read here; parsing it is the workers'.
  bool next(Item& item, std::uint64_t& bytes, bool& dropped) {
    if (stream_) {
      if (!stream_->next(item.passage.document)) return false;
      bytes = item.passage.bytes = item.passage.document.text.size();
      dropped = false;
      return true;
    }
    if (!records_->next(item.record)) return false;
    bytes = item.record.size();
    dropped = is_dropped(item.record);
    return true;
  }
  std::uint64_t place() const { return records_ ? records_->place() : 0; }
  StreamState state() const {
    if (stream_) return stream_->state();
    return {0, {}, records_->fraction()};
  }

 private:
  std::unique_ptr<Stream<Document>> stream_;
  std::optional<RecordStream> records_;
};

/// Takes the place of a document's record off the front of its digests.
std::uint64_t place_of(std::string_view& record) {
  std::uint64_t place = 0;
  if (record.size() < sizeof place) throw DataError("a digest of the work folder is cut off; start again with --fresh");
  std::memcpy(&place, record.data(), sizeof place);
  record.remove_prefix(sizeof place);
  return place;
}

/// The texts that a filter has seen, by its own count.
class LeftTexts final : public CorpusTexts {
 public:
  LeftTexts(const SpoolTexts& texts, const Decided& decided)
      : texts_(texts), all_(decided.rank.empty()), numbers_(decided.numbers) {}
  std::uint64_t size() const override { return all_ ? texts_.size() : numbers_.size(); }
  std::string text(std::uint64_t own) const override { return texts_.text(all_ ? own : numbers_.at(own)); }

 private:
  const SpoolTexts& texts_;
  bool all_;
  std::vector<std::uint32_t> numbers_;
};

class Cleaning {
 public:
  Cleaning(const OpenSource& source, const std::vector<StepPlan>& plans, const OpenSink& sink, const Settings& settings,
           TerminalProgress* progress, const std::atomic<bool>* cancel)
      : source_(source), plans_(plans), sink_(sink), settings_(settings), progress_(progress), cancel_(cancel) {}

  Summary run() {
    begin();
    if (state_.finished) return state_.summary;
    const auto passes = passes_of(steps_);
    for (; state_.pass < passes.size(); next_pass()) run_pass(passes[state_.pass], passes.size());
    state_.finished = true;
    finish_summary();
    save();
    return state_.summary;
  }

 private:
  fs::path path(const std::string& name) const { return settings_.work / name; }
  fs::path spool_path(std::size_t pass) const { return path("pass-" + std::to_string(pass) + ".spool"); }
  fs::path digest_path(std::size_t pass) const { return path("pass-" + std::to_string(pass) + ".digests"); }
  bool cancelled() const { return cancel_ != nullptr && cancel_->load(); }

  void begin() {
    create_folders(settings_.work);
    for (const auto& plan : plans_) {
      const fs::path scratch = path("filter-" + plan.name);
      fs::remove_all(scratch);
      create_folders(scratch);
      Filter::Args args;
      args.scratch_dir = scratch.string();
      args.memory_bytes = settings_.memory_bytes;
      args.threads = settings_.threads;
      Step step{plan.name, plan.plugin, plan.make(args)};
      if ((step.document() == nullptr) == (step.corpus() == nullptr)) {
        throw PluginError("plugin '" + plan.plugin + "': a filter has to judge either documents or the corpus");
      }
      steps_.push_back(std::move(step));
    }
    if (fs::exists(path("state.json"))) {
      state_ = read_state(path("state.json"));
      if (state_.identity != settings_.identity) {
        throw ConfigError("the work folder '" + settings_.work.string() +
                          "' belongs to a cleaning of other inputs, filters or settings; finish that one, or start again "
                          "with --fresh");
      }
      return;
    }
    state_.identity = settings_.identity;
    state_.spools = {0};
    for (const auto& plan : plans_) state_.summary.filters.push_back({plan.name, plan.plugin});
  }

  void save() { write_file_atomically(path("state.json"), state_text(state_)); }

  void next_pass() {
    ++state_.pass;
    state_.documents = 0;
    state_.place = state_.digests = state_.numbered = 0;
    state_.spools.push_back(0);
    save();
    if (state_.pass >= 2) fs::remove(spool_path(state_.pass - 2));
  }

  /// What the filters of the pass before have to know, and their decisions, each on what those before it left.
  void decide(const Pass& pass) {
    const std::size_t before = state_.pass - 1;
    // A record is the document's place in the spool, then what its filters remember of it.
    const auto for_each_digest = [&](auto function) {
      RecordStream records(digest_path(before), fs::file_size(digest_path(before)));
      std::string record;
      for (std::uint64_t number = 0; records.next(record); ++number) function(number, std::string_view(record));
    };
    std::vector<std::uint64_t> places;
    for_each_digest([&](std::uint64_t, std::string_view record) { places.push_back(place_of(record)); });
    texts_ = std::make_unique<SpoolTexts>(spool_path(before), std::move(places));
    decided_.clear();
    left_.clear();
    for (std::size_t k = 0; k < pass.decided.size(); ++k) {
      const Step& step = steps_[pass.decided[k]];
      Decided decided;
      decided.step = pass.decided[k];
      if (k > 0) survivors_of(decided_.back(), decided);
      left_.push_back(std::make_unique<LeftTexts>(*texts_, decided));
      guarded(step.plugin, "filter", [&] {
        for_each_digest([&](std::uint64_t number, std::string_view record) {
          const std::uint64_t own = decided.own(number);
          place_of(record);
          if (own != Decided::kUnseen) step.corpus()->add(own, digests_of(record, pass.decided.size())[k]);
        });
        if (progress_ != nullptr) {
          const std::string needs = step.corpus()->needs();
          progress_->say(step.name + ": comparing documents" + (needs.empty() ? "" : "; " + needs));
        }
        step.corpus()->decide(*left_.back(), [this] { return cancelled(); });
      });
      state_.summary.filters[pass.decided[k]].figures = step.corpus()->figures();
      decided_.push_back(std::move(decided));
    }
  }

  void survivors_of(const Decided& first, Decided& second) const {
    const CorpusFilter& filter = *steps_[first.step].corpus();
    second.rank.assign(texts_->size(), Decided::kUnseen);
    for (std::uint64_t number = 0; number < texts_->size(); ++number) {
      const std::uint64_t own = first.own(number);
      if (own == Decided::kUnseen || filter.result(own, {}).drop) continue;
      second.rank[number] = static_cast<std::uint32_t>(second.numbers.size());
      second.numbers.push_back(static_cast<std::uint32_t>(number));
    }
  }

  void run_pass(const Pass& pass, std::size_t passes) {
    if (!pass.decided.empty()) decide(pass);
    const bool last = state_.pass + 1 == passes;
    Source source(source_, state_.pass == 0 ? fs::path() : spool_path(state_.pass - 1), state_);
    std::unique_ptr<Sink> sink;
    std::optional<AppendFile> spool, digests, ledger;
    if (last) {
      sink = sink_(state_.sink);
      ledger.emplace(path("ledger.jsonl"), state_.ledger);
    } else {
      spool.emplace(spool_path(state_.pass), state_.spools.back());
      digests.emplace(digest_path(state_.pass), state_.digests);
    }
    const WorkContext context{steps_, pass, decided_, texts_.get(), settings_.most_spans};
    const auto work = [&](Batch& batch) {
      batch.totals.assign(steps_.size(), {});
      for (Item& item : batch.items) {
        if (!item.record.empty()) item.passage = passage_of(item.record);
        std::string().swap(item.record);
        if (state_.pass == 0) item.passage.sha256 = sha256_hex(item.passage.document.text);
        work_on(item.passage, item.number, context, batch.totals, item.digest);
        if (last) {
          item.ledger = ledger_line(item.passage);
          if (!item.passage.dropped) item.rendered = sink->render(item.passage);
        } else {
          item.rendered = to_bytes(item.passage);
        }
      }
    };
    const auto mark = [&] {
      if (last) {
        state_.sink = sink->mark();
        ledger->sync();
        state_.ledger = ledger->size();
      } else {
        spool->sync();
        digests->sync();
        state_.spools.back() = spool->size();
        state_.digests = digests->size();
      }
      save();
    };
    const auto write = [&](const Batch& batch) {
      for (const Item& item : batch.items) {
        if (last) {
          ledger->write(item.ledger);
          count(item.passage);
          if (!item.passage.dropped) sink->write(item.rendered);
        } else {
          const std::uint64_t place = spool->size();
          write_record(*spool, item.rendered);
          if (!item.passage.dropped) {
            write_record(*digests, std::string(reinterpret_cast<const char*>(&place), sizeof place) + item.digest);
          }
        }
      }
      for (std::size_t i = 0; i < steps_.size(); ++i) add(state_.summary.filters[i], batch.totals[i]);
      state_.documents = batch.documents;
      state_.place = batch.place;
      state_.numbered = batch.numbered;
    };
    stream(source, work, write, mark, passes);
    mark();
    note_skipped(source);
  }

  /// Reads batches, hands them to the workers, and takes them back in order.
  template <class Work, class Write, class Mark>
  void stream(Source& source, const Work& work, const Write& write, const Mark& mark, std::size_t passes) {
    const auto started = std::chrono::steady_clock::now();
    if (progress_ != nullptr) {
      progress_->begin(
          passes == 1 ? "cleaning" : "cleaning, pass " + std::to_string(state_.pass + 1) + " of " + std::to_string(passes),
          source.state().fraction >= 0 ? 1000 : 0);
    }
    std::uint64_t since_mark = 0, bytes = 0, numbered = state_.numbered;
    std::int64_t documents = state_.documents;
    bool more = true;
    // Behind the batches that it refers to, so that they outlive its threads.
    std::deque<std::unique_ptr<Batch>> batches;
    Workers<Batch> workers(settings_.threads, work);
    std::deque<std::future<void>> done;
    const auto read = [&] {
      auto batch = std::make_unique<Batch>();
      while (batch->bytes < settings_.batch_bytes && batch->items.size() < kBatchDocuments) {
        Item item;
        std::uint64_t size = 0;
        bool dropped = false;
        more = source.next(item, size, dropped);
        if (!more) break;
        ++documents;
        item.number = numbered;
        if (!dropped) ++numbered;
        batch->bytes += size + 64;
        batch->items.push_back(std::move(item));
      }
      batch->documents = documents;
      batch->place = source.place();
      batch->numbered = numbered;
      if (batch->items.empty()) return;
      done.push_back(workers.add(*batch));
      batches.push_back(std::move(batch));
    };
    const std::size_t ahead = static_cast<std::size_t>(settings_.threads) + 2;
    while (more || !batches.empty()) {
      if (cancelled()) throw Cancelled("stopped; the same command goes on from the last mark");
      if (more && batches.size() < ahead) {
        read();
        continue;
      }
      done.front().get();
      done.pop_front();
      write(*batches.front());
      since_mark += batches.front()->bytes;
      bytes += batches.front()->bytes;
      batches.pop_front();
      if (since_mark >= settings_.mark_bytes) {
        mark();
        since_mark = 0;
      }
      show(source, bytes, started);
    }
    if (progress_ != nullptr) progress_->end();
  }

  void show(const Source& source, std::uint64_t bytes, std::chrono::steady_clock::time_point started) {
    if (progress_ == nullptr) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - shown_ < std::chrono::milliseconds(200)) return;  // asking a source how far it is may cost something
    shown_ = now;
    const double seconds = std::chrono::duration<double>(now - started).count();
    char note[64];
    std::snprintf(note, sizeof note, "%.1f MB, %.1f MB/s", static_cast<double>(bytes) / 1e6,
                  static_cast<double>(bytes) / 1e6 / std::max(seconds, 1e-3));
    const double fraction = source.state().fraction;
    progress_->update(fraction >= 0 ? static_cast<std::int64_t>(fraction * 1000) : state_.documents, note);
  }

  void count(const Passage& passage) {
    Summary& summary = state_.summary;
    ++summary.documents;
    summary.bytes_in += static_cast<std::int64_t>(passage.bytes);
    summary.bytes_out += static_cast<std::int64_t>(passage.document.text.size());
    ++(passage.dropped ? summary.dropped : summary.kept);
    if (!passage.dropped && passage.edited) ++summary.edited;
  }

  void note_skipped(const Source& source) {
    if (state_.pass != 0) return;
    const StreamState read = source.state();
    state_.summary.skipped = read.skipped;
    state_.summary.faults = read.faults;
  }

  /// Blank documents fall by a rule that is no filter; it gets a line where it did something.
  void finish_summary() {
    Summary& summary = state_.summary;
    std::int64_t by_filters = 0;
    for (const auto& filter : summary.filters) by_filters += filter.dropped;
    if (summary.dropped == by_filters) return;
    FilterTotals blank{kBlankRule, ""};
    blank.documents = summary.documents;
    blank.dropped = summary.dropped - by_filters;
    blank.reasons["blank"] = blank.dropped;
    summary.filters.push_back(blank);
  }

  const OpenSource& source_;
  const std::vector<StepPlan>& plans_;
  const OpenSink& sink_;
  const Settings& settings_;
  TerminalProgress* progress_;
  const std::atomic<bool>* cancel_;
  std::vector<Step> steps_;
  std::unique_ptr<SpoolTexts> texts_;
  std::vector<Decided> decided_;
  std::vector<std::unique_ptr<LeftTexts>> left_;
  CleaningState state_;
  std::chrono::steady_clock::time_point shown_;
};

}  // namespace

Summary run_filters(const OpenSource& source, const std::vector<StepPlan>& plans, const OpenSink& sink,
                    const Settings& settings, TerminalProgress* progress, const std::atomic<bool>* cancel) {
  return Cleaning(source, plans, sink, settings, progress, cancel).run();
}

}  // namespace temper::clean
