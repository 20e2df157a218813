// Registers the `text` dataset; the work is in text_dataset.h.
#include "temper/plugin.h"

#include "text_dataset.h"

using namespace temper;

TEMPER_PLUGIN("text", "0.1.0") {
  using dataset_text::TextDataset;
  using dataset_text::TextParams;
  registrar.add<Dataset>(
      "text", "Plain text files as documents: one a file, a paragraph block or a line.", dataset_text::text_params(),
      [](const TextParams& params, const Dataset::Args& args) { return std::make_unique<TextDataset>(params, args); });
}
