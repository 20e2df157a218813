// Continuous batching (see generator.h).
// Shapes: B rows still running, T positions, V vocabulary.
#include "host/infer/generator.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>
#include <utility>

#include "host/infer/engine.h"
#include "host/infer/sampling.h"
#include "temper/batch.h"
#include "temper/evaluation_mode.h"

namespace temper {

struct BatchGenerator::Row {
  std::vector<std::int32_t> prompt;  ///< as the model reads it
  std::int64_t room = 0;             ///< how many tokens may still be sampled
  Rng rng{0};
  Completion completion;
};

namespace {

constexpr std::size_t kMeasuredAnswers = 8;

/// Where the earliest stop string begins, and which it is.
std::size_t find_stop(const std::string& text, const std::vector<std::string>& stops, std::string& which) {
  std::size_t first = std::string::npos;
  for (const auto& stop : stops) {
    const std::size_t at = stop.empty() ? std::string::npos : text.find(stop);
    if (at < first) {
      first = at;
      which = stop;
    }
  }
  return first;
}

}  // namespace

std::string to_text(const WeightEffect& effect) {
  char text[160];
  std::snprintf(text, sizeof text,
                "int8 weights change the log-probabilities of %ld sampled tokens by %.4f nats on average, %.4f at most",
                static_cast<long>(effect.tokens), effect.mean_abs, effect.max_abs);
  return text;
}

BatchGenerator::BatchGenerator(Architecture& model, const Tokenizer& tokenizer, GeneratorOptions options)
    : model_(model), tokenizer_(tokenizer), options_(std::move(options)), eos_(tokenizer.eos_ids()) {}

std::vector<BatchGenerator::Row> BatchGenerator::rows_of(const std::vector<GenerateRequest>& requests,
                                                         const SamplingParams& params) const {
  const auto traits = model_.traits();
  const std::int64_t limit = traits.max_positions;
  std::vector<Row> rows(requests.size());
  for (std::size_t i = 0; i < requests.size(); ++i) {
    Row& row = rows[i];
    row.prompt = requests[i].prompt_ids;
    if (row.prompt.empty()) throw DataError("prompt " + std::to_string(i) + " has no tokens; a prompt needs at least one");
    row.rng = Rng(requests[i].seed);
    row.room = params.max_new_tokens;
    if (traits.encoder_decoder) {
      if (row.prompt.back() != eos_.front()) row.prompt.push_back(eos_.front());
      if (limit == 0) continue;
      if (static_cast<std::int64_t>(row.prompt.size()) > limit)
        row.prompt.erase(row.prompt.begin(), row.prompt.end() - limit);
      row.room = std::min(row.room, limit - 1);
    } else if (limit > 0) {
      // A prompt that fills the context keeps its end, with room for at least a quarter of the context to answer in.
      const auto answer = std::min<std::int64_t>(params.max_new_tokens, std::max<std::int64_t>(1, limit / 4));
      const auto longest = std::max<std::int64_t>(1, limit - answer);
      if (static_cast<std::int64_t>(row.prompt.size()) > longest) {
        row.prompt.erase(row.prompt.begin(), row.prompt.end() - longest);
      }
      row.room = std::min(row.room, limit - static_cast<std::int64_t>(row.prompt.size()));
    }
  }
  return rows;
}

std::vector<Completion> BatchGenerator::generate(const std::vector<GenerateRequest>& requests,
                                                 const SamplingParams& params) {
  if (params.temperature < 0) throw ConfigError("temperature must be at least 0");
  if (params.weights != "float32" && params.weights != "int8") {
    throw ConfigError("weights is '" + params.weights + "'; it must be float32 or int8");
  }
  if (requests.empty()) return {};
  const EvaluationMode mode(model_);
  const at::NoGradGuard guard;
  auto rows = rows_of(requests, params);
  run(rows, params);
  if (params.weights == "int8" && options_.on_weight_effect) measure_weights(rows, params);
  std::vector<Completion> completions;
  for (auto& row : rows) completions.push_back(std::move(row.completion));
  return completions;
}

/// Samples one token for a row. False once the row is finished.
bool BatchGenerator::take_token(Row& row, std::size_t request, std::span<const float> logits,
                                const SamplingParams& params) const {
  Completion& done = row.completion;
  SampledToken token;
  if (params.repetition_penalty == 1) {
    token = sample_token(logits, params, row.rng);
  } else {
    std::vector<float> penalised(logits.begin(), logits.end());
    std::vector<std::int32_t> seen = row.prompt;
    seen.insert(seen.end(), done.ids.begin(), done.ids.end());
    penalise_repetition(penalised, seen, params.repetition_penalty);
    token.id = draw_token(penalised, params, softmax_sum(penalised, params.temperature), row.rng);
    // The penalty steers the choice; the log-probability stays the model's own.
    token.log_prob = log_prob_of(logits, token.id, softmax_sum(logits, params.temperature));
  }
  done.log_probs.push_back(token.log_prob);
  --row.room;
  const bool is_eos = std::find(eos_.begin(), eos_.end(), token.id) != eos_.end();
  if (!is_eos) done.ids.push_back(token.id);
  if (is_eos) done.stopped_by = "eos";
  if (!params.stop.empty() || options_.on_text) {
    done.text = tokenizer_.decode(done.ids);
    std::string which;
    const std::size_t at = find_stop(done.text, params.stop, which);
    if (at != std::string::npos) {
      done.text.resize(at);
      done.stopped_by = which;
    }
    if (options_.on_text) options_.on_text(request, done.text);
  }
  done.finished = !done.stopped_by.empty();
  if (!done.finished && row.room > 0) return true;
  if (!done.finished) done.stopped_by = "length";
  if (params.stop.empty() && !options_.on_text) done.text = tokenizer_.decode(done.ids);
  return false;
}

void BatchGenerator::run(std::vector<Row>& rows, const SamplingParams& params) {
  // Longest prompts first, so that prefills have rows of like length and stragglers start early.
  std::vector<std::size_t> queue(rows.size());
  std::iota(queue.begin(), queue.end(), std::size_t{0});
  std::stable_sort(queue.begin(), queue.end(), [&](std::size_t a, std::size_t b) {
    return rows[a].prompt.size() != rows[b].prompt.size() ? rows[a].prompt.size() > rows[b].prompt.size()
                                                          : rows[a].prompt < rows[b].prompt;
  });
  DecodeEngine::Size size;
  size.places = std::min<std::int64_t>(options_.batch_size, static_cast<std::int64_t>(rows.size()));
  for (const auto& row : rows) {
    size.longest_prompt = std::max(size.longest_prompt, static_cast<std::int64_t>(row.prompt.size()));
    size.most_new = std::max(size.most_new, row.room);
  }
  DecodeEngine engine(model_, tokenizer_, params.weights == "int8" ? WeightFormat::kInt8 : WeightFormat::kFloat32, size);

  /// A sequence in its place, and the row of the latest logits that is about it.
  struct Running {
    std::size_t request;
    std::int64_t place;
    std::size_t line;
  };
  std::vector<Running> running;
  std::vector<std::int64_t> free;
  for (std::int64_t place = size.places - 1; place >= 0; --place) free.push_back(place);
  std::size_t next = 0;
  std::int64_t done = 0;
  /// One more token for each of `sequences`; those that go on are put behind `running`.
  const auto take_tokens = [&](const at::Tensor& logits_BV, const std::vector<Running>& sequences) {
    const auto width = static_cast<std::size_t>(logits_BV.size(1));
    for (const auto& one : sequences) {
      Row& row = rows[one.request];
      const std::span<const float> logits(logits_BV.const_data_ptr<float>() + one.line * width, width);
      if (row.room <= 0) row.completion.stopped_by = "length";
      if (row.room > 0 && take_token(row, one.request, logits, params)) {
        running.push_back(one);
        continue;
      }
      free.push_back(one.place);
      if (options_.on_progress) options_.on_progress(++done);
    }
  };
  // New rows join in groups: a prefill of single rows would stop all others for little.
  const auto group = static_cast<std::size_t>(std::max<std::int64_t>(1, size.places / 4));
  while (next < queue.size() || !running.empty()) {
    if (options_.cancelled && options_.cancelled()) throw Cancelled("stopped while generating");
    if (next < queue.size() && (running.empty() || free.size() >= std::min(group, queue.size() - next))) {
      std::vector<Begin> begins;
      std::vector<std::pair<std::int64_t, std::int64_t>> copies;  // from, to
      std::vector<Running> joined;
      while (next < queue.size() && !free.empty()) {
        const std::size_t request = queue[next++];
        const std::int64_t place = free.back();
        free.pop_back();
        if (!begins.empty() && *begins.back().prompt == rows[request].prompt) {
          copies.emplace_back(begins.back().place, place);
        } else {
          begins.push_back({place, &rows[request].prompt});
        }
        joined.push_back({request, place, begins.size() - 1});
      }
      const at::Tensor logits_BV = engine.begin(begins);
      for (const auto& [from, to] : copies) engine.copy_place(from, to);
      take_tokens(logits_BV, joined);
      continue;
    }
    std::vector<std::int64_t> places, ids;
    for (std::size_t b = 0; b < running.size(); ++b) {
      running[b].line = b;
      places.push_back(running[b].place);
      ids.push_back(rows[running[b].request].completion.ids.back());
    }
    const at::Tensor logits_BV = engine.advance(places, ids);
    take_tokens(logits_BV, std::exchange(running, {}));
  }
}

/// Scores the first answers with the float32 model, at the sampling temperature.
void BatchGenerator::measure_weights(const std::vector<Row>& rows, const SamplingParams& params) {
  const bool encoder_decoder = model_.traits().encoder_decoder;
  const double temperature = params.temperature == 0 ? 1.0 : params.temperature;
  WeightEffect effect;
  for (std::size_t i = 0; i < std::min(rows.size(), kMeasuredAnswers); ++i) {
    const Row& row = rows[i];
    const auto& answer = row.completion.ids;
    if (answer.empty()) continue;
    Example example;
    const auto& front = row.prompt;
    if (encoder_decoder) {
      example.source.assign(front.begin(), front.end());
      example.ids = {tokenizer_.pad_id()};
    } else {
      example.ids.assign(front.begin(), front.end());
      example.prefix = static_cast<std::int64_t>(front.size());
    }
    const auto start = static_cast<std::int64_t>(example.ids.size()) - 1;
    example.ids.insert(example.ids.end(), answer.begin(), answer.end() - 1);
    example.labels.assign(example.ids.size(), kIgnoreLabel);
    const Batch batch = pad_examples({example}, static_cast<std::int64_t>(example.ids.size()), tokenizer_.pad_id());
    const at::Tensor h_TD = model_.hidden(to_device(batch.input, model_.device())).squeeze(0);
    const auto count = static_cast<std::int64_t>(answer.size());
    const at::Tensor logits_TV = at::linear(h_TD.narrow(0, start, count), model_.head()).to(at::kCPU, at::kFloat);
    const at::Tensor log_probs_TV = at::log_softmax(logits_TV.narrow(1, 0, tokenizer_.vocab_size()) / temperature, 1);
    for (std::int64_t t = 0; t < count; ++t) {
      const double exact = log_probs_TV[t][answer[static_cast<std::size_t>(t)]].item<double>();
      const double gap = std::abs(exact - static_cast<double>(row.completion.log_probs[static_cast<std::size_t>(t)]));
      effect.mean_abs += gap;
      effect.max_abs = std::max(effect.max_abs, gap);
      ++effect.tokens;
    }
  }
  if (effect.tokens == 0) return;
  effect.mean_abs /= static_cast<double>(effect.tokens);
  options_.on_weight_effect(effect);
}

}  // namespace temper
