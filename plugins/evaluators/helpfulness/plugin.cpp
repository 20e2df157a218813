// Registers the evaluator helpfulness; everything it does is in helpfulness.cpp and task_success.cpp.
#include "temper/plugin.h"

#include "helpfulness.h"

TEMPER_PLUGIN("helpfulness", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "helpfulness",
      "Task success on items whose answers a program can verify; reward of the answers; win rate against another side.",
      helpfulness::params_table(), [](const helpfulness::Params& params, const Evaluator::Args& args) {
        return std::make_unique<helpfulness::Helpfulness>(params, args.base_dir);
      });
}
