// Prompt templates: how a conversation becomes tokens, the same in training, generation, reward and scoring. Each turn is
// tokenised by itself, so the boundary between prompt and answer is always a token boundary, and BOS is added once.
// What the model sees for a prompt is `render_prompt(...).text`; its hash identifies the prompt in every record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/architecture.h"
#include "temper/batch.h"
#include "temper/dataset.h"
#include "temper/tokenizer.h"

namespace temper {

/// "chatml", "llama3" and "zephyr" are those of the models of these names: their special tokens have to be in the
/// vocabulary, answers end with the template's own end token, and the tokenizer's default system prompt comes first where a
/// conversation has none. "instruction": "### Instruction:\n...\n\n### Response:\n"; "chat":
/// "<|user|>\n...\n<|assistant|>\n"; "plain": the text itself followed by a line break.
TEMPER_API std::vector<std::string> template_names();

struct RenderedPrompt {
  std::string text;               ///< without BOS
  std::vector<std::int32_t> ids;  ///< with BOS if the tokenizer has one
};

/// Messages up to and including the last user turn, ready for the model's answer. Throws ConfigError for an unknown
/// template and DataError for an unknown role or no user turn.
TEMPER_API RenderedPrompt render_prompt(const std::string& template_name, const std::vector<Message>& messages,
                                        const Tokenizer& tokenizer);
/// A training example: loss on assistant turns and the EOS after each, nothing else.
TEMPER_API Example render_training(const std::string& template_name, const std::vector<Message>& messages,
                                   const Tokenizer& tokenizer);

/// What a model of these traits trains on. Decoder-only: one example, its prompt marked as prefix. Encoder-decoder: one
/// example for each assistant turn, with the conversation up to it, ended by EOS, as source (P-T5-09).
TEMPER_API std::vector<Example> training_examples(const std::string& template_name, const std::vector<Message>& messages,
                                                  const Tokenizer& tokenizer, const ArchitectureTraits& traits);

}  // namespace temper
