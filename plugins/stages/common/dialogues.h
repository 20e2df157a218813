// A prompt with one answer, as tokens, and the one form in which every stage here reads it: all of it goes in, the end token
// too, and each answer token is the label of the position before it. So log-probabilities, values, the value after a cut
// answer and the reward at the last real token all come from the same rows.
// Shapes: B rows, T positions, N = B * T.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/architecture.h"
#include "temper/batch.h"
#include "temper/context.h"
#include "temper/dataset.h"
#include "temper/loss.h"

namespace temper::stages {

struct Dialogue {
  std::vector<std::int64_t> prompt;  ///< with BOS; what an encoder reads, ended by EOS, if the model has one
  std::vector<std::int64_t> answer;  ///< ends with the template's end token, unless it was cut
};

/// `template_name` as the model's (""): see template.h.
Dialogue tokenize(const std::string& template_name, const std::vector<Message>& prompt, const std::string& answer,
                  const Tokenizer& tokenizer, const ArchitectureTraits& traits);
/// A prompt alone.
std::vector<std::int64_t> tokenize_prompt(const std::string& template_name, const std::vector<Message>& prompt,
                                          const Tokenizer& tokenizer, const ArchitectureTraits& traits);
/// The token that ends an answer under this template.
std::int64_t end_token(const std::string& template_name, const Tokenizer& tokenizer, const ArchitectureTraits& traits);

/// Cuts to `context` positions: an answer that is too long loses its end, then a prompt its beginning (at least one prompt
/// token stays). Each answer is cut by its own length (P-DPO-03). Returns whether anything was cut.
bool fit_to(Dialogue& dialogue, std::int64_t context, const ArchitectureTraits& traits);

Example example_of(const Dialogue& dialogue, const ArchitectureTraits& traits, std::int64_t pad_id);
/// One dialogue a row, padded on the right. extra["last_B"] is the index of each row's last real token, extra["last_N"] the
/// same among all positions in a row; both by length, never by looking for a padding id (P-RM-01).
Batch answer_batch(const std::vector<Dialogue>& dialogues, const ArchitectureTraits& traits, std::int64_t pad_id);
/// Several dialogues a row of `length` positions where the model allows it (an encoder-decoder gets answer_batch): the same
/// numbers with less padding. extra["last_N"] as above; extra["dialogue_N"] says whose a position is, -1 for nobody's.
Batch packed_answer_batch(const std::vector<Dialogue>& dialogues, const ArchitectureTraits& traits, std::int64_t pad_id,
                          std::int64_t length);
/// Sums of the values of each dialogue's positions, differentiable.
at::Tensor sum_by_dialogue(const at::Tensor& values_BT, const Batch& batch, std::int64_t dialogues);
/// Some rows of a batch made by answer_batch, cut to the longest of them.
Batch select_rows(const Batch& batch, const at::Tensor& rows);

/// log p and entropy of every answer token, at its label's position.
struct AnswerLogProbs {
  at::Tensor log_probs_BT, entropy_BT;
};
AnswerLogProbs answer_log_probs(const at::Tensor& hidden_BTD, Architecture& model, const Batch& batch, double temperature);

/// Indices of `lengths` sorted from long to short and cut into groups of at most `tokens` padded positions: how rows are
/// read fastest where nothing depends on their order.
inline constexpr std::int64_t kScoringTokens = 4096;  ///< for groups that are only read, without gradients
std::vector<std::vector<std::int64_t>> length_groups(const std::vector<std::int64_t>& lengths, std::int64_t tokens);

/// The template to use: the stage's own, else the one the model was tuned with, else `instruction`; told to the context.
std::string choose_template(StageContext& context, const std::string& given);

/// Groups what belongs to one prompt: roles and contents, line by line.
std::string key_of(const std::vector<Message>& messages);

struct Prompt {
  std::string id;
  std::vector<Message> messages;  ///< ends with a user turn
};
/// Prompts of instruction rows or of preference pairs, equal ones once, in the data's order.
std::vector<Prompt> prompts_of(StageContext& context, const std::vector<std::string>& datasets, const std::string& source);

}  // namespace temper::stages
