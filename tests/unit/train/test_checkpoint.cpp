// Checkpoint folders: round trip, damage, staging that never shows half a checkpoint.
#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <filesystem>
#include <fstream>

#include "catch.h"
#include "gpt.h"
#include "host/train/checkpoint.h"
#include "temper/error.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

fs::path fresh_folder() {
  const fs::path folder = fs::temp_directory_path() / "temper_test_checkpoint";
  fs::remove_all(folder);
  fs::create_directories(folder);
  return folder;
}

gpt::Gpt make_model(std::uint64_t seed) {
  gpt::GptParams params;
  params.d_model = 16;
  params.num_layers = 1;
  params.num_heads = 2;
  return gpt::Gpt(params, {20, seed});
}

CheckpointManifest manifest() {
  CheckpointManifest m;
  m.architecture = "gpt";
  m.architecture_values.set("d_model", {std::int64_t{16}, ValueSource::kFile, ""});
  m.architecture_values.set("dropout", {0.0, ValueSource::kDefault, ""});
  m.tokenizer = "bytes";
  m.tokenizer_file = "tokenizer.model";
  m.stage = "pretrain";
  m.status = "complete";
  m.vocab_size = 20;
  m.step = 7;
  return m;
}

}  // namespace

TEST_CASE("a checkpoint comes back: weights, tokenizer, facts; equal weights give equal hashes") {
  const fs::path folder = fresh_folder() / "final";
  auto a = make_model(1), b = make_model(2);
  StateDict state;
  state.tensors["x"] = at::arange(3, at::kFloat);
  state.texts["position"] = "42";
  const std::string sha = save_checkpoint(folder, manifest(), a, std::string("tok\0en", 6), &state);
  const CheckpointManifest read = read_manifest(folder);
  CHECK(read.weights_sha256 == sha);
  CHECK(read.architecture_values.as<std::int64_t>("d_model") == 16);
  CHECK(read.architecture_values.as<double>("dropout") == 0.0);
  CHECK(read_tokenizer_bytes(folder, read) == std::string("tok\0en", 6));
  load_weights(folder, read, b);
  for (std::size_t i = 0; i < a.parameters().size(); ++i)
    CHECK(at::equal(a.parameters()[i].tensor, b.parameters()[i].tensor));
  CHECK(read_state(folder, read).texts.at("position") == "42");
  CHECK(save_checkpoint(folder, manifest(), b, "tok", nullptr) == sha);
  CHECK_FALSE(fs::exists(folder / "state.safetensors"));
  for (const auto& entry : fs::directory_iterator(folder.parent_path())) CHECK(entry.path().filename() == "final");
}

TEST_CASE("damaged weights, a foreign folder and another model's weights are refused in words") {
  const fs::path folder = fresh_folder() / "final";
  auto model = make_model(1);
  save_checkpoint(folder, manifest(), model, "tok", nullptr);
  {
    std::fstream file(folder / "model.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('\x55');
  }
  CHECK_THROWS_WITH(load_weights(folder, read_manifest(folder), model), ContainsSubstring("is damaged"));
  CHECK_THROWS_WITH(read_manifest(folder.parent_path()), ContainsSubstring("is no temper checkpoint"));
  std::ofstream(folder / "temper.json") << "{";
  CHECK_THROWS_WITH(read_manifest(folder), ContainsSubstring("temper.json' is damaged"));
}

TEST_CASE("a parameter that came later has its default, one that is gone is an error that names it") {
  std::vector<ParamSpec> specs(2);
  specs[0].name = "width";
  specs[0].default_value = std::int64_t{8};
  specs[1].name = "gate";
  specs[1].default_value = std::string("silu");
  ParamValues stored;
  stored.set("width", {std::int64_t{32}, ValueSource::kFile, ""});
  const ParamValues values = stored_values("run/final", "architecture net", stored, specs);
  CHECK(std::get<std::int64_t>(values.get("width").value) == 32);
  CHECK(std::get<std::string>(values.get("gate").value) == "silu");
  stored.set("depth", {std::int64_t{3}, ValueSource::kFile, ""});
  CHECK_THROWS_WITH(stored_values("run/final", "architecture net", stored, specs),
                    ContainsSubstring("depth = 3 of architecture net, which has no such parameter"));
}

TEST_CASE("resumable checkpoints are found newest first; half-written ones are not seen") {
  const fs::path folder = fresh_folder();
  auto model = make_model(1);
  StateDict state;
  state.tensors["x"] = at::zeros({1});
  for (const std::int64_t step : {5, 100, 20}) save_checkpoint(resumable_name(folder, step), manifest(), model, "", &state);
  fs::create_directories(folder / "step-000000300.staging99");
  fs::create_directories(folder / "step-000000200");
  const auto found = resumable_checkpoints(folder);
  REQUIRE(found.size() == 3);
  CHECK(found[0].filename() == "step-000000100");
  CHECK(found[2].filename() == "step-000000005");
}

TEST_CASE("what a stage kept beside the weights comes back, and a damaged byte of it is noticed") {
  const fs::path folder = fresh_folder() / "final";
  auto model = make_model(1);
  StateDict extras;
  extras.tensors["head"] = at::arange(4, at::kFloat);
  extras.texts["about"] = "a head";
  save_checkpoint(folder, manifest(), model, "bytes", nullptr, &extras);
  const CheckpointManifest read = read_manifest(folder);
  CHECK(read.extras_sha256.size() == 64);
  const StateDict back = read_extras(folder, read);
  CHECK(back.tensors.at("head").equal(extras.tensors.at("head")));
  CHECK(back.texts.at("about") == "a head");
  {
    std::fstream file(folder / "extras.safetensors", std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(-1, std::ios::end);
    file.put('x');
  }
  CHECK_THROWS_AS(read_extras(folder, read), DataError);
  const fs::path plain = fresh_folder() / "plain";
  save_checkpoint(plain, manifest(), model, "bytes", nullptr);
  CHECK(read_extras(plain, read_manifest(plain)).tensors.empty());
}
