// `temper chat`: a conversation in the terminal. Models are loaded when they first speak; the session itself is host/chat.
#include <cstdio>
#include <filesystem>
#include <map>

#include "host/chat/columns.h"
#include "host/chat/line_reader.h"
#include "host/chat/session.h"
#include "host/chat/stream_text.h"
#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/cli/sampling_options.h"
#include "host/infer/generator.h"
#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "temper/error.h"
#include "temper/template.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
namespace {

/// What the person calls each model, and where it is. A record without a stage stands for all its finished stages.
std::vector<std::pair<std::string, std::string>> named_models(const std::vector<std::string>& references) {
  std::vector<std::pair<std::string, std::string>> models;
  for (const auto& reference : references) {
    if (!fs::is_directory(reference) && reference.ends_with(".h5")) {
      for (const auto& stage : finished_stages(reference)) models.emplace_back(stage, reference + ":" + stage);
      continue;
    }
    fs::path path(reference);
    if (!path.has_filename()) path = path.parent_path();
    const auto colon = reference.rfind(':');
    const bool is_stage = !fs::is_directory(reference) && colon != std::string::npos;
    models.emplace_back(is_stage ? reference.substr(colon + 1) : path.filename().string(), reference);
  }
  // Two models of one name are told apart by all of their reference.
  std::map<std::string, int> uses;
  for (const auto& [name, reference] : models) ++uses[name];
  for (auto& [name, reference] : models) {
    if (uses[name] > 1) name = reference;
  }
  return models;
}

/// Loads each model once and answers with it.
class Speakers {
 public:
  Speakers(const Registry& registry, std::vector<std::pair<std::string, std::string>> models, std::uint64_t seed,
           c10::Device device)
      : registry_(registry), models_(std::move(models)), seed_(seed), device_(device) {}

  std::string answer(const std::string& name, std::vector<Message> messages, const SamplingParams& sampling,
                     const std::function<void(const std::string&)>& on_part) {
    const LoadedModel& loaded = model(name);
    const std::string name_of_template = template_or_default(loaded.manifest.prompt_template);
    RenderedPrompt prompt = render_prompt(name_of_template, messages, *loaded.tokenizer);
    // A conversation that outgrows the context loses its oldest exchange, and says so, rather than its system message.
    const std::int64_t limit = loaded.model->traits().max_positions;
    std::int64_t dropped = 0;
    while (limit > 0 &&
           static_cast<std::int64_t>(prompt.ids.size()) > limit - std::min(sampling.max_new_tokens, limit / 4)) {
      const std::size_t first = messages.front().role == "system" ? 1 : 0;
      if (messages.size() - first < 3) break;
      messages.erase(messages.begin() + static_cast<std::ptrdiff_t>(first),
                     messages.begin() + static_cast<std::ptrdiff_t>(first) + 2);
      prompt = render_prompt(name_of_template, messages, *loaded.tokenizer);
      ++dropped;
    }
    if (dropped > 0) on_part("(the context is full: " + std::to_string(dropped) + " earlier exchanges left out)\n");
    StreamText stream(sampling.stop);
    std::string so_far;
    GeneratorOptions how;
    how.cancelled = cancel_requested;
    how.on_text = [&](std::size_t, const std::string& text) {
      so_far = text;
      on_part(stream.next(text, false));
    };
    const auto seed = derive_seed(seed_, turn_++);
    try {
      const auto done = BatchGenerator(*loaded.model, *loaded.tokenizer, how).generate({{prompt.ids, seed}}, sampling);
      on_part(stream.next(done.front().text, true));
      return done.front().text;
    } catch (const Cancelled&) {
      // Ctrl-C ends the answer, not the session.
      cancel_flag() = false;
      on_part(stream.next(so_far, true) + " (stopped)");
      return so_far;
    }
  }

 private:
  const LoadedModel& model(const std::string& name) {
    auto& loaded = loaded_[name];
    if (loaded.model) return loaded;
    for (const auto& [known, reference] : models_) {
      if (known == name) loaded = load_model(registry_, find_checkpoint(reference), device_);
    }
    return loaded;
  }

  const Registry& registry_;
  std::vector<std::pair<std::string, std::string>> models_;
  std::map<std::string, LoadedModel> loaded_;
  std::uint64_t seed_, turn_ = 0;
  c10::Device device_;
};

}  // namespace

int chat_command(const std::vector<std::string>& args) {
  SamplingParams defaults;
  defaults.max_new_tokens = 256;
  po::options_description own;
  own.add_options()("system", po::value<std::string>()->default_value(""), "system message")(
      "seed", po::value<std::uint64_t>()->default_value(1), "of the sampling");
  add_sampling_options(own, defaults);
  add_device_option(own);
  const auto options = parse_options(
      args,
      {"temper chat MODEL... [options]",
       "MODEL is RECORD.h5:STAGE, a checkpoint folder, or RECORD.h5 for all its stages. The last one speaks first; "
       "/help lists what can be typed."},
      own, 1, 64);
  if (options.help_shown) return 0;
  const SamplingParams sampling = sampling_from(options, defaults);
  const auto models = named_models(options.positional);
  // A wrong reference is found now, not when the model is first spoken to.
  for (const auto& [name, reference] : models) find_checkpoint(reference);
  const PluginHost host = load_host(options);
  LineReader reader(chat_history_file());
  Speakers speakers(host.registry, models, options.get<std::uint64_t>("seed"), device_of(options));
  ChatOutput output;
  output.width = terminal_width();
  output.print = [](const std::string& part) {
    std::fputs(part.c_str(), stdout);
    std::fflush(stdout);
  };
  std::vector<std::string> names;
  for (const auto& [name, reference] : models) names.push_back(name);
  ChatSession session(
      names, sampling, options.get<std::string>("system"),
      [&](const auto& name, const auto& messages, const auto& params, const auto& on_part) {
        return speakers.answer(name, messages, params, on_part);
      },
      output);
  announce_cancel(false);
  if (reader.on_terminal() && !options.has("quiet")) {
    std::printf("speaking with %s; /help lists commands, Ctrl-D ends\n", session.model().c_str());
  }
  while (const auto line = reader.read(session.model() + "> ")) {
    if (!session.handle(*line)) break;
  }
  return 0;
}

}  // namespace temper
