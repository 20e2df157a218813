// Entry of the llama architecture: its registration.
#include "temper/plugin.h"

#include "llama.h"

TEMPER_PLUGIN("llama", "0.1.0") {
  using namespace temper;
  registrar.add<Architecture>(
      "llama", "Llama-family decoder-only transformer: RMS norm, rotary positions, SwiGLU, grouped-query attention.",
      llama::llama_params(),
      [](const llama::LlamaParams& params, const Architecture::Args& args) {
        return std::make_unique<llama::Llama>(params, args);
      },
      llama::llama_from_hugging_face);
}
