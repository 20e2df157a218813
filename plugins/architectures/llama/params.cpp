// The parameter table of the llama architecture.
#include "llama.h"

namespace temper::llama {

ParamTable<LlamaParams> llama_params() {
  using P = LlamaParams;
  ParamTable<P> table;
  table.add("d_model", &P::d_model, "Width of the residual stream.", {.min = 8, .max = 16384, .unit = "channels"});
  table.add("num_layers", &P::num_layers, "Transformer blocks.", {.min = 1, .max = 256});
  table.add("num_heads", &P::num_heads, "Attention heads.", {.min = 1, .max = 256});
  table.add("num_kv_heads", &P::num_kv_heads, "Heads of keys and values; must divide num_heads; 0 is num_heads.",
            {.min = 0, .max = 256});
  table.add("head_width", &P::head_width, "Width of one head; even; 0 is d_model / num_heads.",
            {.min = 0, .max = 1024, .unit = "channels"});
  table.add("d_ff", &P::d_ff, "Width of the feed-forward layer; 0 is 8/3 d_model, rounded up to a multiple of 32.",
            {.min = 0, .max = 262144, .unit = "channels"});
  table.add("max_positions", &P::max_positions, "Longest context.", {.min = 8, .max = 1 << 20, .unit = "tokens"});
  table.add("rope_base", &P::rope_base, "Base of the rotary frequencies.", {.min = 1, .max = 1e9});
  table.add("rope_scaling", &P::rope_scaling, "How rotary frequencies are stretched for longer contexts.",
            {.choices = {"none", "linear", "llama3"}});
  table.add("rope_factor", &P::rope_factor, "By how much they are stretched.", {.min = 1, .max = 1024});
  table.add("rope_low_frequency", &P::rope_low_frequency,
            "llama3: wave lengths above rope_trained_positions / this are stretched in full.", {.min = 0.01, .max = 1024});
  table.add("rope_high_frequency", &P::rope_high_frequency,
            "llama3: wave lengths below rope_trained_positions / this are kept.", {.min = 0.01, .max = 1024});
  table.add("rope_trained_positions", &P::rope_trained_positions, "llama3: context before stretching.",
            {.min = 1, .max = 1 << 20, .unit = "tokens"});
  table.add("norm_epsilon", &P::norm_epsilon, "Added to the mean square in RMS norm.", {.min = 1e-12, .max = 0.1});
  table.add("tied_head", &P::tied_head, "The head is the token embedding.");
  table.add("attention_bias", &P::attention_bias, "Biases of attention projections: none, on q, k, v (Qwen2), or on all.",
            {.choices = {"none", "qkv", "all"}});
  table.add("gate", &P::gate, "Activation of the feed-forward layer's gate; gelu_tanh is Gemma's.",
            {.choices = {"silu", "gelu_tanh"}});
  table.add("norm_from_one", &P::norm_from_one, "Norm weights are stored as differences from 1, as Gemma's are.");
  table.add("scaled_embedding", &P::scaled_embedding,
            "Token embeddings are multiplied by the square root of d_model before the first block, as Gemma's are.");
  table.add("dropout", &P::dropout, "Probability of dropping an activation or attention weight in training.",
            {.min = 0, .max = 0.95});
  table.add("init_std", &P::init_std, "Standard deviation of the initial weights.", {.min = 0, .max = 1});
  table.add("prefix_attention", &P::prefix_attention,
            "A prompt's tokens see one another in both directions, as models trained with prefix_lm expect.");
  table.require([](const P& p) { return p.head_width > 0 || p.d_model % p.num_heads == 0; },
                "d_model must be a multiple of num_heads, or head_width be given");
  table.require([](const P& p) { return (p.head_width > 0 ? p.head_width : p.d_model / p.num_heads) % 2 == 0; },
                "the width of a head must be even");
  table.require([](const P& p) { return p.num_kv_heads == 0 || p.num_heads % p.num_kv_heads == 0; },
                "num_heads must be a multiple of num_kv_heads");
  table.require([](const P& p) { return p.rope_low_frequency < p.rope_high_frequency; },
                "rope_low_frequency must be below rope_high_frequency");
  return table;
}

}  // namespace temper::llama
