// SHA-256 (FIPS 180-4) for files, prompts and cache keys. Used wherever an identity has to be stable across machines.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "temper/error.h"

namespace temper {

class TEMPER_API Sha256 {
 public:
  Sha256();
  Sha256& update(const void* data, std::size_t size);
  Sha256& update(std::string_view text) { return update(text.data(), text.size()); }
  std::array<std::uint8_t, 32> digest();  ///< ends the computation
  std::string hex();                      ///< ends the computation; 64 lower-case digits

 private:
  void block(const std::uint8_t* data);
  std::array<std::uint32_t, 8> state_;
  std::array<std::uint8_t, 64> buffer_{};
  std::uint64_t length_ = 0;
};

TEMPER_API std::string sha256_hex(std::string_view text);
/// Throws DataError if the file cannot be read.
TEMPER_API std::string sha256_file(const std::filesystem::path& path);

}  // namespace temper
