// @name@: an objective to start from. Next-token prediction with the loss on the last part of each piece only; what comes
// before is context. Replace example() by your own idea.
#include "temper/plugin.h"

#include <cmath>

#include "temper/objective.h"

namespace temper {
namespace {

struct @Name@Params {
  double fraction = 0.5;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.add("fraction", &P::fraction, "Share of each piece, from its end, that is predicted.", {.min = 0, .max = 1});
  return table;
}

class @Name@ final : public Objective {
 public:
  explicit @Name@(const @Name@Params& params) : params_(params) {}

  std::int64_t piece_length(std::int64_t context) const override { return context; }

  Example example(const Piece& piece, Rng&) const override {
    Example example;
    example.ids.assign(piece.tokens.begin(), piece.tokens.end());
    example.labels.assign(example.ids.begin() + 1, example.ids.end());
    if (piece.next >= 0) {
      example.labels.push_back(piece.next);
    } else {
      example.ids.pop_back();  // the document's last token has nothing to predict
    }
    const auto count = static_cast<double>(example.labels.size());
    const auto context = static_cast<std::size_t>(std::floor(count * (1 - params_.fraction)));
    // At least the last token is predicted: an example without a target would teach nothing.
    for (std::size_t t = 0; t < context && t + 1 < example.labels.size(); ++t) example.labels[t] = kIgnoreLabel;
    return example;
  }

 private:
  @Name@Params params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>("@name@", "Next-token prediction on the last part of each piece.", params_table(),
                           [](const @Name@Params& params, const Objective::Args& args) {
                             if (args.encoder_decoder) {
                               throw ConfigError("objective @name@ needs a decoder-only architecture");
                             }
                             return std::make_unique<@Name@>(params);
                           });
}
