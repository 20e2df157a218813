// `temper generate`, `tokenize` and `logits`: a trained model or its tokenizer at work.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/infer/generator.h"
#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "temper/error.h"
#include "temper/template.h"

namespace temper {
namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
namespace {

bool wants_json(const ParsedOptions& options) {
  const auto format = options.get<std::string>("format");
  if (format != "text" && format != "json") throw ConfigError("format = " + format + ": must be text or json");
  return format == "json";
}

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// A model may have learnt to end in the middle of a character, so ids are decoded as a whole.
std::vector<std::int32_t> parse_ids(const std::string& text, std::int64_t vocab_size) {
  std::vector<std::int32_t> ids;
  std::istringstream stream(text);
  for (std::string part; std::getline(stream, part, ',');) {
    std::size_t used = 0;
    long value = -1;
    try {
      value = std::stol(part, &used);
    } catch (const std::exception&) {
      used = 0;
    }
    if (used == 0 || used != part.size() || value < 0 || value >= vocab_size) {
      throw ConfigError("ids = " + text + ": '" + part + "' is no token id; ids are whole numbers from 0 to " +
                        std::to_string(vocab_size - 1) + ", separated by commas");
    }
    ids.push_back(static_cast<std::int32_t>(value));
  }
  if (ids.empty()) throw ConfigError("ids is empty; give token ids separated by commas");
  return ids;
}

}  // namespace

int generate_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("prompt", po::value<std::string>(), "what to ask; without it the prompt is read from standard input")(
      "system", po::value<std::string>(), "system message")("raw",
                                                            "continue the text as it is, without the prompt template")(
      "max-new-tokens", po::value<std::int64_t>()->default_value(128), "longest answer")(
      "temperature", po::value<double>()->default_value(0), "0 is greedy")(
      "top-k", po::value<std::int64_t>()->default_value(0), "0 is off")(
      "top-p", po::value<double>()->default_value(1), "1 is off")("n", po::value<std::int64_t>()->default_value(1),
                                                                  "answers to the prompt")(
      "seed", po::value<std::uint64_t>()->default_value(1), "of the sampling")(
      "format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(
      args, {"temper generate MODEL --prompt TEXT [options]", "MODEL is RECORD.h5:STAGE or a checkpoint folder."}, own, 1,
      1);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  SamplingParams sampling;
  sampling.max_new_tokens = options.get<std::int64_t>("max-new-tokens");
  sampling.temperature = options.get<double>("temperature");
  sampling.top_k = options.get<std::int64_t>("top-k");
  sampling.top_p = options.get<double>("top-p");
  const auto count = options.get<std::int64_t>("n");
  if (sampling.max_new_tokens < 1) throw ConfigError("max-new-tokens must be at least 1");
  if (sampling.temperature < 0) throw ConfigError("temperature must be at least 0");
  if (sampling.top_p < 0 || sampling.top_p > 1) throw ConfigError("top-p must be between 0 and 1");
  if (sampling.top_k < 0) throw ConfigError("top-k must be at least 0; 0 is off");
  if (count < 1) throw ConfigError("n must be at least 1");
  std::string prompt;
  if (options.has("prompt")) {
    prompt = options.get<std::string>("prompt");
  } else {
    std::ostringstream input;
    input << std::ifstream("/dev/stdin").rdbuf();
    prompt = std::move(input).str();
    while (!prompt.empty() && prompt.back() == '\n') prompt.pop_back();
  }
  const PluginHost host = load_host(options);
  const LoadedModel loaded = load_model(host.registry, find_checkpoint(options.positional[0]));
  RenderedPrompt rendered;
  if (options.has("raw")) {
    rendered.text = prompt;
    if (loaded.tokenizer->bos_id() >= 0) rendered.ids.push_back(loaded.tokenizer->bos_id());
    for (const auto id : loaded.tokenizer->encode(prompt)) rendered.ids.push_back(id);
  } else {
    std::vector<Message> messages;
    if (options.has("system")) messages.push_back({"system", options.get<std::string>("system")});
    messages.push_back({"user", prompt});
    const auto& name = loaded.manifest.prompt_template;
    rendered = render_prompt(name.empty() ? "instruction" : name, messages, *loaded.tokenizer);
  }
  std::vector<GenerateRequest> requests;
  const auto seed = options.get<std::uint64_t>("seed");
  for (std::int64_t i = 0; i < count; ++i)
    requests.push_back({rendered.ids, derive_seed(seed, static_cast<std::uint64_t>(i))});
  BatchGenerator generator(*loaded.model, *loaded.tokenizer, {64, cancel_requested, {}});
  const auto completions = generator.generate(requests, sampling);
  for (const auto& completion : completions) {
    if (json) {
      std::printf("%s\n", dump({{"prompt", rendered.text},
                                {"text", completion.text},
                                {"ids", completion.ids},
                                {"log_probs", completion.log_probs},
                                {"finished", completion.finished}})
                              .c_str());
    } else {
      std::printf("%s\n", completion.text.c_str());
    }
  }
  return 0;
}

