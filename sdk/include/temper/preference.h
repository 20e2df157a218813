// The mathematics of learning from preferences, as plain tensor functions: Bradley-Terry losses for reward models, DPO and
// its relatives, KTO, and the numbers that are reported beside them. No model, no I/O; the stages reward_model, dpo and kto
// call them. Losses are differentiable and come one per pair or row, unreduced, so that the caller weights them; everything
// called a reward is detached. Tensors are float32 or float64 (half types are computed in float32) on one device.
// Shapes must match exactly: nothing broadcasts, a mismatch throws PluginError naming both shapes.
// Shapes: P pairs, B rows, T positions of a row (prompt and answer), N values.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "temper/error.h"

namespace temper {

// ---- Where a reward is read, which log-probabilities count

/// Index of the last real token of each row, int64, from lengths of right-padded rows: length - 1. Never found by looking
/// for a pad id, which may be the EOS. A length below 1 throws DataError.
TEMPER_API at::Tensor last_token_index(const at::Tensor& lengths_B);
/// The same from a mask (bool, or numbers with 0 = padding): the last position that is set, whatever the padding side.
/// The mask is that of the tokens themselves, not shifted to their targets. A row with no position set throws DataError.
TEMPER_API at::Tensor last_masked_index(const at::Tensor& mask_BT);
/// values_BT[b, index_B[b]], differentiable. An index outside the row throws PluginError.
TEMPER_API at::Tensor values_at(const at::Tensor& values_BT, const at::Tensor& index_B);
/// Sum over the masked positions (log-probability of the answer, when the mask is the answer's and its EOS). Positions
/// outside the mask may hold anything, NaN included: neither value nor gradient passes. A row without any gives 0.
TEMPER_API at::Tensor masked_sum(const at::Tensor& values_BT, const at::Tensor& mask_BT);
/// How many tokens of this answer fit after its prompt: each answer of a pair is cut by its own length. 0: nothing fits,
/// drop the pair.
TEMPER_API std::int64_t kept_answer_tokens(std::int64_t prompt_tokens, std::int64_t answer_tokens, std::int64_t max_tokens);

// ---- Reward models (Bradley & Terry 1952; Ouyang et al. 2022, "InstructGPT")

/// -log sigmoid(chosen - rejected - margin) + centring * (chosen + rejected)^2, per pair. The margin (Touvron et al. 2023)
/// may be undefined = 0; `centring` pulls rewards to mean zero (Eisenstein et al. 2023; 0.01 is usual), 0 is off. Finite for
/// any finite rewards.
TEMPER_API at::Tensor bradley_terry_loss(const at::Tensor& chosen_P, const at::Tensor& rejected_P,
                                         const at::Tensor& margin_P = {}, double centring = 0.0);
/// 1 / (number of pairs of the same prompt), float32: InstructGPT's weight, under which each prompt counts once however many
/// of its K candidates were ranked. The weights sum to the number of prompts. prompt_P is any int64 id.
TEMPER_API at::Tensor pair_weights(const at::Tensor& prompt_P);

struct PairAccuracy {
  std::int64_t pairs = 0;
  double accuracy = 0.0;     ///< fraction with chosen > rejected, strictly
  double tie_rate = 0.0;     ///< fraction with chosen == rejected: neither right nor wrong
  double mean_margin = 0.0;  ///< mean of chosen - rejected
};
/// All zero for no pairs. A NaN reward throws DataError.
TEMPER_API PairAccuracy pair_accuracy(const at::Tensor& chosen_P, const at::Tensor& rejected_P);

constexpr int kCalibrationBins = 10;
struct Calibration {
  struct Bin {
    std::int64_t pairs = 0;
    double confidence = 0.0;  ///< mean confidence of the pairs in this bin
    double accuracy = 0.0;    ///< how often the more likely answer was the chosen one
  };
  std::array<Bin, kCalibrationBins> bins;  ///< equal widths over confidence 0.5 to 1; upper edge belongs to the bin below
  double expected_error = 0.0;             ///< sum over bins of pairs/all * |confidence - accuracy| (Guo et al. 2017)
  double brier = 0.0;                      ///< mean of (1 - p(chosen))^2
};
/// p(chosen) = sigmoid(chosen - rejected). The chosen answer is always the right one, so bins over p(chosen) would have
/// accuracy 1 each; the bins are over the confidence max(p, 1 - p) in the answer that the model prefers. A tie has
/// confidence 0.5 and counts as half right.
TEMPER_API Calibration pair_calibration(const at::Tensor& chosen_P, const at::Tensor& rejected_P);

/// normalised = gain * raw + bias. Fitted once on reference samples, then frozen and stored with the reward model.
struct RewardNormalisation {
  double gain = 1.0;
  double bias = 0.0;
  TEMPER_API at::Tensor apply(const at::Tensor& rewards) const;
};
/// Mean 0 and population standard deviation 1 (ddof 0) on these rewards. No rewards, equal rewards or NaN throw DataError.
TEMPER_API RewardNormalisation fit_gain_and_bias(const at::Tensor& rewards_N);
/// Gain 1: only the mean becomes 0 (InstructGPT: demonstrations average zero). No rewards or NaN throw DataError.
TEMPER_API RewardNormalisation fit_bias(const at::Tensor& rewards_N);

// ---- Direct preference optimisation

enum class DpoLoss {
  kSigmoid,  ///< -(1-s) log sigmoid(x) - s log sigmoid(-x): Rafailov et al. 2023; s = label_smoothing > 0: Mitchell 2023
             ///< (cDPO)
  kRobust,   ///< (-(1-s) log sigmoid(x) + s log sigmoid(-x)) / (1-2s): Chowdhury et al. 2024, unbiased under flip rate s
  kIpo,      ///< (h - 1/(2 beta))^2, h the difference of log-ratios averaged over tokens: Azar et al. 2023
  kHinge,    ///< max(0, 1 - x): Zhao et al. 2023 (SLiC)
};
/// x = beta * ((log pi - log ref)(chosen) - (log pi - log ref)(rejected)), sums over the answer's tokens.
struct DpoSettings {
  DpoLoss loss = DpoLoss::kSigmoid;
  double beta = 0.1;             ///< > 0
  double label_smoothing = 0.0;  ///< 0 <= s < 0.5; must be 0 for kIpo and kHinge. Else ConfigError.
};
/// Sums over answer tokens (and EOS) only: with the prompt included the loss stays right but the rewards do not.
struct PairLogProbs {
  at::Tensor policy_chosen_P, policy_rejected_P;            ///< differentiable
  at::Tensor reference_chosen_P, reference_rejected_P;      ///< treated as constants
  at::Tensor chosen_tokens_P = {}, rejected_tokens_P = {};  ///< answer tokens, at least 1; needed by kIpo only
};
struct DpoTerms {
  at::Tensor loss_P;
  at::Tensor chosen_rewards_P;    ///< beta * (log pi - log ref), summed for every loss, kIpo too; detached
  at::Tensor rejected_rewards_P;  ///< as above. pair_accuracy() of the two is the usual "reward accuracy".
};
TEMPER_API DpoTerms dpo_loss(const PairLogProbs& log_probs, const DpoSettings& settings);

// ---- Kahneman-Tversky optimisation (Ethayarajh et al. 2024)

/// max(0, mean of log pi - log ref) over answers paired with prompts that are not theirs (in a batch: answer of the next
/// row), a scalar, detached. Give the mean over all ranks when there are several. At least one row.
TEMPER_API at::Tensor kto_baseline(const at::Tensor& policy_mismatched_B, const at::Tensor& reference_mismatched_B);

struct KtoSettings {
  double beta = 0.1;                ///< > 0
  double desirable_weight = 1.0;    ///< lambda_D, >= 0
  double undesirable_weight = 1.0;  ///< lambda_U, >= 0; the paper wants weight * count of both kinds within 1 to 4/3
};
struct KtoTerms {
  at::Tensor loss_B;     ///< w_D (1 - sigmoid(beta (r - z))) or w_U (1 - sigmoid(beta (z - r))), r = log pi - log ref
  at::Tensor rewards_B;  ///< beta * r, detached
};
/// `desirable_B` is bool; `baseline` is z, a scalar, used as a constant. Average loss_B over all rows (weights not in the
/// count).
TEMPER_API KtoTerms kto_loss(const at::Tensor& policy_B, const at::Tensor& reference_B, const at::Tensor& desirable_B,
                             const at::Tensor& baseline, const KtoSettings& settings);

}  // namespace temper
