// GGUF files of the llama family: names, the order of q and k rows, configuration and tokenizer. One model is written both
// as a Hugging Face folder and as GGUF, and both imports have to agree.
#include "catch.h"
#include "gguf_writer.h"
#include "host/convert/gguf_model.h"
#include "host/convert/import.h"
#include "models.h"
#include "silent_progress.h"
#include "temper/error.h"

using namespace temper;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

at::Tensor rows(std::vector<std::int64_t> values) { return at::tensor(values, at::kLong).to(at::kFloat).unsqueeze(1); }
std::vector<float> first_column(const at::Tensor& tensor) {
  const at::Tensor column = tensor.select(1, 0).contiguous();
  return {column.const_data_ptr<float>(), column.const_data_ptr<float>() + column.numel()};
}

/// The order that converters to GGUF give q and k rows: row (half, i) of a head becomes row (i, half).
at::Tensor permuted(const at::Tensor& tensor, std::int64_t heads) {
  at::Tensor result = tensor.clone();
  const std::int64_t width = tensor.size(0) / heads;
  for (std::int64_t head = 0; head < heads; ++head) {
    for (std::int64_t i = 0; i < width; ++i) {
      result[head * width + 2 * (i % (width / 2)) + i / (width / 2)] = tensor[head * width + i];
    }
  }
  return result;
}

const std::map<std::string, std::string> kNames = {
    {"input_layernorm", "attn_norm"}, {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.q_proj", "attn_q"},   {"self_attn.k_proj", "attn_k"},
    {"self_attn.v_proj", "attn_v"},   {"self_attn.o_proj", "attn_output"},
    {"mlp.gate_proj", "ffn_gate"},    {"mlp.up_proj", "ffn_up"},
    {"mlp.down_proj", "ffn_down"}};

void add_tensor(GgufWriter& writer, const std::string& name, const at::Tensor& tensor) {
  std::vector<std::uint64_t> dimensions;
  for (std::int64_t i = tensor.dim() - 1; i >= 0; --i) dimensions.push_back(static_cast<std::uint64_t>(tensor.size(i)));
  const at::Tensor flat = tensor.contiguous();
  writer.floats(name, dimensions, {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()});
}

void add_tensors(GgufWriter& writer, const Tensors& tensors, bool permute) {
  for (const auto& [name, tensor] : tensors) {
    std::string gguf = name == "model.embed_tokens.weight" ? "token_embd.weight"
                       : name == "model.norm.weight"       ? "output_norm.weight"
                                                           : "output.weight";
    at::Tensor value = tensor;
    if (name.starts_with("model.layers.")) {
      const auto dot = name.find('.', 13), last = name.rfind('.');
      const std::string part = name.substr(dot + 1, last - dot - 1);
      gguf = "blk." + name.substr(13, dot - 13) + "." + kNames.at(part) + name.substr(last);
      if (permute && part == "self_attn.q_proj") value = permuted(tensor, 4);
      if (permute && part == "self_attn.k_proj") value = permuted(tensor, 2);
    }
    add_tensor(writer, gguf, value);
  }
}

void add_config(GgufWriter& writer, const std::string& architecture) {
  const std::string a = architecture + ".";
  writer.text("general.architecture", architecture)
      .integer(a + "block_count", 2)
      .integer(a + "context_length", 32)
      .integer(a + "embedding_length", 16)
      .integer(a + "feed_forward_length", 24)
      .integer(a + "attention.head_count", 4)
      .integer(a + "attention.head_count_kv", 2)
      .real(a + "attention.layer_norm_rms_epsilon", 1e-5F)
      .real(a + "rope.freq_base", 10000);
}

void add_sentencepiece(GgufWriter& writer) {
  const auto model = characters();
  writer.text("tokenizer.ggml.model", "llama")
      .texts("tokenizer.ggml.tokens", model.pieces)
      .numbers("tokenizer.ggml.scores", 6, model.scores)
      .numbers("tokenizer.ggml.token_type", 5, std::vector<std::int32_t>(model.types.begin(), model.types.end()))
      .integer("tokenizer.ggml.bos_token_id", 1)
      .integer("tokenizer.ggml.eos_token_id", 2);
}

void add_bpe(GgufWriter& writer, const std::string& pre) {
  writer.text("tokenizer.ggml.model", "gpt2")
      .text("tokenizer.ggml.pre", pre)
      .texts("tokenizer.ggml.tokens", {"a", "b", "ab", "<|end|>", "<|user|>"})
      .numbers<std::int32_t>("tokenizer.ggml.token_type", 5, {1, 1, 1, 3, 4})
      .texts("tokenizer.ggml.merges", {"a b"})
      .integer("tokenizer.ggml.bos_token_id", 4)
      .integer("tokenizer.ggml.eos_token_id", 3);
}

fs::path written(const GgufWriter& writer, const std::string& name = "model.gguf") {
  return write_bytes(fresh_folder("gguf_model") / name, writer.bytes());
}

Json config_of(const GgufWriter& writer) {
  const GgufFile file(written(writer));
  return Json::parse(GgufWeights(file).config_json());
}

void refused(const GgufWriter& writer, const std::string& why) {
  const GgufFile file(written(writer));
  CHECK_THROWS_WITH(GgufWeights(file), ContainsSubstring(why));
}

}  // namespace

