// Fuzzes the reader of safetensors files: header and data of every tensor.
#include <ATen/ATen.h>

#include <fstream>
#include <iterator>

#include "driver.h"
#include "host/train/safetensors.h"

namespace {

std::string file_bytes(const temper::TensorFile& content) {
  const std::string path = temper::fuzz::as_file("made.safetensors", "");
  temper::write_safetensors(path, content);
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

int main(int argc, char** argv) {
  temper::TensorFile small, mixed;
  small.tensors["w"] = at::arange(6, at::kFloat).reshape({2, 3});
  mixed.tensors["model.embed_tokens.weight"] = at::ones({8, 4}, at::kBFloat16);
  mixed.tensors["model.norm.weight"] = at::ones({4}, at::kHalf);
  mixed.tensors["empty"] = at::ones({0, 4}, at::kByte);
  mixed.tensors["scalar"] = at::scalar_tensor(1.5, at::kDouble);
  mixed.metadata = {{"format", "pt"}, {"note", "x"}};
  temper::fuzz::Target target;
  target.name = "safetensors";
  target.seeds = {file_bytes(small), file_bytes(mixed)};
  target.dictionary = {"\"dtype\":\"F32\"",
                       "\"shape\":[4611686018427387904,4]",
                       "\"data_offsets\":[0,8]",
                       "\"F16\"",
                       "__metadata__",
                       "{",
                       "}",
                       "[",
                       "]",
                       ",",
                       ":",
                       "\"w\":{",
                       "[0,9223372036854775807]"};
  target.mutants = 3000;
  target.read = [](const std::string& bytes) {
    const auto content = temper::read_safetensors(temper::fuzz::as_file("mutant.safetensors", bytes));
    for (const auto& [name, tensor] : content.tensors) tensor.numel();
  };
  return temper::fuzz::fuzz_main(argc, argv, {target});
}
