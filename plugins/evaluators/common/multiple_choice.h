// Options scored by likelihood: the tokens of an option behind its context, the scores in chunks, and which option wins.
// Context and continuation are split as lm-evaluation-harness 0.4.13 does (lm_eval/api/model.py, _encode_pair); MC1 and MC2
// are those of Lin, Hilton and Evans, "TruthfulQA" (2022), section 3.1. Used by in_context and by TruthfulQA's evaluator.
// A tie is never a win: an option has to be strictly better than every other, so that the order of options does not matter
// (P-EVAL-02).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "temper/evaluator.h"

namespace temper::evaluators {

/// log p(continuation | context) as a request. White space at the context's end goes to the continuation; the continuation's
/// tokens are those of the joined text behind the context's own. Where a token reaches over the border, both are tokenised
/// by themselves, so that every continuation keeps its tokens (P-EVAL-01); for an encoder-decoder always. BOS, or EOS if the
/// tokenizer has no BOS, stands for an empty context. Throws DataError for an empty continuation.
ScoreRequest continuation_request(const std::string& context, const std::string& continuation, const Tokenizer& tokenizer,
                                  bool encoder_decoder = false);
/// The same behind tokens that end at a border of their own, as a chat template's do: the continuation by itself, without a
/// space in front (P-EVAL-12).
ScoreRequest continuation_request(std::vector<std::int32_t> context_ids, const std::string& continuation,
                                  const Tokenizer& tokenizer);

/// The scores of every question's options, in order; questions may have any number of options. Reports progress under
/// `evaluator` and throws Cancelled.
std::vector<std::vector<Score>> score_options(EvalContext& context, const std::string& evaluator,
                                              const std::vector<std::vector<ScoreRequest>>& questions);

/// Sums of token log-probabilities, not means.
std::vector<double> sums_of(const std::vector<Score>& scores);
/// Divided by the bytes of each option's text (without delimiter): what acc_norm compares. A text without bytes counts one.
std::vector<double> per_byte(const std::vector<double>& sums, const std::vector<std::string>& options);

/// The best option, the first of them on a tie, and whether another is as good.
struct Pick {
  std::size_t index = 0;
  bool tied = false;
};
Pick best_option(const std::vector<double>& scores);
/// Whether one of the right options is strictly better than every wrong one. `right` are indices, not empty.
bool is_right(const std::vector<double>& scores, const std::vector<std::size_t>& right);

/// Log-likelihoods of one question's options. Both sides have at least one.
struct TruthScores {
  std::vector<double> right, wrong;
};
/// 1 if `best` is strictly likelier than every wrong option, else 0; a tie is 0.
double mc1(double best, const std::vector<double>& wrong);
/// Share of the right options in the summed probability of all (P-EVAL-03).
double mc2(const TruthScores& scores);

}  // namespace temper::evaluators
