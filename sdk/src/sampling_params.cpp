// The sampling parameter table: one place for every stage and evaluator that generates.
#include "temper/generate.h"

namespace temper {

ParamTable<SamplingParams> sampling_params() {
  using P = SamplingParams;
  ParamTable<P> table;
  table.add("max_new_tokens", &P::max_new_tokens, "Longest answer.", {.min = 1, .max = 1 << 20, .unit = "tokens"});
  table.add("temperature", &P::temperature, "Divides the logits before sampling; 0 is greedy.", {.min = 0, .max = 100});
  table.add("top_k", &P::top_k, "Only the k likeliest tokens may be drawn; 0 is off.", {.min = 0, .max = 1 << 30});
  table.add("top_p", &P::top_p, "Only the likeliest tokens that together reach this probability may be drawn; 1 is off.",
            {.min = 0, .max = 1});
  table.add("min_p", &P::min_p, "Only tokens at least this likely, relative to the likeliest, may be drawn; 0 is off.",
            {.min = 0, .max = 1});
  table.add("repetition_penalty", &P::repetition_penalty,
            "Logits of tokens already in prompt or answer are divided (if positive) or multiplied by this; 1 is off.",
            {.min = 0.01, .max = 100});
  table.add("stop", &P::stop, "Texts that end an answer; they are cut off it.");
  table.add("weights", &P::weights, "How weights are held while generating; int8 is faster and slightly different.",
            {.choices = {"float32", "int8"}});
  return table;
}

}  // namespace temper
