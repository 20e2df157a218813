// A dataset yields documents, instruction rows, preference pairs or evaluation items; each is an optional capability,
// found with dynamic_cast. Everything is a stream, so that a corpus larger than memory works. Order is the data's own and
// the same every time: shuffling and the train/validation split (by document hash) are the host's.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "temper/error.h"

namespace temper {

struct Document {
  std::string id;      ///< unique and stable within the dataset: file name, line number, or the data's own id
  std::string text;    ///< UTF-8
  std::string source;  ///< where it came from, for messages: "file:line"
  /// What else the row holds, as a JSON object; "" if nothing, or if the dataset does not keep it. Cleaning hands it on.
  std::string attributes_json = {};
};

struct Message {
  std::string role;  ///< system, user, assistant
  std::string content;
};

/// One training conversation. The loss is on the assistant turns only.
struct InstructionRow {
  std::string id;
  std::vector<Message> messages;
  std::string source;
};

/// A ranking of K answers comes as its pairs, each with the ranking's prompt. Unpaired feedback ("this answer is good") has
/// one side only, as the two flags say.
struct PreferencePair {
  std::string id;
  std::vector<Message> prompt;
  std::string chosen, rejected;
  std::string dimension;  ///< helpfulness, safety, ... ; "" if the data does not say
  std::string source;
  double margin = 0;  ///< by how much the chosen answer is better, 0 if the data does not say
  bool has_chosen = true, has_rejected = true;
};

/// One evaluation question. `attributes_json` is a JSON object with what its evaluator needs (instruction_id_list, kwargs).
struct EvalItem {
  std::string id;
  std::vector<Message> prompt;
  std::string reference;  ///< right answer, "" if there is none
  std::string task;       ///< what kind of item: instruction_following, closed_book, refusal, ...
  std::string attributes_json;
  std::string source;
  std::string cluster = {};  ///< items about one person, article or template are not independent; "" stands alone
};

/// How far a stream has come.
struct StreamState {
  std::int64_t skipped = 0;         ///< rows (or rests of damaged files) left out so far because they cannot be read
  std::vector<std::string> faults;  ///< of the first of them, a sentence each with file and line
  double fraction = -1;             ///< of the input's bytes that are read; negative if that is not known
};

template <class Row>
class Stream {
 public:
  virtual ~Stream() = default;
  /// Fills `row` and returns true, or returns false at the end. Throws DataError with file and line.
  virtual bool next(Row& row) = 0;
  virtual StreamState state() const { return {}; }
};

/// kTrain is what models may learn from; kTest is never trained on.
enum class Split { kTrain, kTest };

class TEMPER_API Dataset {
 public:
  static constexpr std::string_view kKind = "dataset";
  struct Args {
    std::string base_dir;    ///< relative paths in parameters start here
    std::uint64_t seed = 0;  ///< for generated data, derived from the run's seed and the dataset's name
  };
  virtual ~Dataset();
  /// Identity of the content (hash of files or of parameters and seed): equal fingerprints mean equal streams.
  virtual std::string fingerprint() = 0;
};

class TEMPER_API DocumentSource {
 public:
  virtual ~DocumentSource();
  virtual std::unique_ptr<Stream<Document>> documents(Split split) = 0;
};
class TEMPER_API InstructionSource {
 public:
  virtual ~InstructionSource();
  virtual std::unique_ptr<Stream<InstructionRow>> instructions(Split split) = 0;
};
class TEMPER_API PreferenceSource {
 public:
  virtual ~PreferenceSource();
  virtual std::unique_ptr<Stream<PreferencePair>> preferences(Split split) = 0;
};
class TEMPER_API ItemSource {
 public:
  virtual ~ItemSource();
  virtual std::unique_ptr<Stream<EvalItem>> items(Split split) = 0;
};

}  // namespace temper
