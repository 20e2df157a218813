// `temper import` and `temper export`: other systems' models in and out.
#include <ATen/core/Tensor.h>

#include <cstdio>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/convert/export.h"
#include "host/convert/import.h"
#include "host/run/model_store.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
namespace {

at::ScalarType type_from(const std::string& name) {
  if (name == "float32") return at::kFloat;
  if (name == "bfloat16") return at::kBFloat16;
  if (name == "float16") return at::kHalf;
  throw ConfigError("dtype = " + name + ": must be float32, bfloat16 or float16");
}

}  // namespace

int import_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("force", "replace DIR if it is a checkpoint already");
  const auto options = parse_options(args,
                                     {"temper import SRC DIR",
                                      "Turns SRC, a Hugging Face folder (config.json with safetensors) or a GGUF file, into "
                                      "the checkpoint folder DIR."},
                                     own, 2, 2);
  if (options.help_shown) return 0;
  const PluginHost host = load_host(options);
  TerminalProgress progress(progress_style(options));
  const auto report =
      import_model(host.registry, options.positional[0], options.positional[1], options.has("force"), progress);
  for (const auto& note : report.notes) std::fprintf(stderr, "temper: note: %s\n", note.c_str());
  std::printf("%s: architecture %s, %.1f M parameters, vocabulary %lld; tokenizer %s with %lld tokens; prompt template %s\n",
              options.positional[1].c_str(), report.architecture.c_str(), static_cast<double>(report.parameters) / 1e6,
              static_cast<long long>(report.vocab_size), report.tokenizer.c_str(),
              static_cast<long long>(report.tokenizer_size),
              report.prompt_template.empty() ? "none" : report.prompt_template.c_str());
  return 0;
}

int export_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("dtype", po::value<std::string>()->default_value("float32"), "float32, bfloat16 or float16")(
      "shard-size", po::value<std::string>()->default_value("5GB"), "largest weight file, e.g. 200MB")(
      "force", "replace DIR if it is an exported model already");
  const auto options =
      parse_options(args,
                    {"temper export MODEL DIR [options]",
                     "Writes MODEL (RECORD.h5:STAGE or a checkpoint folder) as the Hugging Face folder DIR."},
                    own, 2, 2);
  if (options.help_shown) return 0;
  ExportOptions wanted;
  wanted.type = type_from(options.get<std::string>("dtype"));
  wanted.shard_size = parse_size(options.get<std::string>("shard-size"));
  wanted.force = options.has("force");
  const PluginHost host = load_host(options);
  const LoadedModel loaded = load_model(host.registry, find_checkpoint(options.positional[0]));
  TerminalProgress progress(progress_style(options));
  const auto files = export_model(*loaded.model, *loaded.tokenizer, options.positional[1], wanted, progress);
  for (const auto& file : files) std::printf("%s/%s\n", options.positional[1].c_str(), file.c_str());
  return 0;
}

}  // namespace temper
