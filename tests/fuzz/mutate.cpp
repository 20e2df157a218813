// Mutations (see driver.h). One to eight small changes, drawn from a generator seeded by target, seed and number.
#include <algorithm>
#include <cstring>

#include "driver.h"
#include "temper/random.h"

namespace temper::fuzz {
namespace {

constexpr std::uint64_t kInteresting[] = {0,
                                          1,
                                          2,
                                          7,
                                          16,
                                          127,
                                          128,
                                          255,
                                          256,
                                          32767,
                                          32768,
                                          65535,
                                          65536,
                                          0x7FFFFFFF,
                                          0x80000000,
                                          0xFFFFFFFF,
                                          0x100000000,
                                          0x3FFFFFFFFFFFFFFF,
                                          0x7FFFFFFFFFFFFFFF,
                                          0x8000000000000000,
                                          0xFFFFFFFFFFFFFFFF};
constexpr const char* kNumbers[] = {
    "-1",   "0",           "1e400",  "1.5",     "9223372036854775807", "18446744073709551616", "null", "true", "[]", "{}",
    "\"\"", "\"\\ud800\"", "[[[[[[", "\"\xff\""};

class Mutation {
 public:
  Mutation(const Target& target, Rng& rng, std::string bytes) : target_(target), rng_(rng), bytes_(std::move(bytes)) {}

  std::string run() {
    const std::uint64_t changes = 1 + below(8);
    for (std::uint64_t i = 0; i < changes; ++i) change();
    return std::move(bytes_);
  }

 private:
  std::uint64_t below(std::uint64_t limit) { return rng_.below(limit); }
  /// Headers are where the lengths are, so half of all changes fall near the front.
  std::size_t place() {
    if (bytes_.empty()) return 0;
    return below(2) == 0 ? below(bytes_.size()) : below(std::min<std::size_t>(bytes_.size(), 64 + bytes_.size() / 16));
  }
  std::size_t length_from(std::size_t at) { return std::min<std::size_t>(bytes_.size() - at, 1 + below(24)); }

  void overwrite(std::uint64_t value, std::size_t width) {
    const std::size_t at = place();
    if (bytes_.size() - at < width) return;
    std::memcpy(bytes_.data() + at, &value, width);
  }
  /// Replaces a run of digits in a text format.
  void replace_number() {
    std::size_t begin = bytes_.find_first_of("0123456789", place());
    if (begin == std::string::npos) return;
    const std::size_t end = std::min(bytes_.find_first_not_of("0123456789", begin), bytes_.size());
    bytes_.replace(begin, end - begin, kNumbers[below(std::size(kNumbers))]);
  }

  void change() {
    const std::size_t at = place();
    switch (below(12)) {
      case 0:
        if (!bytes_.empty()) bytes_[at] = static_cast<char>(bytes_[at] ^ (1 << below(8)));
        return;
      case 1:
        if (!bytes_.empty()) bytes_[at] = static_cast<char>(below(256));
        return;
      case 2:
      case 3:
        return overwrite(kInteresting[below(std::size(kInteresting))], std::size_t{1} << below(4));
      case 4:
        if (!bytes_.empty()) bytes_[at] = static_cast<char>(bytes_[at] + (below(2) == 0 ? 1 : -1));
        return;
      case 5:
        bytes_.resize(at);
        return;
      case 6:
        bytes_.erase(at, length_from(at));
        return;
      case 7:
        bytes_.insert(at, bytes_.substr(place(), 1 + below(24)));
        return;
      case 8:
        bytes_.insert(at, std::string(1 + below(16), static_cast<char>(below(256))));
        return;
      case 9:
        if (!target_.dictionary.empty()) bytes_.insert(at, target_.dictionary[below(target_.dictionary.size())]);
        return;
      case 10: {
        const std::string& other = target_.seeds[below(target_.seeds.size())];
        const std::size_t from = below(other.size());
        bytes_.replace(at, length_from(at), other.substr(from, 1 + below(64)));
        return;
      }
      default:
        return replace_number();
    }
  }

  const Target& target_;
  Rng& rng_;
  std::string bytes_;
};

}  // namespace

std::string mutate(const Target& target, std::uint64_t seed, std::uint64_t number) {
  Rng rng(derive_seed(derive_seed(seed, {target.name}), number));
  return Mutation(target, rng, target.seeds[number % target.seeds.size()]).run();
}

}  // namespace temper::fuzz
