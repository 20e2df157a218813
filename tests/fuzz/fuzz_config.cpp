// Fuzzes what is read from a model folder beside the weights: config.json through every architecture that imports, and the
// index of sharded weights.
#include <memory>
#include <string>

#include "../unit/convert/models.h"
#include "driver.h"
#include "host/convert/architecture_config.h"
#include "host/convert/hf_folder.h"
#include "t5.h"

namespace {

using namespace temper;

std::unique_ptr<Registry> all_architectures() {
  auto registry = std::make_unique<Registry>();
  test::IntoRegistry into(*registry);
  test::add_architectures(into);
  into.add<Architecture>(
      "t5", "T5.", t5::t5_params(),
      [](const t5::T5Params& p, const Architecture::Args& args) { return std::make_unique<t5::T5>(p, args); },
      t5::t5_from_hugging_face);
  registry->freeze();
  return registry;
}

}  // namespace

int main(int argc, char** argv) {
  const auto registry = all_architectures();
  fuzz::Target config;
  config.name = "config-json";
  auto scaled = test::llama_config(false);
  scaled["rope_scaling"] = {{"rope_type", "llama3"},
                            {"factor", 8.0},
                            {"low_freq_factor", 1.0},
                            {"high_freq_factor", 4.0},
                            {"original_max_position_embeddings", 8192}};
  config.seeds = {scaled.dump(2),
                  R"({"model_type": "gpt2", "vocab_size": 300, "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 4,
 "activation_function": "gelu_new", "layer_norm_epsilon": 1e-05})",
                  R"({"model_type": "opt", "vocab_size": 300, "hidden_size": 32, "ffn_dim": 48, "num_hidden_layers": 2,
 "num_attention_heads": 4, "max_position_embeddings": 64, "word_embed_proj_dim": 32, "activation_function": "relu"})",
                  R"({"model_type": "t5", "vocab_size": 300, "d_model": 32, "d_kv": 8, "d_ff": 48, "num_layers": 2,
 "num_heads": 4, "feed_forward_proj": "gated-gelu", "tie_word_embeddings": false})"};
  config.dictionary = {"\"model_type\": \"llama\",",
                       "\"rope_scaling\": {\"type\": \"linear\"},",
                       "null",
                       "[",
                       "{",
                       "\"a\":",
                       "\"vocab_size\": -1,",
                       "1e999",
                       "\"\\u0000\""};
  config.mutants = 6000;
  config.read = [&](const std::string& bytes) { find_architecture(*registry, bytes, "config.json"); };

  fuzz::Target index;
  index.name = "shard-index";
  const std::filesystem::path folder = std::filesystem::path(fuzz::as_file("one.safetensors", "")).parent_path();
  write_safetensors(folder / "one.safetensors", {{{"a", at::ones({2})}, {"b", at::ones({2})}}, {}});
  write_safetensors(folder / "two.safetensors", {{{"c", at::ones({2})}}, {}});
  index.seeds = {
      R"({"metadata": {"total_size": 24}, "weight_map": {"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"}})"};
  index.dictionary = {"\"weight_map\":", "\"../one.safetensors\"", "\"a\":", "{", "[", "/dev/zero"};
  index.mutants = 2000;
  index.read = [&](const std::string& bytes) {
    const FolderWeights weights(std::filesystem::path(fuzz::as_file("model.safetensors.index.json", bytes)).parent_path());
    weights.read("a");
  };
  return fuzz::fuzz_main(argc, argv, {config, index});
}
