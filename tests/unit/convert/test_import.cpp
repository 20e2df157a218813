// Importing Hugging Face folders: what is in the files is in the model, and what does not fit is said and leaves nothing.
#include "catch.h"
#include "host/convert/export.h"
#include "host/convert/import.h"
#include "host/train/checkpoint.h"
#include "models.h"
#include "silent_progress.h"
#include "temper/error.h"

using namespace temper;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

const Registry& registry() {
  static const auto made = make_registry();
  return *made;
}

ImportReport imported(const fs::path& source, const fs::path& target, bool force = false) {
  SilentProgress quiet;
  return import_model(registry(), source, target, force, quiet);
}

Tensors weights_of(const fs::path& checkpoint) { return read_safetensors(checkpoint / "model.safetensors").tensors; }

/// The import fails so, and leaves nothing.
void refused(const fs::path& source, const std::string& why) {
  const auto target = fresh_folder("refused") / "out";
  CHECK_THROWS_WITH(imported(source, target), ContainsSubstring(why));
  CHECK(fs::is_empty(target.parent_path()));
}

struct Loaded {
  CheckpointManifest manifest;
  std::unique_ptr<Architecture> model;
  std::unique_ptr<Tokenizer> tokenizer;
};
Loaded loaded(const fs::path& folder) {
  Loaded result;
  result.manifest = read_manifest(folder);
  const auto& manifest = result.manifest;
  result.model =
      registry().make<Architecture>(manifest.architecture, manifest.architecture_values, {manifest.vocab_size, 0});
  load_weights(folder, manifest, *result.model);
  result.tokenizer = registry().make<Tokenizer>(manifest.tokenizer, manifest.tokenizer_values, {folder.string()});
  result.tokenizer->load(read_tokenizer_bytes(folder, manifest));
  return result;
}

void exported(const fs::path& checkpoint, const fs::path& target, ExportOptions options = {}) {
  SilentProgress quiet;
  const Loaded all = loaded(checkpoint);
  export_model(*all.model, *all.tokenizer, target, options, quiet);
}

}  // namespace

TEST_CASE("a folder becomes a checkpoint with the same weights, and exports to the same again") {
  const Tensors tensors = llama_tensors(true);
  const auto source = write_folder("plain", llama_config(false), tensors);
  const auto out = fresh_folder("plain_out");
  const auto report = imported(source, out / "a");
  CHECK(report.architecture == "llama");
  CHECK(report.vocab_size == kVocabulary);
  CHECK(report.tokenizer_size == kTokens);  // P-GEN-07: the model may have more rows than the tokenizer tokens
  CHECK(report.notes.empty());
  const Tensors got = weights_of(out / "a");
  REQUIRE(got.size() == tensors.size());
  for (const auto& [name, tensor] : tensors) CHECK(at::equal(got.at(name), tensor));
  const Loaded all = loaded(out / "a");
  CHECK(all.manifest.vocab_size == kVocabulary);
  CHECK(all.manifest.status == "complete");
  CHECK(all.tokenizer->eos_ids() == std::vector<std::int32_t>{2});
  CHECK(all.tokenizer->decode(all.tokenizer->encode("ab cd!")) == "ab cd!");

  exported(out / "a", out / "hf");
  CHECK(fs::exists(out / "hf/generation_config.json"));
  imported(out / "hf", out / "b");
  CHECK(read_bytes(out / "a/model.safetensors") == read_bytes(out / "b/model.safetensors"));
  CHECK(loaded(out / "b").tokenizer->encode("ab cd") == all.tokenizer->encode("ab cd"));
}

TEST_CASE("half-precision files are read exactly") {
  for (const auto type : {at::kHalf, at::kBFloat16}) {
    Tensors tensors = llama_tensors(true);
    for (auto& [name, tensor] : tensors) tensor = tensor.to(type);
    const auto out = fresh_folder("half_out");
    imported(write_folder("half", llama_config(false), tensors), out / "a");
    for (const auto& [name, tensor] : weights_of(out / "a")) {
      CHECK(tensor.scalar_type() == at::kFloat);
      CHECK(at::equal(tensor, tensors.at(name).to(at::kFloat)));
    }
  }
}

