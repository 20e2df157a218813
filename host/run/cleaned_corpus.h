// The documents of an experiment's datasets after its filters (`corpus: filters: [...]`): cleaned once, all datasets
// together so that copies are found across them, and kept in the runs' common cache by the identity of data and filters.
// Several runs that want the same cleaning wait for the one that does it; a killed one is gone on with.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "host/clean/summary.h"
#include "host/config/experiment.h"
#include "host/plugin/registry.h"
#include "host/util/progress.h"
#include "temper/dataset.h"

namespace temper {

class CleanedCorpus {
 public:
  /// `dataset` gives one by its name. References have to outlive this.
  CleanedCorpus(const Experiment& experiment, const Registry& registry, std::filesystem::path cache,
                std::function<Dataset&(const std::string&)> dataset, TerminalProgress& progress,
                const std::atomic<bool>* cancel);

  /// Whether the dataset's documents go through filters.
  bool covers(const std::string& dataset) const;
  /// Of the data and the filters; computed when first asked, without cleaning anything.
  const std::string& identity();
  /// A dataset's documents that stay, cleaned when first asked. Ids are the dataset's own.
  std::unique_ptr<Stream<Document>> documents(const std::string& dataset);
  /// nullptr as long as nothing was cleaned.
  const clean::Summary* summary() const { return summary_ ? &*summary_ : nullptr; }

 private:
  void ensure();
  std::unique_ptr<Stream<Document>> raw_documents();

  const Experiment& experiment_;
  const Registry& registry_;
  std::filesystem::path cache_;
  std::function<Dataset&(const std::string&)> dataset_;
  TerminalProgress& progress_;
  const std::atomic<bool>* cancel_;
  std::string identity_;
  std::optional<clean::Summary> summary_;
};

}  // namespace temper
