// `temper generate`: one prompt, zero- or few-shot, answered once or several times.
#include <cstdio>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "host/chat/stream_text.h"
#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/cli/sampling_options.h"
#include "host/infer/generator.h"
#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/few_shot.h"
#include "temper/template.h"

namespace temper {
namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
namespace {

std::string read_prompt(const ParsedOptions& options) {
  if (options.has("prompt")) return options.get<std::string>("prompt");
  std::string prompt(std::istreambuf_iterator<char>(std::cin), {});
  while (!prompt.empty() && prompt.back() == '\n') prompt.pop_back();
  return prompt;
}

/// Rows {"input": ..., "output": ..., "id": ..., "label": ...}; the last two may be missing.
std::vector<Demonstration> read_demonstrations(const std::string& file) {
  std::vector<Demonstration> pool;
  std::istringstream lines(read_text_file(file));
  std::int64_t number = 0;
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    try {
      const Json row = Json::parse(line);
      const auto id = row.contains("id") ? row["id"].dump() : "line " + std::to_string(number);
      pool.push_back({id, row.at("input"), row.at("output"), row.value("label", std::string())});
    } catch (const Json::exception&) {
      throw DataError(file + ":" + std::to_string(number) +
                      ": a demonstration is a JSON object with the texts \"input\" and \"output\" (and \"label\", \"id\")");
    }
  }
  return pool;
}

/// Task description, demonstrations and input as one prompt; the input alone where none are asked for.
std::string with_demonstrations(const ParsedOptions& options, const std::string& input) {
  FewShotParams params;
  params.shots = options.get<std::int64_t>("shots");
  params.balanced = options.has("balanced");
  params.description = options.has("description") ? options.get<std::string>("description") : "";
  params.input_prefix = options.get<std::string>("input-prefix");
  params.output_prefix = options.get<std::string>("output-prefix");
  if (params.shots < 0) throw ConfigError("shots must be at least 0");
  if (params.shots > 0 && !options.has("demonstrations")) {
    throw ConfigError("--shots " + std::to_string(params.shots) + " needs --demonstrations FILE.jsonl to draw from");
  }
  const bool plain =
      params.shots == 0 && params.description.empty() && params.input_prefix.empty() && params.output_prefix.empty();
  if (plain) return input;
  const auto pool =
      params.shots > 0 ? read_demonstrations(options.get<std::string>("demonstrations")) : std::vector<Demonstration>{};
  const Demonstration item{"", input, "", ""};
  return few_shot_prompt(pool, choose_demonstrations(pool, item, params, options.get<std::uint64_t>("seed")), item, params);
}

RenderedPrompt render(const ParsedOptions& options, const LoadedModel& loaded, const std::string& prompt) {
  RenderedPrompt rendered;
  if (options.has("raw")) {
    rendered.text = prompt;
    if (loaded.tokenizer->bos_id() >= 0) rendered.ids.push_back(loaded.tokenizer->bos_id());
    for (const auto id : loaded.tokenizer->encode(prompt)) rendered.ids.push_back(id);
    return rendered;
  }
  std::vector<Message> messages;
  if (options.has("system")) messages.push_back({"system", options.get<std::string>("system")});
  messages.push_back({"user", prompt});
  return render_prompt(template_or_default(loaded.manifest.prompt_template), messages, *loaded.tokenizer);
}

}  // namespace

int generate_command(const std::vector<std::string>& args) {
  SamplingParams defaults;
  defaults.max_new_tokens = 128;
  po::options_description own;
  own.add_options()("prompt", po::value<std::string>(), "what to ask; without it the prompt is read from standard input")(
      "system", po::value<std::string>(), "system message")("raw",
                                                            "continue the text as it is, without the prompt template");
  add_sampling_options(own, defaults);
  add_device_option(own);
  own.add_options()("n", po::value<std::int64_t>()->default_value(1), "answers to the prompt; they share its processing")(
      "seed", po::value<std::uint64_t>()->default_value(1), "of the sampling and of the choice of demonstrations")(
      "shots", po::value<std::int64_t>()->default_value(0), "demonstrations put before the prompt")(
      "demonstrations", po::value<std::string>(), "JSON lines with input and output to draw them from")(
      "balanced", "draw as many of each label as possible")("description", po::value<std::string>(),
                                                            "task description put first")(
      "input-prefix", po::value<std::string>()->default_value(""), "before each input, e.g. 'Q: '")(
      "output-prefix", po::value<std::string>()->default_value(""), "before each output, e.g. 'A: '")(
      "format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(
      args, {"temper generate MODEL --prompt TEXT [options]", "MODEL is RECORD.h5:STAGE or a checkpoint folder."}, own, 1,
      1);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  const SamplingParams sampling = sampling_from(options, defaults);
  const auto count = options.get<std::int64_t>("n");
  if (count < 1) throw ConfigError("n must be at least 1");
  const std::string prompt = with_demonstrations(options, read_prompt(options));
  const PluginHost host = load_host(options);
  const LoadedModel loaded = load_model(host.registry, find_checkpoint(options.positional[0]), device_of(options));
  const RenderedPrompt rendered = render(options, loaded, prompt);
  std::vector<GenerateRequest> requests;
  const auto seed = options.get<std::uint64_t>("seed");
  for (std::int64_t i = 0; i < count; ++i) {
    requests.push_back({rendered.ids, derive_seed(seed, static_cast<std::uint64_t>(i))});
  }
  GeneratorOptions how;
  how.cancelled = cancel_requested;
  how.on_weight_effect = [&](const WeightEffect& effect) {
    if (!options.has("quiet")) std::fprintf(stderr, "%s\n", to_text(effect).c_str());
  };
  StreamText stream(sampling.stop);
  const bool streams = !json && count == 1;
  if (streams) {
    how.on_text = [&](std::size_t, const std::string& text) {
      std::fputs(stream.next(text, false).c_str(), stdout);
      std::fflush(stdout);
    };
  }
  const auto completions = BatchGenerator(*loaded.model, *loaded.tokenizer, how).generate(requests, sampling);
  for (const auto& completion : completions) {
    if (json) {
      const Json row = {{"prompt", rendered.text},         {"text", completion.text},
                        {"ids", completion.ids},           {"log_probs", completion.log_probs},
                        {"finished", completion.finished}, {"stopped_by", completion.stopped_by}};
      std::printf("%s\n", row.dump(-1, ' ', false, Json::error_handler_t::replace).c_str());
    } else {
      std::printf("%s\n", streams ? stream.next(completion.text, true).c_str() : completion.text.c_str());
    }
  }
  return 0;
}

}  // namespace temper
