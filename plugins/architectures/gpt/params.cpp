// The parameter table of the gpt architecture.
#include "gpt.h"

namespace temper::gpt {

ParamTable<GptParams> gpt_params() {
  using P = GptParams;
  ParamTable<P> table;
  table.add("d_model", &P::d_model, "Width of the residual stream.", {.min = 8, .max = 16384, .unit = "channels"});
  table.add("num_layers", &P::num_layers, "Transformer blocks.", {.min = 1, .max = 256});
  table.add("num_heads", &P::num_heads, "Attention heads; must divide d_model.", {.min = 1, .max = 256});
  table.add("d_ff", &P::d_ff, "Width of the feed-forward layer; 0 is four times d_model.",
            {.min = 0, .max = 65536, .unit = "channels"});
  table.add("max_positions", &P::max_positions, "Longest context, the number of learned positions.",
            {.min = 8, .max = 1 << 20, .unit = "tokens"});
  table.add("dropout", &P::dropout, "Probability of dropping an activation or attention weight in training.",
            {.min = 0, .max = 0.95});
  table.add("init_std", &P::init_std, "Standard deviation of the initial weights.", {.min = 0, .max = 1});
  table.add("norm_epsilon", &P::norm_epsilon, "Added to the variance in layer norm.", {.min = 1e-12, .max = 0.1});
  table.add("activation", &P::activation, "Feed-forward activation: GPT-2's tanh form of GELU, the exact one, or OPT's.",
            {.choices = {"gelu_tanh", "gelu_erf", "relu"}});
  table.add("prefix_attention", &P::prefix_attention,
            "A prompt's tokens see one another in both directions, as models trained with prefix_lm expect.");
  table.add("layout", &P::layout,
            "Whose checkpoints the weights are written as; opt's positions begin at row 2 of their table.",
            {.choices = {"gpt2", "opt"}});
  table.require([](const P& p) { return p.d_model % p.num_heads == 0; }, "d_model must be a multiple of num_heads");
  table.require([](const P& p) { return p.layout != "gpt2" || p.activation != "relu"; },
                "activation relu needs layout opt, because GPT-2's checkpoints have only the forms of GELU");
  return table;
}

}  // namespace temper::gpt
