// Registers the `hf_bpe` tokenizer; the work is in tokenizer.h.
#include "temper/plugin.h"

#include "tokenizer.h"

using namespace temper;

TEMPER_PLUGIN("hf_bpe", "0.1.0") {
  using namespace hf_bpe_plugin;
  registrar.add<Tokenizer>(
      "hf_bpe", "Byte-level BPE read from a Hugging Face tokenizer.json.", hf_bpe_params(),
      [](const HfBpeParams& params, const Tokenizer::Args& args) { return std::make_unique<HfBpeTokenizer>(params, args); });
}
