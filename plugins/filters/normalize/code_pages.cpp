// One converter after the other (see code_pages.h).
#include "code_pages.h"

#include <unicode/ucnv.h>

#include <algorithm>
#include <memory>
#include <string>

#include "temper/error.h"
#include "utf8.h"

namespace temper::filters {
namespace {

struct ConverterCloser {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};

/// The characters of the bytes 0x80 to 0xFF; 0 where the page has none.
std::array<char32_t, 128> upper_half(const char* name) {
  UErrorCode error = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, ConverterCloser> converter(ucnv_open(name, &error));
  if (U_FAILURE(error)) throw DataError(std::string("ICU has no code page ") + name + "; install its data package");
  std::array<char32_t, 128> characters{};
  for (std::size_t i = 0; i < characters.size(); ++i) {
    const char byte = static_cast<char>(static_cast<unsigned char>(0x80 + i));
    const char* source = &byte;
    error = U_ZERO_ERROR;
    ucnv_reset(converter.get());
    const UChar32 c = ucnv_getNextUChar(converter.get(), &source, source + 1, &error);
    characters[i] = U_SUCCESS(error) && c >= 0x80 && c < 0xE000 ? static_cast<char32_t>(c) : 0;
  }
  return characters;
}

}  // namespace

CodePages::CodePages() : index_(0x10000), characters_(1) {
  const auto set = [&](char32_t c, std::size_t page, std::size_t byte) {
    if (index_[c] == 0) {
      index_[c] = static_cast<std::uint16_t>(characters_.size());
      characters_.emplace_back();
      std::string bytes;
      append_utf8(bytes, c);
      first_bytes_[static_cast<unsigned char>(bytes[0])] = true;
    }
    Mapped& mapped = characters_[index_[c]];
    if (mapped.bytes[page] != 0) return;
    const auto bit = static_cast<std::uint16_t>(1U << page);
    mapped.bytes[page] = static_cast<std::uint8_t>(byte);
    if (is_lead_byte(mapped.bytes[page])) mapped.leads |= bit;
    if (is_following_byte(mapped.bytes[page])) mapped.follows |= bit;
  };
  for (std::size_t page = 0; page < kCount; ++page) {
    const auto half = upper_half(kNames[page]);
    for (std::size_t i = 0; i < half.size(); ++i) {
      if (half[i] != 0) set(half[i], page, 0x80 + i);
    }
    for (char32_t c = 0x80; c < 0x100; ++c) {
      if (c < 0xA0 || half[c - 0x80] == 0) set(c, page, c);
    }
    if (page == 0) {
      for (std::size_t i = 0; i < windows_.size(); ++i) windows_[i] = half[i] >= 0xA0 ? half[i] : 0;
    }
    if (page + 1 == kCount) std::copy_n(half.begin(), dos_.size(), dos_.begin());
  }
}

}  // namespace temper::filters