TEST_CASE("P-MODEL-04 a tied head is one tensor, whichever name was kept") {
  const auto out = fresh_folder("tied_out");
  Tensors tensors = llama_tensors(false);
  imported(write_folder("tied", llama_config(true), tensors), out / "a");
  CHECK(weights_of(out / "a").count("lm_head.weight") == 0);
  const Loaded all = loaded(out / "a");
  const auto named = all.model->parameters();
  CHECK(all.model->head().data_ptr() == named.at(0).tensor.data_ptr());
  exported(out / "a", out / "hf");
  CHECK(read_safetensors(out / "hf/model.safetensors").tensors.size() == tensors.size());
  imported(out / "hf", out / "b");
  CHECK(read_bytes(out / "a/model.safetensors") == read_bytes(out / "b/model.safetensors"));

  tensors["lm_head.weight"] = tensors.at("model.embed_tokens.weight");
  tensors.erase("model.embed_tokens.weight");
  imported(write_folder("tied_head_only", llama_config(true), tensors), out / "c");
  CHECK(read_bytes(out / "a/model.safetensors") == read_bytes(out / "c/model.safetensors"));
}

TEST_CASE("P-MODEL-05 what the configuration says of the head is held against the tensors") {
  Tensors different = llama_tensors(true);
  refused(write_folder("differ", llama_config(true), different), "'lm_head.weight' of '");
  refused(write_folder("differ", llama_config(true), different), "tie_word_embeddings to false");
  Tensors equal = different;
  equal["lm_head.weight"] = equal.at("model.embed_tokens.weight");
  const auto out = fresh_folder("equal_out");
  imported(write_folder("equal", llama_config(true), equal), out / "a");
  CHECK(weights_of(out / "a").count("lm_head.weight") == 0);
  refused(write_folder("no_head", llama_config(false), llama_tensors(false)), "has no tensor 'lm_head.weight'");
}

TEST_CASE("missing, unknown and misshapen tensors are named") {
  Tensors tensors = llama_tensors(true);
  const auto with = [&](const std::string& name, const at::Tensor& tensor) {
    Tensors changed = tensors;
    changed[name] = tensor;
    if (!tensor.defined()) changed.erase(name);
    return write_folder("changed", llama_config(false), changed);
  };
  refused(with("model.norm.weight", {}), "has no tensor 'model.norm.weight'");
  refused(with("model.layers.2.mlp.up_proj.weight", at::ones({24, 16})),
          "does not know: 'model.layers.2.mlp.up_proj.weight'");
  refused(with("model.layers.0.mlp.up_proj.weight", at::ones({16, 24})),
          "has the shape [16, 24], the architecture needs [24, 16]");
  refused(with("model.norm.weight", at::ones({16}, at::kInt)), "no floating-point numbers");
  refused(with("model.norm.weight", at::full({16}, std::nan(""))), "no finite numbers");
  const auto out = fresh_folder("constant_out");
  imported(with("model.layers.0.self_attn.rotary_emb.inv_freq", at::ones({2})), out / "a");
  CHECK(weights_of(out / "a").size() == tensors.size());
}

TEST_CASE("GPT-2 checkpoints saved without their head are read, transposed as they are") {
  const Json config = {{"model_type", "gpt2"}, {"vocab_size", kVocabulary},
                       {"n_positions", 16},    {"n_embd", 8},
                       {"n_layer", 1},         {"n_head", 2}};
  Tensors tensors = {{"wte.weight", wave({kVocabulary, 8}, 1)},
                     {"wpe.weight", wave({16, 8}, 2)},
                     {"h.0.ln_1.weight", wave({8}, 3)},
                     {"h.0.ln_1.bias", wave({8}, 4)},
                     {"h.0.attn.c_attn.weight", wave({8, 24}, 5)},
                     {"h.0.attn.c_attn.bias", wave({24}, 6)},
                     {"h.0.attn.c_proj.weight", wave({8, 8}, 7)},
                     {"h.0.attn.c_proj.bias", wave({8}, 8)},
                     {"h.0.ln_2.weight", wave({8}, 9)},
                     {"h.0.ln_2.bias", wave({8}, 10)},
                     {"h.0.mlp.c_fc.weight", wave({8, 32}, 11)},
                     {"h.0.mlp.c_fc.bias", wave({32}, 12)},
                     {"h.0.mlp.c_proj.weight", wave({32, 8}, 13)},
                     {"h.0.mlp.c_proj.bias", wave({8}, 14)},
                     {"ln_f.weight", wave({8}, 15)},
                     {"ln_f.bias", wave({8}, 16)},
                     {"h.0.attn.bias", at::ones({1, 1, 16, 16})}};
  const auto out = fresh_folder("gpt_out");
  imported(write_folder("gpt", config, tensors), out / "a");
  const Tensors got = weights_of(out / "a");
  CHECK(got.size() == tensors.size() - 1);
  CHECK(at::equal(got.at("transformer.h.0.attn.c_attn.weight"), tensors.at("h.0.attn.c_attn.weight").t()));
  CHECK(at::equal(got.at("transformer.wte.weight"), tensors.at("wte.weight")));
  exported(out / "a", out / "hf");
  const Tensors back = read_safetensors(out / "hf/model.safetensors").tensors;
  CHECK(at::equal(back.at("transformer.h.0.attn.c_attn.weight"), tensors.at("h.0.attn.c_attn.weight")));
}

