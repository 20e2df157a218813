// Helpfulness: whether answers did what was asked (items that a program can verify, task_success.h), what reward models say
// of them, and how often they are preferred to the answers of another side (opponents.h, win_rate.h). Two interfaces: the
// evaluator generates and measures; the judge scores answers that any system wrote.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "shared_reading.h"
#include "temper/evaluator.h"
#include "temper/generate.h"
#include "text_reward.h"

namespace temper::helpfulness {

struct Params {
  std::vector<std::string> data;
  std::int64_t limit = 0;
  std::vector<std::string> reward;         ///< stages
  std::vector<std::string> reward_models;  ///< models from outside
  std::string against, judge;
  SamplingParams sampling;
  bool compares() const { return !against.empty(); }
  bool rewards() const { return !reward.empty() || !reward_models.empty(); }
};
ParamTable<Params> params_table();

class Helpfulness final : public Evaluator, public TextJudge {
 public:
  explicit Helpfulness(const Params& params, std::string base_dir = "") : params_(params), base_dir_(std::move(base_dir)) {}

  EvalResult evaluate(EvalContext& context) override;
  void help(EvalContext& context, const std::string& order) override { stages::help_reading(context, order); }
  void begin_judging(ModelLender& models) override;
  /// In: response, and what its task needs: reference (or answer), choices, instruction_id_list with kwargs, task; prompt
  /// and item_id (or key, id) are handed through. Out: task and correct; without `correct` where no right answer is known.
  /// With reward_models also reward, and with a field other_response also win (1, 0.5 or 0).
  std::string judge(const std::string& row_json) override;

 private:
  Params params_;
  std::string base_dir_;
  std::vector<stages::TextReward> readers_;  ///< of begin_judging
};

}  // namespace temper::helpfulness
