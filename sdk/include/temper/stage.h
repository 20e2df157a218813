// A stage: turns one checkpoint into the next (pretrain, sft, reward_model, ppo, ...). It asks the context for models and
// data and trains; the host saves the result, resumes it exactly and evaluates it.
#pragma once

#include <memory>
#include <string_view>

#include "temper/context.h"

namespace temper {

class TEMPER_API Stage {
 public:
  static constexpr std::string_view kKind = "stage";
  struct Args {};
  virtual ~Stage();
  /// Runs to the end, or throws Cancelled with a resumable state saved. Divergence is the returned status. [run]
  virtual FitStatus run(StageContext& context) = 0;
};

}  // namespace temper