int tokenize_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(args, {"temper tokenize MODEL TEXT", "Shows the tokens of a text."}, own, 2, 2);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  const PluginHost host = load_host(options);
  const auto folder = find_checkpoint(options.positional[0]);
  const auto tokenizer = load_tokenizer(host.registry, folder, read_manifest(folder));
  const auto ids = tokenizer->encode(options.positional[1]);
  Json pieces = Json::array();
  for (const auto id : ids) pieces.push_back(tokenizer->piece(id));
  if (json) {
    std::printf("%s\n", dump({{"ids", ids}, {"pieces", pieces}, {"text", tokenizer->decode(ids)}}).c_str());
    return 0;
  }
  for (std::size_t i = 0; i < ids.size(); ++i) std::printf("%6d  %s\n", ids[i], pieces[i].get<std::string>().c_str());
  std::printf("%zu tokens, %zu bytes\n", ids.size(), options.positional[1].size());
  return 0;
}

int logits_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("ids", po::value<std::string>(), "token ids, e.g. 1,2,3")(
      "format", po::value<std::string>()->default_value("text"),
      "text (ten best of the last position) or json (all of every position)");
  const auto options = parse_options(
      args, {"temper logits MODEL --ids 1,2,3", "Logits of the next token after each of the given ids."}, own, 1, 1);
  if (options.help_shown) return 0;
  if (!options.has("ids")) throw ConfigError("--ids is missing; give token ids such as --ids 1,2,3");
  const bool json = wants_json(options);
  const PluginHost host = load_host(options);
  const LoadedModel loaded = load_model(host.registry, find_checkpoint(options.positional[0]));
  const auto ids = parse_ids(options.get<std::string>("ids"), loaded.manifest.vocab_size);
  const at::NoGradGuard guard;
  ModelInput input;
  input.ids_BT = at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), at::kLong).unsqueeze(0);
  const at::Tensor logits_TV = loaded.model->logits(input).squeeze(0).contiguous();
  const auto rows = logits_TV.size(0), columns = logits_TV.size(1);
  if (json) {
    Json all = Json::array();
    for (std::int64_t t = 0; t < rows; ++t) {
      const float* row = logits_TV.const_data_ptr<float>() + t * columns;
      all.push_back(std::vector<float>(row, row + columns));
    }
    std::printf("%s\n", dump({{"ids", ids}, {"logits", all}}).c_str());
    return 0;
  }
  const auto [values, indices] = logits_TV[rows - 1].topk(std::min<std::int64_t>(10, columns));
  for (std::int64_t i = 0; i < values.size(0); ++i) {
    const auto id = indices[i].item<std::int64_t>();
    std::printf("%6ld  %10.5f  %s\n", static_cast<long>(id), values[i].item<double>(),
                loaded.tokenizer->piece(static_cast<std::int32_t>(id)).c_str());
  }
  return 0;
}

}  // namespace temper
