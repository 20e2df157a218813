// The data side of one run: its datasets, its tokenizer (trained once and cached by content) and its tokenised corpora.
// Stage and evaluator contexts ask it; nothing here knows about models.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "host/config/experiment.h"
#include "host/data/corpus.h"
#include "host/data/target_bytes.h"
#include "host/plugin/registry.h"
#include "host/record/run_record.h"
#include "host/run/cleaned_corpus.h"
#include "host/util/progress.h"
#include "temper/dataset.h"
#include "temper/tokenizer.h"

namespace temper {

class RunAssets {
 public:
  /// References have to outlive this.
  RunAssets(const Experiment& experiment, const Registry& registry, std::filesystem::path cache, TerminalProgress& progress);

  Dataset& dataset(const std::string& name);
  /// Of the dataset, and of the filters that its documents go through.
  std::string fingerprint(const std::string& name);
  /// What cleaning did; nullptr if nothing was cleaned so far.
  const clean::Summary* cleaning() const { return cleaned_.summary(); }
  const Tokenizer& tokenizer();
  const std::string& tokenizer_bytes();
  const std::string& tokenizer_sha256();
  const TokenBytes& tokenizer_token_bytes();  ///< for batch sources

  std::shared_ptr<const TokenCorpus> corpus(const std::string& dataset, bool validation);
  std::vector<InstructionRow> instructions(const std::vector<std::string>& datasets, bool validation);
  std::vector<PreferencePair> preferences(const std::vector<std::string>& datasets, bool validation);
  /// Of each dataset the test pairs, or the held-out part of its training pairs if it has none; at most `limit` (0: all).
  std::vector<PreferencePair> test_preferences(const std::vector<std::string>& datasets, std::int64_t limit);
  std::vector<EvalItem> items(const std::vector<std::string>& datasets, std::int64_t limit);
  std::vector<Document> documents(const std::vector<std::string>& datasets, bool validation, std::int64_t limit);

  /// What has been read so far, for the record.
  std::vector<DataRow> data_rows() const;

 private:
  template <class Source>
  Source& capability(const std::string& name, const std::string& what);
  /// The training documents of a dataset, cleaned if the experiment says so.
  std::unique_ptr<Stream<Document>> training_documents(const std::string& name);
  void make_tokenizer();

  const Experiment& experiment_;
  const Registry& registry_;
  std::filesystem::path cache_;
  TerminalProgress& progress_;
  std::map<std::string, std::unique_ptr<Dataset>> datasets_;
  CleanedCorpus cleaned_;
  std::map<std::string, DataRow> rows_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::string tokenizer_bytes_, tokenizer_sha256_;
  TokenBytes token_bytes_;
};

}  // namespace temper
