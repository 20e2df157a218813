// Learning from single answers that somebody found good or bad (a judge of truth, say): binary cross-entropy on the head's
// reading at the last token, which is then the log-odds that an answer is good. Nothing is normalised. Used by
// reward_model.cpp; readers know such a head by the checkpoint's text kLossText. Shapes: B answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "dialogues.h"
#include "reward_head.h"
#include "temper/context.h"

namespace temper::reward_model {

/// Kept beside the head: "binary". Heads that learnt from pairs have no such text.
inline constexpr const char* kLossText = "reward_loss";

struct LabelledAnswers {
  std::vector<stages::Dialogue> dialogues;
  std::vector<float> good;           ///< 1 or 0
  std::vector<std::string> prompts;  ///< answers to one prompt are not independent
  std::int64_t cut = 0;              ///< dialogues that did not fit the context whole
  std::int64_t good_count() const;
};

/// Every side of every row is an answer: chosen ones are good. Throws DataError if only one of the two labels is there.
LabelledAnswers label_answers(const std::vector<PreferencePair>& rows, const std::string& template_name,
                              std::int64_t context_length, const Tokenizer& tokenizer, const ArchitectureTraits& traits);

/// Rows of the chosen answers; extra["good_B"] holds their labels.
Batch labelled_batch(const LabelledAnswers& answers, const std::vector<std::int64_t>& chosen,
                     const ArchitectureTraits& traits, std::int64_t pad_id, std::int64_t row_length);

/// Sum over answers of -log p(label), with accuracy and mean probability of a good answer.
SummedLoss label_loss(Architecture& model, const stages::RewardHead& head, const Batch& batch);

/// Area under the ROC curve: how often a good answer reads higher than a bad one, ties half. Both kinds must be there.
/// Source: Mann and Whitney (1947).
double area_under_curve(const std::vector<double>& readings, const std::vector<float>& good);

struct LabelSettings {
  bool probe = false;  ///< whether the head starts from probe.h
  std::int64_t probe_rows = 4096;
  double probe_strength = 0.003;
};
/// The whole stage: data, sentinels, training, report over held-out answers, head kept.
FitStatus learn_labels(StageContext& context, const std::vector<std::string>& data, const std::string& template_name,
                       const LabelSettings& settings, const TrainParams& train);

}  // namespace temper::reward_model
