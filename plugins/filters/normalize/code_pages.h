// Single-byte code pages that UTF-8 has been mistaken for, turned round: which byte a character is in each of them. Made
// once from ICU's tables.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace temper::filters {

class CodePages {
 public:
  /// In order of preference. Windows-1252 stands for Latin-1 as well, because in every page the control characters U+0080 to
  /// U+009F are their own bytes too, and so is every byte that the page has nothing for: lenient decoders do that.
  static constexpr std::array kNames = {"windows-1252", "windows-1251", "windows-1250", "windows-1253", "windows-1254",
                                        "windows-1257", "iso-8859-2",   "macintosh",    "ibm-437"};
  static constexpr std::size_t kCount = kNames.size();
  /// Bit p of a mask is for page p.
  struct Mapped {
    std::uint16_t leads = 0, follows = 0;      ///< pages in which it begins, continues a UTF-8 sequence
    std::array<std::uint8_t, kCount> bytes{};  ///< 0 where the page does not have it
  };

  /// Throws DataError if ICU lacks a page.
  CodePages();
  const Mapped& mapped(char32_t c) const { return characters_[c < index_.size() ? index_[c] : 0]; }
  /// Whether characters of any page begin with this byte in UTF-8.
  bool is_first_byte(unsigned char byte) const { return first_bytes_[byte]; }
  /// What Windows-1252 has for a byte of 0x80 to 0x9F; 0 if nothing.
  char32_t windows(char32_t control) const { return windows_[control - 0x80]; }
  /// What code page 437, of MS-DOS, has for it.
  char32_t dos(char32_t control) const { return dos_[control - 0x80]; }

 private:
  std::vector<std::uint16_t> index_;  ///< by character, into characters_; 0 is a character of no page
  std::vector<Mapped> characters_;
  std::array<bool, 256> first_bytes_{};
  std::array<char32_t, 32> windows_{}, dos_{};
};

constexpr bool is_lead_byte(unsigned byte) { return byte >= 0xC2 && byte <= 0xF4; }
constexpr bool is_following_byte(unsigned byte) { return byte >= 0x80 && byte < 0xC0; }

}  // namespace temper::filters
