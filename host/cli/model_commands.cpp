// `temper tokenize` and `logits`: what a tokenizer and a model make of a text, for people and for tests.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/run/model_store.h"
#include "temper/error.h"

namespace temper {
namespace po = boost::program_options;
using Json = nlohmann::ordered_json;
namespace {

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

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

int tokenize_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("special", "read special tokens' spellings as those tokens; without it they are ordinary text")(
      "format", po::value<std::string>()->default_value("text"), "text or json");
  const auto options = parse_options(args, {"temper tokenize MODEL TEXT", "Shows the tokens of a text."}, own, 2, 2);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  const PluginHost host = load_host(options);
  const auto folder = find_checkpoint(options.positional[0]);
  const auto tokenizer = load_tokenizer(host.registry, folder, read_manifest(folder));
  const auto& text = options.positional[1];
  const auto ids = options.has("special") ? tokenizer->encode_special(text) : tokenizer->encode(text);
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
  own.add_options()("ids", po::value<std::string>(), "token ids, e.g. 1,2,3")("source-ids", po::value<std::string>(),
                                                                              "what an encoder-decoder's encoder reads")(
      "format", po::value<std::string>()->default_value("text"),
      "text (ten best of the last position) or json (all of every position)");
  add_device_option(own);
  const auto options = parse_options(
      args, {"temper logits MODEL --ids 1,2,3", "Logits of the next token after each of the given ids."}, own, 1, 1);
  if (options.help_shown) return 0;
  if (!options.has("ids")) throw ConfigError("--ids is missing; give token ids such as --ids 1,2,3");
  const bool json = wants_json(options);
  const PluginHost host = load_host(options);
  const LoadedModel loaded = load_model(host.registry, find_checkpoint(options.positional[0]), device_of(options));
  const at::NoGradGuard guard;
  const auto row = [&](const char* name) {
    const auto ids = parse_ids(options.get<std::string>(name), loaded.manifest.vocab_size);
    return at::tensor(std::vector<std::int64_t>(ids.begin(), ids.end()), at::kLong).unsqueeze(0);
  };
  ModelInput input;
  input.ids_BT = row("ids");
  const bool encoder_decoder = loaded.model->traits().encoder_decoder;
  if (encoder_decoder != options.has("source-ids")) {
    throw ConfigError(encoder_decoder ? "this model is an encoder-decoder; give its source with --source-ids 1,2,3"
                                      : "this model is decoder-only and takes no --source-ids");
  }
  if (encoder_decoder) {
    input.source_ids_BS = row("source-ids");
    input.source_segments_BS = at::zeros_like(input.source_ids_BS);
    input.segments_BT = at::zeros_like(input.ids_BT);
  }
  const at::Tensor logits_TV =
      loaded.model->logits(to_device(input, loaded.model->device())).squeeze(0).to(at::kCPU).contiguous();
  const auto rows = logits_TV.size(0), columns = logits_TV.size(1);
  if (json) {
    Json all = Json::array();
    for (std::int64_t t = 0; t < rows; ++t) {
      const float* values = logits_TV.const_data_ptr<float>() + t * columns;
      all.push_back(std::vector<float>(values, values + columns));
    }
    const auto* ids = input.ids_BT.const_data_ptr<std::int64_t>();
    std::printf("%s\n", dump({{"ids", std::vector<std::int64_t>(ids, ids + rows)}, {"logits", all}}).c_str());
    return 0;
  }
  const auto [values, indices] = logits_TV[rows - 1].topk(std::min<std::int64_t>(10, columns));
  for (std::int64_t i = 0; i < values.size(0); ++i) {
    const auto id = indices[i].item<std::int64_t>();
    // Embeddings may be padded beyond the vocabulary; those columns are no tokens.
    const bool known = id < loaded.tokenizer->vocab_size();
    std::printf("%6ld  %10.5f  %s\n", static_cast<long>(id), values[i].item<double>(),
                known ? loaded.tokenizer->piece(static_cast<std::int32_t>(id)).c_str() : "(no token)");
  }
  return 0;
}

}  // namespace temper
