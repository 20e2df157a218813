// Sharded folders: written in shards, read whole, and every lie of the index told.
#include "catch.h"
#include "host/convert/export.h"
#include "host/convert/fill.h"
#include "host/convert/hf_folder.h"
#include "models.h"
#include "silent_progress.h"
#include "temper/error.h"

using namespace temper;
using namespace temper::test;
namespace fs = std::filesystem;

namespace {

fs::path two_shards() {
  const auto folder = fresh_folder("shards");
  write_safetensors(folder / "one.safetensors", {{{"a", at::ones({2})}, {"b", at::zeros({3})}}, {}});
  write_safetensors(folder / "two.safetensors", {{{"c", at::full({1}, 4.0)}}, {}});
  return folder;
}

fs::path indexed(const fs::path& folder, const std::string& map) {
  write_bytes(folder / "model.safetensors.index.json", R"({"metadata": {"total_size": 24}, "weight_map": )" + map + "}");
  return folder;
}

/// One joint matrix that Hugging Face has as three tensors, one of them transposed.
class Joint final : public Architecture {
 public:
  explicit Joint(double start) : joint_(wave({7, 4}, start)), bias_(wave({2}, start)) {}
  ArchitectureTraits traits() const override { return {false, 4, 4, 8}; }
  at::Tensor hidden(const ModelInput&) override { return {}; }
  at::Tensor head() override { return joint_; }
  std::vector<NamedParameter> parameters() override { return {{"joint", joint_}, {"bias", bias_}}; }
  std::vector<WeightName> weight_names() const override {
    return {{"joint", "q", false, 0, 2}, {"joint", "k", true, 2, 3}, {"joint", "v", false, 5, last_}, {"bias", "bias"}};
  }
  void train(bool) override {}
  bool is_training() const override { return false; }
  double train_flops_per_token(std::int64_t) const override { return 0; }
  std::string hugging_face_config() const override { return R"({"model_type": "joint"})"; }

  at::Tensor joint_, bias_;
  std::int64_t last_ = 2;
};

class Fixed final : public WeightSource {
 public:
  explicit Fixed(Tensors tensors) : tensors_(std::move(tensors)) {}
  std::map<std::string, std::vector<std::int64_t>> shapes() const override {
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const auto& [name, tensor] : tensors_) shapes[name] = tensor.sizes().vec();
    return shapes;
  }
  at::Tensor read(const std::string& name) const override { return tensors_.at(name); }
  std::string where() const override { return "fixed"; }

 private:
  Tensors tensors_;
};

sentencepiece_plugin::SentencepieceTokenizer tokenizer() {
  sentencepiece_plugin::SentencepieceTokenizer made({}, {});
  made.load(sentencepiece_bytes(characters()));
  return made;
}

}  // namespace

TEST_CASE("shards are read as one") {
  const FolderWeights weights(
      indexed(two_shards(), R"({"a": "one.safetensors", "b": "one.safetensors", "c": "two.safetensors"})"));
  CHECK(weights.shapes().size() == 3);
  CHECK(at::equal(weights.read("c"), at::full({1}, 4.0)));
  CHECK(at::equal(weights.read("a"), at::ones({2})));
}

TEST_CASE("an index that does not fit its shards is refused") {
  const auto refused = [](const std::string& map, const std::string& why) {
    const auto folder = indexed(two_shards(), map);
    CHECK_THROWS_AS(FolderWeights(folder), DataError);
    CHECK_THROWS_WITH(FolderWeights(folder), ContainsSubstring(why));
  };
  refused(R"({"a": "one.safetensors", "b": "one.safetensors", "c": "three.safetensors"})", "shard 'three.safetensors'");
  refused(R"({"a": "one.safetensors", "b": "two.safetensors", "c": "two.safetensors"})",
          "'two.safetensors' has no tensor 'b'");
  refused(R"({"a": "one.safetensors", "c": "two.safetensors"})", "has the tensor 'b'");
  refused(R"({"a": "../one.safetensors"})", "no name of a safetensors file");
  refused(R"({"a": "model.bin"})", "no name of a safetensors file");
  refused(R"({"a": 7})", "no name of a safetensors file");
  refused("[]", "no object weight_map");
  refused("{", "no valid JSON");
  refused(std::string(5000, '['), "deep");
}

TEST_CASE("joint matrices come from row slices and go back into them") {
  Joint model(1);
  SilentProgress quiet;
  const Tensors tensors = {{"q", wave({2, 4}, 9)}, {"k", wave({4, 3}, 8)}, {"v", wave({2, 4}, 7)}, {"bias", wave({2}, 6)}};
  fill_model(model, Fixed(tensors), quiet);
  CHECK(at::equal(model.joint_, at::cat({tensors.at("q"), tensors.at("k").t(), tensors.at("v")})));
  CHECK(at::equal(model.bias_, tensors.at("bias")));

  const auto out = fresh_folder("joint") / "hf";
  ExportOptions options;
  options.shard_size = 50;
  const auto files = export_model(model, tokenizer(), out, options, quiet);
  CHECK(fs::exists(out / "model-00004-of-00004.safetensors"));
  CHECK_FALSE(fs::exists(out / "model.safetensors"));
  CHECK(std::count(files.begin(), files.end(), "model.safetensors.index.json") == 1);
  Joint back(2);
  const FolderWeights weights(out);
  fill_model(back, weights, quiet);
  CHECK(at::equal(back.joint_, model.joint_));
  CHECK(at::equal(weights.read("k"), tensors.at("k")));

  model.last_ = 1;
  Tensors short_by_one = tensors;
  short_by_one["v"] = wave({1, 4}, 7);
  CHECK_THROWS_WITH(fill_model(model, Fixed(short_by_one), quiet), ContainsSubstring("where all rows of parameter 'joint'"));
}

TEST_CASE("exports in half precision round to nearest and never overflow silently") {
  Joint model(1);
  SilentProgress quiet;
  const auto out = fresh_folder("half_export");
  ExportOptions options;
  options.type = at::kBFloat16;
  export_model(model, tokenizer(), out / "bf16", options, quiet);
  CHECK(at::equal(FolderWeights(out / "bf16").read("v"), model.joint_.narrow(0, 5, 2).to(at::kBFloat16)));
  CHECK(Json::parse(read_bytes(out / "bf16/config.json"))["dtype"] == "bfloat16");
  CHECK_THROWS_WITH(export_model(model, tokenizer(), out / "bf16", options, quiet), ContainsSubstring("exists already"));
  options.force = true;
  export_model(model, tokenizer(), out / "bf16", options, quiet);
  options.type = at::kHalf;
  model.bias_[1] = 70000;
  CHECK_THROWS_WITH(export_model(model, tokenizer(), out / "f16", options, quiet),
                    ContainsSubstring("'bias' has values above"));
  CHECK_FALSE(fs::exists(out / "f16"));
  CHECK(std::distance(fs::directory_iterator(out), {}) == 1);
}

TEST_CASE("sizes are read with their units") {
  CHECK(parse_size("5GB") == 5'000'000'000);
  CHECK(parse_size("200MB") == 200'000'000);
  CHECK(parse_size("30kB") == 30'000);
  CHECK(parse_size("77") == 77);
  for (const char* text : {"", "0", "GB", "-1", "5TB", "1.5GB", "99999999999999999999", "9999999999999GB"}) {
    CHECK_THROWS_AS(parse_size(text), ConfigError);
  }
}
