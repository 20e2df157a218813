// Suffix arrays against brute force, on random texts of few and many symbols and on real text.
#include <algorithm>
#include <fstream>
#include <numeric>
#include <sstream>
#include <string>

#include "catch.h"
#include "temper/random.h"
#include "temper/suffix_array.h"

using namespace temper;

namespace {

template <class Symbol>
bool before(const std::vector<Symbol>& text, std::uint64_t a, std::uint64_t b) {
  return std::lexicographical_compare(text.begin() + static_cast<std::ptrdiff_t>(a), text.end(),
                                      text.begin() + static_cast<std::ptrdiff_t>(b), text.end());
}

template <class Symbol>
std::uint64_t count_naively(const std::vector<Symbol>& text, const std::vector<Symbol>& query) {
  std::uint64_t count = 0;
  for (std::size_t at = 0; at + query.size() <= text.size(); ++at) {
    count += std::equal(query.begin(), query.end(), text.begin() + static_cast<std::ptrdiff_t>(at));
  }
  return count;
}

/// All that the class promises, against the plainest way to say it.
template <class Symbol>
void check_against_brute_force(const std::vector<Symbol>& text, Symbol separator, Rng& rng) {
  const SuffixArray<Symbol> array(text);
  std::vector<std::uint64_t> order(text.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](std::uint64_t a, std::uint64_t b) { return before(text, a, b); });
  std::vector<std::uint64_t> got;
  for (std::uint64_t rank = 0; rank < array.size(); ++rank) got.push_back(array[rank]);
  REQUIRE(got == order);

  std::vector<std::uint32_t> plain(text.size(), 0), cut(text.size(), 0);
  for (std::size_t rank = 1; rank < order.size(); ++rank) {
    std::uint64_t a = order[rank - 1], b = order[rank];
    bool apart = false;
    for (; a < text.size() && b < text.size() && text[a] == text[b]; ++a, ++b) {
      apart = apart || text[a] == separator;
      ++plain[rank];
      if (!apart) ++cut[rank];
    }
  }
  REQUIRE(array.lcp() == plain);
  REQUIRE(array.lcp(separator) == cut);

  for (int trial = 0; trial < 8; ++trial) {
    // A part of the text with one symbol changed: occurs whole, in part, or not at all.
    std::vector<Symbol> query;
    if (!text.empty()) {
      const std::size_t from = rng.below(text.size()), size = rng.below(std::min<std::size_t>(12, text.size() - from) + 1);
      query.assign(text.begin() + static_cast<std::ptrdiff_t>(from),
                   text.begin() + static_cast<std::ptrdiff_t>(from + size));
      if (!query.empty() && rng.below(2) == 0) query[rng.below(query.size())] = text[rng.below(text.size())];
    }
    if (rng.below(3) == 0) query.push_back(static_cast<Symbol>(77));
    if (!query.empty()) REQUIRE(array.count(query) == count_naively(text, query));
    std::uint64_t longest_prefix = 0, longest = 0, first_at = 0;
    for (std::size_t at = 0; at < query.size(); ++at) {
      for (std::size_t size = 1; at + size <= query.size(); ++size) {
        const auto begin = query.begin() + static_cast<std::ptrdiff_t>(at);
        if (count_naively(text, std::vector<Symbol>(begin, begin + static_cast<std::ptrdiff_t>(size))) == 0) break;
        if (at == 0) longest_prefix = size;
        if (size > longest) {
          longest = size;
          first_at = at;
        }
      }
    }
    const auto prefix = array.longest_prefix(query);
    REQUIRE(prefix.length == longest_prefix);
    const auto match = array.longest_match(query);
    REQUIRE(match.length == longest);
    if (longest > 0) {
      REQUIRE(match.in_query == first_at);
      for (std::uint64_t k = 0; k < longest; ++k) REQUIRE(text[match.in_text + k] == query[match.in_query + k]);
    }
  }
}

std::string read_real(const std::string& name, std::size_t limit) {
  const auto path = shared_data(name);
  if (path.empty()) return "";
  std::ifstream file(path, std::ios::binary);
  std::string text(limit, '\0');
  file.read(text.data(), static_cast<std::streamsize>(limit));
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

}  // namespace

TEST_CASE("suffix arrays of random bytes and tokens equal brute force", "[sdk][suffix_array]") {
  Rng rng(1);
  for (int trial = 0; trial < 300; ++trial) {
    const std::size_t size = rng.below(80);
    const std::uint64_t symbols = 1 + rng.below(trial % 2 == 0 ? 3 : 60);
    std::vector<std::uint8_t> bytes;
    std::vector<std::int32_t> tokens;
    // Large ids, so that tokens take one, two and three bytes.
    const std::int32_t step = trial % 3 == 0 ? 1 : 70001;
    for (std::size_t i = 0; i < size; ++i) {
      const auto symbol = rng.below(symbols);
      const bool separates = rng.below(20) == 0;
      bytes.push_back(separates ? kByteSeparator : static_cast<std::uint8_t>(symbol));
      tokens.push_back(separates ? kTokenSeparator : static_cast<std::int32_t>(symbol) * step);
    }
    check_against_brute_force<std::uint8_t>(bytes, kByteSeparator, rng);
    check_against_brute_force<std::int32_t>(tokens, kTokenSeparator, rng);
  }
}

