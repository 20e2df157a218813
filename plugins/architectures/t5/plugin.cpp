// Entry of the t5 architecture: its registration.
#include "temper/plugin.h"

#include "t5.h"

TEMPER_PLUGIN("t5", "0.1.0") {
  using namespace temper;
  registrar.add<Architecture>(
      "t5", "Encoder-decoder transformer with relative positions, T5 1.0 or 1.1.", t5::t5_params(),
      [](const t5::T5Params& params, const Architecture::Args& args) { return std::make_unique<t5::T5>(params, args); },
      t5::t5_from_hugging_face);
}
