// Tokens per second of temper's training loop on synthetic batches, and how much of a step is spent outside LibTorch's
// kernels. The same model and sizes as bench_train.py.
// Usage: bench_train D_MODEL LAYERS HEADS STEPS [VOCAB BATCH CONTEXT [DEVICE PRECISION]]
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <malloc.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "gpt.h"
#include "host/device/device.h"
#include "host/train/loop.h"
#include "silent_progress.h"
#include "temper/loss.h"
#include "temper/random.h"

using namespace temper;
using Clock = std::chrono::steady_clock;

namespace {

struct RandomBatches final : BatchSource {
  std::int64_t rows, length, vocab, step = 0;
  double seconds = 0;
  RandomBatches(std::int64_t b, std::int64_t t, std::int64_t v) : rows(b), length(t), vocab(v) {}
  Batch next() override {
    const auto start = Clock::now();
    Rng rng(static_cast<std::uint64_t>(step++));
    std::vector<Example> examples(static_cast<std::size_t>(rows));
    for (auto& example : examples) {
      for (std::int64_t t = 0; t < length; ++t) {
        example.ids.push_back(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(vocab))));
        example.labels.push_back(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(vocab))));
      }
    }
    Batch batch = pad_examples(examples, length, 0);
    seconds += std::chrono::duration<double>(Clock::now() - start).count();
    return batch;
  }
  double epochs_done() const override { return 0; }
  std::string position() const override { return std::to_string(step); }
  void restore(const std::string& text) override { step = text.empty() ? 0 : std::stoll(text); }
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) {
    std::fprintf(stderr, "usage: bench_train D_MODEL LAYERS HEADS STEPS [VOCAB BATCH CONTEXT [DEVICE PRECISION]]\n");
    return 2;
  }
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
  const auto number = [&](int i, std::int64_t fallback) { return argc > i ? std::atoll(argv[i]) : fallback; };
  at::set_num_threads(2);
  gpt::GptParams params;
  params.d_model = number(1, 256);
  params.num_layers = number(2, 4);
  params.num_heads = number(3, 4);
  const std::int64_t vocab = number(5, 8192), batch = number(6, 8), context = number(7, 256);
  params.max_positions = context;
  gpt::Gpt model(params, {vocab, 1});
  model.to(open_device(argc > 8 ? argv[8] : "cpu"));
  std::int64_t count = 0;
  for (const auto& parameter : model.parameters()) count += parameter.tensor.numel();
  RandomBatches batches(batch, context, vocab);
  test::SilentProgress progress;
  FitPlan plan;
  plan.params.steps = number(4, 20) + 3;
  plan.params.context = context;
  plan.params.log_every = 1;
  plan.params.checkpoint_every = 0;
  if (argc > 9) plan.params.precision = argv[9];
  plan.train = &batches;
  plan.loss = [&](Architecture& m, const Batch& b) {
    return linear_cross_entropy(m.hidden(b.input).flatten(0, 1), m.head(), b.labels_BT.flatten());
  };
  FitHooks hooks;
  hooks.progress = &progress;
  hooks.cancelled = [] { return false; };
  Clock::time_point start;
  double batch_seconds = 0;
  hooks.log = [&](const std::string& metric, std::int64_t step, double) {
    if (metric == "loss" && step == 3) {  // the first three steps warm up caches and thread pools
      start = Clock::now();
      batch_seconds = batches.seconds;
    }
  };
  run_fit(model, plan, hooks);
  const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
  const double steps = static_cast<double>(plan.params.steps - 3);
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::printf(
      "{\"side\": \"temper\", \"parameters\": %ld, \"tokens_per_second\": %.1f, \"step_seconds\": %.4f, "
      "\"batch_share\": %.4f, \"tera_flops\": %.2f, \"peak_rss_mib\": %ld}\n",
      static_cast<long>(count), steps * static_cast<double>(batch * context) / seconds, seconds / steps,
      (batches.seconds - batch_seconds) / seconds,
      model.train_flops_per_token(context) * steps * static_cast<double>(batch * context) / seconds / 1e12,
      usage.ru_maxrss / 1024);
  return 0;
}
