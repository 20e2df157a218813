// Prompt templates: how a conversation becomes tokens, the same in training, generation, reward and scoring. Each turn is
// tokenised by itself, so the boundary between prompt and answer is always a token boundary, and BOS is added once.
// What the model sees for a prompt is `render_prompt(...).text`; its hash identifies the prompt in every record.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/batch.h"
#include "temper/dataset.h"
#include "temper/tokenizer.h"

namespace temper {

/// "instruction": "### Instruction:\n...\n\n### Response:\n"; "chat": "<|user|>\n...\n<|assistant|>\n"; "plain": the text
/// itself followed by a line break.
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

}  // namespace temper