TEST_CASE("suffix arrays of texts with more tokens than two bytes hold", "[sdk][suffix_array]") {
  // 300 different tokens take two bytes, 70,000 take three.
  for (const std::int32_t different : {300, 70000}) {
    std::vector<std::int32_t> text;
    for (std::int32_t i = 0; i < different; ++i) text.push_back((i * 7919) % different);
    text.insert(text.end(), text.begin(), text.begin() + 40);
    const SuffixArray<std::int32_t> array(text);
    bool sorted = true;
    for (std::uint64_t rank = 1; rank < array.size(); ++rank) sorted = sorted && before(text, array[rank - 1], array[rank]);
    CHECK(sorted);
    const auto lcp = array.lcp();
    CHECK(*std::max_element(lcp.begin(), lcp.end()) == 40);
    CHECK(array.count({text.data(), 40}) == 2);
    CHECK(array.count({text.data(), 41}) == 1);
  }
}

TEST_CASE("an empty text and an empty query", "[sdk][suffix_array]") {
  const SuffixArray<std::uint8_t> empty({});
  CHECK(empty.size() == 0);
  CHECK(empty.lcp().empty());
  CHECK(empty.longest_match(bytes_of("abc")).length == 0);
  const SuffixArray<std::uint8_t> array(bytes_of("abcab"));
  CHECK(array.find({}).count() == 5);
  CHECK(array.longest_match({}).length == 0);
}

TEST_CASE("no match crosses the separator between two documents", "[sdk][suffix_array]") {
  const std::string joined = std::string("one two") + static_cast<char>(kByteSeparator) + "three";
  const SuffixArray<std::uint8_t> array(bytes_of(joined));
  CHECK(array.count(bytes_of("twothree")) == 0);
  const auto match = array.longest_match(bytes_of("now two three"));
  CHECK(joined.substr(match.in_text, match.length) == "three");
  const std::string other = "e two";
  CHECK(array.longest_prefix(bytes_of("e two, e three")).length == other.size());
}

TEST_CASE("suffix arrays of repetitive texts stay fast and right", "[sdk][suffix_array]") {
  const std::string text(1 << 20, 'a');
  const SuffixArray<std::uint8_t> array(bytes_of(text));
  CHECK(array[0] == text.size() - 1);
  CHECK(array[text.size() - 1] == 0);
  CHECK(array.count(bytes_of(std::string(1000, 'a'))) == text.size() - 999);
  CHECK(array.longest_match(bytes_of("baaaab")).length == 4);
  const auto lcp = array.lcp();
  CHECK(lcp.back() == text.size() - 1);
}

TEST_CASE("the memory told beforehand is what is used", "[sdk][suffix_array]") {
  const auto bytes = suffix_array_memory(1000000);
  CHECK(bytes.kept == 4000000);
  CHECK(bytes.building >= 4000000);
  CHECK(bytes.building < 4400000);
  CHECK(bytes.lcp == 8000000);
  // From 2^31 on an index takes eight bytes.
  CHECK(suffix_array_memory((1ULL << 31) - 1).kept == ((1ULL << 31) - 1) * 4);
  CHECK(suffix_array_memory(1ULL << 31).kept == (1ULL << 31) * 8);
  CHECK(suffix_array_memory(1ULL << 30, 2).kept == (1ULL << 30) * 8);
}

TEST_CASE("suffix array of real text", "[sdk][suffix_array][real]") {
  const std::string text = read_real("corpus/tinyshakespeare.txt", 1 << 21);
  if (text.empty()) return;
  const SuffixArray<std::uint8_t> array(bytes_of(text));
  const auto lcp = array.lcp();
  bool sorted = true, exact = true;
  std::vector<bool> seen(text.size());
  seen[array[0]] = true;
  for (std::uint64_t rank = 1; rank < array.size(); ++rank) {
    const std::string_view all(text), before_it = all.substr(array[rank - 1]), it = all.substr(array[rank]);
    seen[array[rank]] = true;
    sorted = sorted && before_it < it;
    exact = exact && before_it.substr(0, lcp[rank]) == it.substr(0, lcp[rank]) &&
            (lcp[rank] == before_it.size() || before_it[lcp[rank]] != it[lcp[rank]]);
  }
  CHECK(sorted);
  CHECK(exact);
  CHECK(std::count(seen.begin(), seen.end(), true) == static_cast<std::ptrdiff_t>(text.size()));
  // Counted by searching on from each hit.
  for (const std::string query : {"First Citizen:", "ROMEO:", "the ", "zzzz"}) {
    std::uint64_t naive = 0;
    for (std::size_t at = text.find(query); at != std::string::npos; at = text.find(query, at + 1)) ++naive;
    CHECK(array.count(bytes_of(query)) == naive);
  }
  const auto match = array.longest_match(bytes_of("He said: Before we proceed any further, hear me talk."));
  CHECK(text.substr(match.in_text, match.length) == "Before we proceed any further, hear me ");
}
