// Causal language modelling: every token is predicted from those before it in its document. One piece of a document is one
// example; its last position predicts the token after the piece, so cutting a document loses no target.
#include "temper/plugin.h"

#include "temper/objective.h"

namespace temper {
namespace {

struct CausalLmParams {};

class CausalLm final : public Objective {
 public:
  std::int64_t piece_length(std::int64_t context) const override { return context; }

  Example example(const Piece& piece, Rng&) const override {
    Example example;
    example.ids.assign(piece.tokens.begin(), piece.tokens.end());
    example.labels.assign(example.ids.begin() + 1, example.ids.end());
    example.labels.push_back(piece.next >= 0 ? piece.next : kIgnoreLabel);
    if (piece.next < 0) {
      // The document's last token has nothing to predict; dropping it saves the position.
      example.ids.pop_back();
      example.labels.pop_back();
    }
    return example;
  }
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("causal_lm", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>("causal_lm", "Next-token prediction over whole documents.", ParamTable<CausalLmParams>(),
                           [](const CausalLmParams&, const Objective::Args& args) {
                             if (args.encoder_decoder) {
                               throw ConfigError(
                                   "objective causal_lm needs a decoder-only architecture; an encoder-decoder has no "
                                   "source to read here");
                             }
                             return std::make_unique<CausalLm>();
                           });
}
