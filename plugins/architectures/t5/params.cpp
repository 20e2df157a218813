// The parameter table of the t5 architecture.
#include "t5.h"

namespace temper::t5 {

ParamTable<T5Params> t5_params() {
  using P = T5Params;
  ParamTable<P> table;
  table.add("d_model", &P::d_model, "Width of the residual stream.", {.min = 8, .max = 16384, .unit = "channels"});
  table.add("d_kv", &P::d_kv, "Width of an attention head; heads times this need not be d_model.",
            {.min = 1, .max = 1024, .unit = "channels"});
  table.add("num_heads", &P::num_heads, "Attention heads.", {.min = 1, .max = 256});
  table.add("d_ff", &P::d_ff, "Width of the feed-forward layer.", {.min = 1, .max = 131072, .unit = "channels"});
  table.add("num_layers", &P::num_layers, "Encoder blocks.", {.min = 1, .max = 256});
  table.add("num_decoder_layers", &P::num_decoder_layers, "Decoder blocks; 0 is as many as the encoder has.",
            {.min = 0, .max = 256});
  table.add("relative_buckets", &P::relative_buckets, "Buckets of distances that share a position bias.",
            {.min = 4, .max = 1024});
  table.add("relative_max_distance", &P::relative_max_distance, "From this distance on all share the last bucket.",
            {.min = 4, .max = 1 << 20, .unit = "tokens"});
  table.add("feed_forward", &P::feed_forward, "relu is T5's first form, gated_gelu (tanh GELU) that of version 1.1.",
            {.choices = {"relu", "gated_gelu"}});
  table.add("tied_head", &P::tied_head,
            "The head is the embedding, logits scaled by d_model^-0.5, as in the first form; false is version 1.1.");
  table.add("dropout", &P::dropout, "Probability of dropping an activation or attention weight in training.",
            {.min = 0, .max = 0.95});
  table.add("norm_epsilon", &P::norm_epsilon, "Added to the mean square in RMS norm.", {.min = 1e-12, .max = 0.1});
  table.add("init_scale", &P::init_scale, "Factor on the standard deviation of all initial matrices.",
            {.min = 0, .max = 10});
  table.add("max_positions", &P::max_positions,
            "Longest decoder row, and where prompts and texts to score are cut; 0 is no limit.",
            {.min = 0, .max = 1 << 20, .unit = "tokens"});
  table.require([](const P& p) { return p.relative_max_distance > p.relative_buckets / 2; },
                "relative_max_distance must be more than half of relative_buckets");
  return table;
}

}  // namespace temper::t5
