// Loads a checkpoint once and lends it (see model_lender.h).
#include "host/run/model_lender.h"

#include <filesystem>

#include "host/util/cancel.h"

namespace temper {
namespace fs = std::filesystem;

void CheckpointLender::share(Loaded& loaded, const std::string& reference) const {
  const auto& announce = together_->announce;
  loaded.shared_generator = std::make_unique<SharedGenerator>(
      *loaded.generator, together_->communicator, [announce, reference](const auto& requests, const SamplingParams& params) {
        announce(reference, "generate", to_order(requests, params));
      });
  loaded.shared_scorer = std::make_unique<SharedScorer>(
      *loaded.scorer, together_->communicator,
      [announce, reference](const auto& requests) { announce(reference, "score", to_order(requests)); });
}

LentModel& CheckpointLender::model(const std::string& reference) {
  Loaded& loaded = loaded_[reference];
  if (!loaded.lent) {
    // "run.h5:sft" is a path as far as the folder in front is concerned.
    const std::string path = fs::path(reference).is_absolute() || base_dir_.empty()
                                 ? reference
                                 : (fs::path(base_dir_) / reference).lexically_normal().string();
    const fs::path folder = find_checkpoint(path);
    loaded.model = load_model(registry_, folder, device_);
    for (auto& parameter : loaded.model.model->parameters()) parameter.tensor.set_requires_grad(false);
    loaded.model.model->train(false);
    loaded.generator = std::make_unique<BatchGenerator>(*loaded.model.model, *loaded.model.tokenizer,
                                                        GeneratorOptions{64, cancel_requested, {}, {}, {}});
    loaded.scorer = std::make_unique<BatchScorer>(*loaded.model.model, *loaded.model.tokenizer, cancel_requested);
    if (together_) share(loaded, reference);
    Generator* generator = loaded.shared_generator.get();
    Scorer* scorer = loaded.shared_scorer.get();
    if (generator == nullptr) generator = loaded.generator.get();
    if (scorer == nullptr) scorer = loaded.scorer.get();
    loaded.lent = std::make_unique<LentModel>(LentModel{
        *loaded.model.model, *loaded.model.tokenizer, *generator, *scorer, read_extras(folder, loaded.model.manifest),
        template_or_default(loaded.model.manifest.prompt_template), loaded.model.manifest.weights_sha256});
  }
  return *loaded.lent;
}

}  // namespace temper
