// A filter sees documents on their way into a corpus and says of each whether it stays, is edited or goes, and why. Used by
// `temper data` and by experiments (`corpus: filters: [...]`); the host reads documents, runs the filters one behind the
// other, applies their edits and writes the ledger. A filter has exactly one of two capabilities, found with dynamic_cast:
// DocumentFilter judges a document by itself; CorpusFilter has to have seen all of them before it can judge any.
//
// Determinism  Results depend on the documents, their order and the parameters only: never on threads, time or memory.
// Again        A second pass over a filter's own output changes nothing (conformance checks it).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temper/dataset.h"
#include "temper/error.h"

namespace temper {

/// Something found in a document. With a replacement it is an edit (`""` takes the part out), without one only a mark.
struct FilterSpan {
  std::size_t begin = 0, end = 0;  ///< bytes of the text that the filter was given, at whole characters
  std::string type;                ///< what it is, as a short word: "email", "control", "licence"
  std::optional<std::string> replacement = std::nullopt;
};

/// What a filter says of one document. Without `drop` and without edits the document is kept as it is.
struct FilterResult {
  bool drop = false;
  std::string reason;                                       ///< which rule, as a short word; has to be there with `drop`
  double score = std::numeric_limits<double>::quiet_NaN();  ///< what was measured; NaN: nothing
  std::vector<FilterSpan> spans = {};                       ///< in order, without overlaps
  /// Documents by their number in the filter's input: of one group the same `cluster` (the smallest number in it), and the
  /// one it was compared with.
  std::optional<std::uint64_t> cluster = std::nullopt, partner = std::nullopt;
};

class TEMPER_API Filter {
 public:
  static constexpr std::string_view kKind = "filter";
  struct Args {
    std::string base_dir;          ///< relative paths in parameters start here
    std::string scratch_dir = {};  ///< a folder for this instance's own files, removed afterwards; "" while nothing runs
    std::uint64_t memory_bytes = std::uint64_t{1} << 30;  ///< what it may hold at once; more goes into scratch_dir
    int threads = 1;                                      ///< that decide() may use
  };
  virtual ~Filter();
  /// Hash of the files that parameters name (word lists, models, evaluation sets), so that changed files are noticed; "" if
  /// there are none.
  virtual std::string fingerprint();
};

class TEMPER_API DocumentFilter {
 public:
  virtual ~DocumentFilter();
  /// [any] Called from several threads at once.
  virtual FilterResult judge(const Document& document) const = 0;
};

/// The documents of the input again, by number. [any]
class TEMPER_API CorpusTexts {
 public:
  virtual ~CorpusTexts();
  virtual std::uint64_t size() const = 0;
  virtual std::string text(std::uint64_t number) const = 0;
};

/// digest() and add() for all documents, decide() once, then result() for all documents.
class TEMPER_API CorpusFilter {
 public:
  virtual ~CorpusFilter();
  /// [any] What has to be remembered of a document, in a form of the filter's own. Called from several threads at once.
  virtual std::string digest(const Document& document) const = 0;
  /// [run] In the order of the documents, from number 0.
  virtual void add(std::uint64_t number, std::string_view digest) = 0;
  /// [run] Before decide(): what it is going to need, such as memory, as a sentence for people; "" says nothing.
  virtual std::string needs() const;
  /// [run] `texts` lasts as long as the filter. Throws Cancelled where `cancelled` turns true.
  virtual void decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) = 0;
  /// [any] After decide().
  virtual FilterResult result(std::uint64_t number, const Document& document) const = 0;
  /// False: results are keeps and drops without edits, and result() does not look at the document. Then such a filter and
  /// one that compares right behind it read the corpus once for both.
  virtual bool edits() const;
  /// [run] After decide(): figures for the summary, such as pairs compared.
  virtual std::vector<std::pair<std::string, double>> figures() const;
};

/// The text with the edits of `spans` applied. Throws PluginError for spans that overlap, are out of order or out of range.
TEMPER_API std::string apply_spans(std::string_view text, const std::vector<FilterSpan>& spans);

}  // namespace temper
