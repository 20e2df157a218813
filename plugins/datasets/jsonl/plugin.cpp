// Registers the `jsonl` dataset; the work is in jsonl_dataset.h.
#include "temper/plugin.h"

#include "jsonl_dataset.h"

using namespace temper;

TEMPER_PLUGIN("jsonl", "0.1.0") {
  using dataset_jsonl::JsonlDataset;
  using dataset_jsonl::JsonlParams;
  registrar.add<Dataset>("jsonl", "JSON rows as documents, instruction rows, preference pairs or evaluation items.",
                         dataset_jsonl::jsonl_params(), [](const JsonlParams& params, const Dataset::Args& args) {
                           return std::make_unique<JsonlDataset>(params, args);
                         });
}
