// Split points and examples of prefix language modelling (see prefix_lm.h).
#include "prefix_lm.h"

#include <algorithm>
#include <cmath>

#include "sequences.h"

namespace temper::prefix_lm {

using namespace objectives;

ParamTable<PrefixLmParams> prefix_lm_params() {
  using P = PrefixLmParams;
  ParamTable<P> table;
  table.add("min_prefix", &P::min_prefix, "Smallest share of a text that is its prefix; at least one token is.",
            {.min = 0, .max = 1});
  table.add("max_prefix", &P::max_prefix, "Largest share of a text that is its prefix; at least one token is left.",
            {.min = 0, .max = 1});
  table.require([](const P& p) { return p.min_prefix <= p.max_prefix; }, "min_prefix must not be above max_prefix");
  return table;
}

PrefixLm::PrefixLm(const PrefixLmParams& params, const Objective::Args& args)
    : params_(params), tokenizer_(*args.tokenizer), encoder_decoder_(args.encoder_decoder) {
  if (!args.encoder_decoder && !args.prefix_attention) {
    throw ConfigError(
        "objective prefix_lm needs a model whose prefix sees itself in both directions, and this model's attention is "
        "causal; set prefix_attention: true in the model (where its architecture has it), or use objective causal_lm");
  }
}

Example PrefixLm::example(const Piece& piece, Rng& rng) const {
  const auto length = static_cast<std::int64_t>(piece.tokens.size());
  if (length < 2) return to_example({}, encoder_decoder_, tokenizer_);
  const auto places = [&](double share) { return std::llround(share * static_cast<double>(length)); };
  const std::int64_t first = std::clamp<std::int64_t>(places(params_.min_prefix), 1, length - 1);
  const std::int64_t last = std::clamp<std::int64_t>(places(params_.max_prefix), first, length - 1);
  const std::int64_t count = first + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(last - first + 1)));
  return to_example(split_pair(piece, count, encoder_decoder_, tokenizer_), encoder_decoder_, tokenizer_);
}

}  // namespace temper::prefix_lm
