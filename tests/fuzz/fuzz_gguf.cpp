// Fuzzes the reader of GGUF files: metadata, tensor descriptions, and the data of every tensor.
#include <ATen/ATen.h>

#include <string>

#include "../unit/convert/gguf_writer.h"
#include "driver.h"
#include "host/convert/gguf.h"

int main(int argc, char** argv) {
  using temper::test::GgufWriter;
  GgufWriter plain, quantised;
  plain.text("general.architecture", "llama")
      .integer("llama.block_count", 1)
      .real("llama.rope.freq_base", 10000)
      .flag("tokenizer.ggml.add_bos_token", true)
      .texts("tokenizer.ggml.tokens", {"a", "b", "<|end|>"})
      .numbers<std::int32_t>("tokenizer.ggml.token_type", 5, {1, 1, 3})
      .floats("token_embd.weight", {2, 3}, {0, 1, 2, 3, 4, 5});
  std::uint32_t number = 0;
  for (const std::uint32_t type : {2U, 3U, 6U, 7U, 8U, 12U, 13U, 14U, 1U, 30U}) {
    const auto* format = temper::find_format(type);
    quantised.tensor("t" + std::to_string(number++), {format->block_elements, 2}, type,
                     std::string(2 * format->block_bytes, static_cast<char>(0x5A)));
  }
  temper::fuzz::Target target;
  target.name = "gguf";
  target.seeds = {plain.bytes(), plain.bytes(2), quantised.bytes()};
  target.dictionary = {"GGUF", std::string("\x09\0\0\0\x09\0\0\0", 8), std::string("\x08\0\0\0\xFF\xFF\xFF\xFF", 8),
                       "general.alignment"};
  target.mutants = 3000;
  target.read = [](const std::string& bytes) {
    const temper::GgufFile file(temper::fuzz::as_file("mutant.gguf", bytes));
    for (const auto& [name, tensor] : file.tensors()) file.read(tensor).sum();
  };
  return temper::fuzz::fuzz_main(argc, argv, {target});
}
