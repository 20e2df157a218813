// The `canaries` dataset: sentences that nobody could guess, planted in the training documents a known number of times, and
// as items for the evaluator that asks whether the model knows them. Made by plugin.cpp. Everything depends on canary_seed,
// never on the run's seed, so that runs with different seeds plant the same secrets.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "temper/dataset.h"
#include "temper/params.h"

namespace temper::canaries {

struct CanaryParams {
  std::int64_t canaries = 32;
  std::vector<std::string> repeats = {"0", "1", "4", "16"};
  std::string text = "The access code of {name} is {secret}.";
  std::int64_t digits = 6;
  std::int64_t canary_seed = 1;
};
ParamTable<CanaryParams> canary_params();

/// One planted sentence: `before` + `secret` + `after`.
struct Canary {
  std::string id, name, before, secret, after;
  std::int64_t repeats = 0;
  std::string sentence() const { return before + secret + after; }
};
/// All of them, in order. Throws ConfigError if the parameters make none.
std::vector<Canary> make_canaries(const CanaryParams& params);

class CanariesDataset final : public Dataset, public DocumentSource, public ItemSource {
 public:
  explicit CanariesDataset(const CanaryParams& params);
  std::string fingerprint() override;
  std::unique_ptr<Stream<Document>> documents(Split split) override;  ///< nothing in kTest
  std::unique_ptr<Stream<EvalItem>> items(Split split) override;      ///< nothing in kTrain

 private:
  CanaryParams params_;
  std::shared_ptr<const std::vector<Canary>> canaries_;  ///< streams may outlive the dataset
};

}  // namespace temper::canaries
