// Registers the `sentencepiece` tokenizer; the work is in tokenizer.h.
#include "temper/plugin.h"

#include "tokenizer.h"

using namespace temper;

TEMPER_PLUGIN("sentencepiece", "0.1.0") {
  using namespace sentencepiece_plugin;
  registrar.add<Tokenizer>("sentencepiece", "SentencePiece subwords (BPE or unigram) that keep every byte of the text.",
                           sentencepiece_params(), [](const SentencepieceParams& params, const Tokenizer::Args& args) {
                             return std::make_unique<SentencepieceTokenizer>(params, args);
                           });
}
