// Places of an edited text in the text as it came.
#include <catch.h>

#include "host/clean/offsets.h"
#include "temper/random.h"

using namespace temper;
using namespace temper::clean;

TEST_CASE("offsets are characters of the original, through two edits") {
  const std::string original =
      "\xEC\x95\x88 a@b.c \xEC\x95\x88 z";  // 13 bytes, 9 characters... two of them three bytes long
  OffsetMap map;
  const auto whole = map.original(original, 4, 9);
  CHECK(whole.begin == 2);
  CHECK(whole.end == 7);
  const std::vector<FilterSpan> first = {{4, 9, "email", "<EMAIL>"}};
  map.edit(original, first);
  const std::string masked = apply_spans(original, first);
  CHECK(masked.substr(4, 7) == "<EMAIL>");
  // Inside the replacement everything is the whole of what it replaced.
  CHECK(map.original(masked, 5, 8).begin == 2);
  CHECK(map.original(masked, 5, 8).end == 7);
  const auto z = map.original(masked, masked.size() - 1, masked.size());
  CHECK(z.begin == 10);
  CHECK(z.end == 11);
  const std::vector<FilterSpan> second = {{0, 4, "gone", ""}, {masked.size() - 1, masked.size(), "z", "Z!"}};
  map.edit(masked, second);
  const std::string twice = apply_spans(masked, second);
  CHECK(twice.starts_with("<EMAIL>"));
  CHECK(map.original(twice, 0, 7).begin == 2);
  CHECK(map.original(twice, twice.size() - 1, twice.size()).end == 11);
  const OffsetMap copy = OffsetMap::from_bytes(map.to_bytes());
  CHECK(copy.original(twice, 0, 7).end == 7);
  CHECK_THROWS_AS(OffsetMap::from_bytes("short"), DataError);
}

TEST_CASE("random edits in a row map back as a table of every byte says") {
  Rng rng(9);
  for (int round = 0; round < 60; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i)
      text += rng.below(3) == 0 ? "\xC3\xA9" : std::string(1, static_cast<char>('a' + rng.below(26)));
    // Of every character of the text: which characters of the original it stands for.
    struct Origin {
      std::uint64_t from, to;
    };
    std::vector<Origin> origins;
    for (std::uint64_t i = 0; i < count_characters(text); ++i) origins.push_back({i, i + 1});
    OffsetMap map;
    for (int pass = 0; pass < 3; ++pass) {
      std::vector<std::size_t> places;  // of the characters, and the end
      for (std::size_t at = 0; at < text.size(); ++at) {
        if ((static_cast<unsigned char>(text[at]) & 0xC0) != 0x80) places.push_back(at);
      }
      places.push_back(text.size());
      std::vector<FilterSpan> spans;
      std::vector<Origin> after;
      for (std::size_t c = 0; c + 1 < places.size();) {
        const std::size_t length = std::min<std::size_t>(rng.below(4), places.size() - 1 - c);
        if (rng.below(4) == 0 && length > 0) {
          const std::size_t size = rng.below(3);
          spans.push_back({places[c], places[c + length], "t", std::string(size, '#')});
          Origin all{origins[c].from, origins[c].to};
          for (std::size_t k = 0; k < length; ++k) all.to = std::max(all.to, origins[c + k].to);
          after.insert(after.end(), size, all);
          c += length;
        } else {
          after.push_back(origins[c++]);
        }
      }
      map.edit(text, spans);
      text = apply_spans(text, spans);
      origins = after;
      std::size_t byte = 0;
      OffsetMap::Walk walk(map, text);
      for (std::size_t c = 0; c < origins.size(); ++c) {
        std::size_t next = byte + 1;
        while (next < text.size() && (static_cast<unsigned char>(text[next]) & 0xC0) == 0x80) ++next;
        const auto range = map.original(text, byte, next);
        CHECK(range.begin == origins[c].from);
        CHECK(range.end == origins[c].to);
        const auto walked = walk.original(byte, next);
        CHECK(walked.begin == range.begin);
        CHECK(walked.end == range.end);
        byte = next;
      }
    }
  }
}
