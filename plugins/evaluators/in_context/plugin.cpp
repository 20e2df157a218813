// Registers the evaluator in_context. Built-in tasks lie in in_context/tasks beside the plugin's library.
#include "temper/plugin.h"

#include <dlfcn.h>

#include <filesystem>

#include "in_context.h"

namespace {

std::filesystem::path built_in_tasks() {
  Dl_info info{};
  if (dladdr(reinterpret_cast<const void*>(&built_in_tasks), &info) == 0 || info.dli_fname == nullptr) return {};
  return std::filesystem::absolute(info.dli_fname).parent_path() / "in_context" / "tasks";
}

}  // namespace

TEMPER_PLUGIN("in_context", "0.1.0") {
  using namespace temper;
  registrar.add<Evaluator>(
      "in_context",
      "Multiple-choice, cloze, generation and perplexity tasks from description files, zero-shot or with demonstrations.",
      in_context::params_table(), [](const in_context::Params& params, const Evaluator::Args& args) {
        return std::make_unique<in_context::InContext>(params, args.base_dir, built_in_tasks());
      });
}