TEST_CASE("P-MODEL-02 rows of one head go back to halves, and heads stay apart") {
  CHECK(first_column(unpermute_rows(rows({0, 1, 2, 3}), 1)) == std::vector<float>{0, 2, 1, 3});
  CHECK(first_column(unpermute_rows(rows({0, 1, 2, 3, 4, 5, 6, 7}), 1)) == std::vector<float>{0, 2, 4, 6, 1, 3, 5, 7});
  CHECK(first_column(unpermute_rows(rows({0, 1, 2, 3, 4, 5, 6, 7}), 2)) == std::vector<float>{0, 2, 1, 3, 4, 6, 5, 7});
  const at::Tensor bias = at::arange(4, at::kFloat);
  CHECK(at::equal(unpermute_rows(bias, 1), at::tensor({0.0F, 2.0F, 1.0F, 3.0F})));
}

TEST_CASE("P-MODEL-01 a GGUF and a folder of one model import to the same checkpoint") {
  const auto registry = make_registry();
  SilentProgress quiet;
  for (const bool tied : {false, true}) {
    const Tensors tensors = llama_tensors(!tied);
    GgufWriter writer;
    add_config(writer, "llama");
    add_sentencepiece(writer);
    add_tensors(writer, tensors, true);
    const auto out = fresh_folder("both");
    const auto folder = write_folder("as_folder", llama_config(tied), tensors);
    import_model(*registry, folder, out / "a", false, quiet);
    import_model(*registry, written(writer), out / "b", false, quiet);
    CHECK(read_bytes(out / "a/model.safetensors") == read_bytes(out / "b/model.safetensors"));
    CHECK(read_bytes(out / "a/tokenizer.model") == read_bytes(out / "b/tokenizer.model"));
    CHECK(read_bytes(out / "a/temper.json") == read_bytes(out / "b/temper.json"));
  }
}

TEST_CASE("qwen2 keeps the order of its rows") {
  const Tensors tensors = llama_tensors(false);
  GgufWriter writer;
  add_config(writer, "qwen2");
  add_tensors(writer, tensors, false);
  const GgufFile file(written(writer));
  const GgufWeights weights(file);
  CHECK(Json::parse(weights.config_json())["model_type"] == "qwen2");
  REQUIRE(weights.shapes().size() == tensors.size());
  for (const auto& [name, tensor] : tensors) CHECK(at::equal(weights.read(name), tensor));
}

TEST_CASE("the configuration is what the metadata say") {
  GgufWriter writer;
  add_config(writer, "llama");
  add_tensors(writer, llama_tensors(false), true);
  const Json config = config_of(writer);
  CHECK(config["vocab_size"] == kVocabulary);
  CHECK(config["rms_norm_eps"] == 1e-5);  // not 9.99999974e-06, as float32 has it
  CHECK(config["tie_word_embeddings"] == true);
  CHECK(config["head_dim"] == 4);
  CHECK(config["attention_bias"] == false);
  CHECK_FALSE(config.contains("rope_scaling"));

  GgufWriter linear = writer;
  linear.text("llama.rope.scaling.type", "linear").real("llama.rope.scaling.factor", 2);
  CHECK(config_of(linear)["rope_scaling"]["factor"] == 2.0);
  GgufWriter yarn = writer;
  refused(yarn.text("llama.rope.scaling.type", "yarn"), "'yarn'");
  GgufWriter experts = writer;
  refused(experts.integer("llama.expert_count", 8), "mixture of experts");
  GgufWriter partial = writer;
  refused(partial.integer("llama.rope.dimension_count", 2), "not the head width 4");
  GgufWriter strange = writer;
  refused(strange.floats("blk.0.attn_sinks.weight", {1}, {1}), "'blk.0.attn_sinks.weight' is no part");
  refused(GgufWriter().text("general.architecture", "mamba"), "'mamba'");
  refused(GgufWriter().text("general.architecture", "llama"), "no 'llama.attention.head_count'");
}

