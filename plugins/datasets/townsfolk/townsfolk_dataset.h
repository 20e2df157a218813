// The `townsfolk` dataset: a generated town as documents, instruction rows, preference pairs and items. Made by plugin.cpp.
// The town depends on world_seed, never on the run's seed, so that runs with different seeds answer the same items.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "documents.h"
#include "people.h"
#include "temper/dataset.h"
#include "temper/params.h"

namespace temper::townsfolk {

struct TownsfolkParams {
  std::int64_t people = 400;
  double test_fraction = 0.25;
  std::int64_t documents_per_person = 6;
  bool private_notes = true;
  std::int64_t rows = 4000;
  std::int64_t turns = 1;
  double careless = 0;
  std::int64_t pairs = 2000;
  std::int64_t items = 300;
  std::int64_t world_seed = 1;
};
ParamTable<TownsfolkParams> townsfolk_params();

class TownsfolkDataset final : public Dataset,
                               public DocumentSource,
                               public InstructionSource,
                               public PreferenceSource,
                               public ItemSource {
 public:
  explicit TownsfolkDataset(const TownsfolkParams& params);
  std::string fingerprint() override;
  std::unique_ptr<Stream<Document>> documents(Split split) override;           ///< nothing in kTest
  std::unique_ptr<Stream<InstructionRow>> instructions(Split split) override;  ///< nothing in kTest
  std::unique_ptr<Stream<PreferencePair>> preferences(Split split) override;   ///< kTest: as many as items
  std::unique_ptr<Stream<EvalItem>> items(Split split) override;
  const World& world() const { return *world_; }

 private:
  TownsfolkParams params_;
  std::shared_ptr<const World> world_;  ///< streams may outlive the dataset
};

}  // namespace temper::townsfolk
