// Generation speed of the llama architecture at SmolLM2-135M's size: prompt processing and single tokens, float32 or int8.
// Without CHECKPOINT the weights are random and stay in 32 bits; an imported model of that size whose values fit fewer bits
// is decoded from those. Prints one JSON line.
// Usage: bench_generate BATCH NEW_TOKENS PROMPT_TOKENS float32|int8 [CHECKPOINT]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "byte_tokenizer.h"
#include "host/infer/engine.h"
#include "host/train/checkpoint.h"
#include "llama.h"

using namespace temper;
using Clock = std::chrono::steady_clock;

namespace {

double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// Floating-point operations a second of one large float32 matrix product: the machine's practical peak.
double gemm_peak() {
  const at::Tensor a = at::randn({2048, 2048}), b = at::randn({2048, 2048});
  double best = 1e9;
  for (int i = 0; i < 5; ++i) {
    const auto start = Clock::now();
    at::matmul(a, b);
    best = std::min(best, seconds_since(start));
  }
  return 2.0 * 2048 * 2048 * 2048 / best;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5 && argc != 6) {
    std::fprintf(stderr, "usage: bench_generate BATCH NEW_TOKENS PROMPT_TOKENS float32|int8 [CHECKPOINT]\n");
    return 2;
  }
  const std::int64_t batch = std::atoll(argv[1]), count = std::atoll(argv[2]), length = std::atoll(argv[3]);
  const bool int8 = std::string(argv[4]) == "int8";
  at::set_num_threads(2);
  const at::NoGradGuard guard;
  llama::LlamaParams params;
  params.d_model = 576;
  params.num_layers = 30;
  params.num_heads = 9;
  params.num_kv_heads = 3;
  params.d_ff = 1536;
  params.max_positions = 8192;
  params.rope_base = 100000;
  llama::Llama model(params, {49152, 1});
  if (argc == 6) load_weights(argv[5], read_manifest(argv[5]), model);
  model.train(false);
  const test::ByteTokenizer tokenizer(49152, {0});
  std::vector<std::vector<std::int32_t>> prompts(static_cast<std::size_t>(batch));
  std::vector<Begin> begins;
  std::vector<std::int64_t> places;
  for (std::int64_t b = 0; b < batch; ++b) {
    auto& prompt = prompts[static_cast<std::size_t>(b)];
    for (std::int64_t t = 0; t < length; ++t) prompt.push_back(static_cast<std::int32_t>((t * 7919 + b * 101) % 49152));
    begins.push_back({b, &prompt});
    places.push_back(b);
  }
  DecodeEngine engine(model, tokenizer, int8 ? WeightFormat::kInt8 : WeightFormat::kFloat32, {batch, length, count + 8});
  engine.begin(begins);
  const auto prefill_start = Clock::now();
  at::Tensor logits_BV = engine.begin(begins);
  const double prefill = seconds_since(prefill_start);
  const auto next_ids = [&] {
    const at::Tensor best_B = logits_BV.argmax(1);
    return std::vector<std::int64_t>(best_B.const_data_ptr<std::int64_t>(), best_B.const_data_ptr<std::int64_t>() + batch);
  };
  for (int i = 0; i < 4; ++i) logits_BV = engine.advance(places, next_ids());
  const auto start = Clock::now();
  for (std::int64_t i = 0; i < count; ++i) logits_BV = engine.advance(places, next_ids());
  const double decode = seconds_since(start);
  // The head is read for the last position only.
  const double matrices = 30.0 * (2 * 576 * 576 + 2 * 576 * 192 + 3 * 576 * 1536);
  const auto positions = static_cast<double>(batch * length);
  const double attention = 30.0 * 2 * 576 * static_cast<double>(length) / 2;
  const double flops = 2 * positions * (matrices + attention) + 2.0 * static_cast<double>(batch) * 576 * 49152;
  const double peak = gemm_peak();
  std::printf(
      "{\"side\": \"temper\", \"batch\": %ld, \"weights\": \"%s\", \"tokens_per_second\": %.1f, \"prefill_seconds\": %.4f, "
      "\"prefill_gflops\": %.1f, \"gemm_gflops\": %.1f, \"prefill_share\": %.3f}\n",
      static_cast<long>(batch), argv[4], static_cast<double>(batch * count) / decode, prefill, flops / prefill / 1e9,
      peak / 1e9, flops / prefill / peak);
  return 0;
}