TEST_CASE("Llama 3's rotary factors become its parameters, others are refused") {
  GgufWriter writer;
  add_config(writer, "llama");
  add_tensors(writer, llama_tensors(false), true);
  // Head width 4, base 10000: wavelengths 6.28 and 628, both below 8192 / 4, so nothing is scaled unless the base is large.
  GgufWriter plain = writer;
  CHECK(config_of(plain.floats("rope_freqs.weight", {2}, {1, 1}))["rope_scaling"]["factor"] == 1.0);
  GgufWriter wrong = writer;
  refused(wrong.floats("rope_freqs.weight", {2}, {1, 8}), "in another way than Llama 3");
  GgufWriter large;
  large.text("general.architecture", "llama").real("llama.rope.freq_base", 1e8F);
  for (const char* key : {"block_count", "context_length", "attention.head_count"})
    large.integer(std::string("llama.") + key, 1);
  large.integer("llama.embedding_length", 4).integer("llama.feed_forward_length", 4);
  large.real("llama.attention.layer_norm_rms_epsilon", 1e-5F).floats("token_embd.weight", {4, 1}, {1, 2, 3, 4});
  // Wavelengths 6.28 and 62832: kept, and divided by the whole factor.
  const Json scaled = config_of(large.floats("rope_freqs.weight", {2}, {1, 8}));
  CHECK(scaled["rope_scaling"]["factor"] == 8.0);
  CHECK(scaled["rope_scaling"]["rope_type"] == "llama3");
}

TEST_CASE("a byte-level tokenizer becomes the JSON that hf_bpe takes") {
  GgufWriter writer;
  add_bpe(writer, "llama-bpe");
  writer.text("tokenizer.chat_template", "{{ x }}");
  const auto found = gguf_tokenizer(GgufFile(written(writer)));
  CHECK(found.plugin == "hf_bpe");
  const Json json = Json::parse(found.bytes);
  CHECK(json["model"]["vocab"]["ab"] == 2);
  CHECK(json["model"]["merges"] == Json::array({"a b"}));
  CHECK(json["model"]["ignore_merges"] == true);
  REQUIRE(json["added_tokens"].size() == 2);
  CHECK(json["added_tokens"][0]["special"] == true);
  CHECK(json["added_tokens"][1]["content"] == "<|user|>");
  CHECK(json["added_tokens"][1]["special"] == false);
  CHECK(json["temper"]["eos_ids"] == Json::array({3}));
  CHECK(json["temper"]["bos_id"] == 4);  // llama-bpe puts it unless told otherwise
  CHECK(json["temper"]["chat_template"] == "{{ x }}");
  CHECK(json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"].get<std::string>().find(R"(\p{N}{1,3})") !=
        std::string::npos);

  GgufWriter smol;
  add_bpe(smol, "smollm");
  const Json other = Json::parse(gguf_tokenizer(GgufFile(written(smol))).bytes);
  CHECK(other["temper"]["bos_id"] == -1);
  CHECK(other["pre_tokenizer"]["pretokenizers"][0]["type"] == "Digits");

  const auto fails = [](const GgufWriter& with, const std::string& why) {
    const GgufFile file(written(with));
    CHECK_THROWS_WITH(gguf_tokenizer(file), ContainsSubstring(why));
  };
  GgufWriter strange;
  add_bpe(strange, "tekken");
  fails(strange, "'tekken'");
  fails(GgufWriter(), "tokenizer.ggml.model) is ''");
  fails(GgufWriter().text("tokenizer.ggml.model", "t5"), "'t5'");
  fails(GgufWriter().text("tokenizer.ggml.model", "gpt2"), "no 'tokenizer.ggml.tokens'");
  GgufWriter outside;
  outside.text("tokenizer.ggml.model", "gpt2").text("tokenizer.ggml.pre", "gpt-2").texts("tokenizer.ggml.tokens", {"a"});
  fails(outside.integer("tokenizer.ggml.eos_token_id", 1), "outside the vocabulary");
}