TEST_CASE("an existing folder is replaced only if asked, and only if it is a checkpoint") {
  const auto source = write_folder("again", llama_config(false), llama_tensors(true));
  const auto out = fresh_folder("again_out");
  imported(source, out / "a");
  const std::string before = read_bytes(out / "a/temper.json");
  CHECK_THROWS_WITH(imported(source, out / "a"), ContainsSubstring("exists already") && ContainsSubstring("--force"));
  imported(source, out / "a/", true);
  CHECK(read_bytes(out / "a/temper.json") == before);
  fs::create_directories(out / "mine");
  write_bytes(out / "mine/letter.txt", "dear");
  CHECK_THROWS_AS(imported(source, out / "mine", true), ConfigError);
  CHECK(read_bytes(out / "mine/letter.txt") == "dear");
  // A failed import leaves what was there.
  fs::resize_file(source / "model.safetensors", 1000);
  CHECK_THROWS_AS(imported(source, out / "a", true), DataError);
  CHECK(read_bytes(out / "a/temper.json") == before);
  CHECK(std::distance(fs::directory_iterator(out), {}) == 2);
  CHECK_THROWS_WITH(imported(out / "a", out / "b"), ContainsSubstring("needs no import"));
}

TEST_CASE("what cannot be imported says why") {
  const Tensors tensors = llama_tensors(true);
  const auto config_with = [&](const char* key, const Json& value) {
    Json config = llama_config(false);
    config[key] = value;
    return write_folder("config", config, tensors);
  };
  refused(config_with("model_type", "mamba"),
          "'mamba', which no architecture plugin knows; those that import are: gpt, llama");
  refused(config_with("model_type", nullptr), "no model_type");
  refused(config_with("quantization_config", Json{{"bits", 4}}), "quantization_config");
  refused(config_with("hidden_act", "gelu"), "hidden_act");
  refused(config_with("hidden_size", "wide"), "lacks something");
  refused(config_with("num_hidden_layers", -1), "num_layers");
  refused(config_with("vocab_size", -5), "vocab_size");
  refused(config_with("vocab_size", 266), "the tokenizer has 267 tokens but the model only 266");

  const auto folder = write_folder("odd", llama_config(false), tensors);
  fs::remove(folder / "tokenizer.model");
  refused(folder, "has no tokenizer");
  write_bytes(folder / "tokenizer.json", R"({"model": {"type": "Unigram"}})");
  refused(folder, "of type Unigram");
  fs::remove(folder / "model.safetensors");
  refused(folder, "neither model.safetensors nor");
  write_bytes(folder / "pytorch_model.bin", "x");
  refused(folder, "only as pickle ('pytorch_model.bin')");
  fs::remove(folder / "config.json");
  refused(folder, "no config.json");
  refused(folder / "absent", "was not found");
  refused(folder / "pytorch_model.bin", "is no GGUF file");
}

TEST_CASE("the end tokens of a configuration that SentencePiece cannot have are told") {
  Json config = llama_config(false);
  config["eos_token_id"] = {2, 7};
  const auto out = fresh_folder("ends_out");
  const auto report = imported(write_folder("ends", config, llama_tensors(true)), out / "a");
  REQUIRE(report.notes.size() == 1);
  CHECK_THAT(report.notes[0], ContainsSubstring("end token 7"));
}
