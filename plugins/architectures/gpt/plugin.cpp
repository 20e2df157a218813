// Entry of the gpt architecture: its registration.
#include "temper/plugin.h"

#include "gpt.h"

TEMPER_PLUGIN("gpt", "0.1.0") {
  using namespace temper;
  registrar.add<Architecture>(
      "gpt", "GPT-2 style decoder-only transformer with learned positions and a tied head.", gpt::gpt_params(),
      [](const gpt::GptParams& params, const Architecture::Args& args) { return std::make_unique<gpt::Gpt>(params, args); },
      gpt::gpt_from_hugging_face);
}
