// The loop over features (see window_counts.h), with vectors where the processor has them; both ways give the same.
#include "window_counts.h"

#include <immintrin.h>

#include <algorithm>
#include <array>

namespace temper {
namespace {

/// Of four values those that are kept, by a bit each, to the front: as halves of them, for _mm256_permutevar8x32_epi32.
alignas(32) constexpr std::array<std::array<std::uint32_t, 8>, 16> kToFront = [] {
  std::array<std::array<std::uint32_t, 8>, 16> places{};
  for (std::uint32_t kept = 0; kept < places.size(); ++kept) {
    std::size_t out = 0;
    for (std::uint32_t lane = 0; lane < 4; ++lane) {
      if ((kept >> lane & 1) == 0) continue;
      places[kept][out++] = 2 * lane;
      places[kept][out++] = 2 * lane + 1;
    }
  }
  return places;
}();
constexpr std::array<std::uint8_t, 16> kHowMany = {0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4};

__attribute__((target("avx2"))) bool run_by_vectors(CountLoop& loop) {
  Tally* tallies = loop.tallies;
  Change* out = loop.changes + loop.noted;
  const std::size_t end = loop.blocks.size();
  const std::uint32_t* const* blocks = loop.blocks.data();
  std::size_t at = loop.block;
  const __m256i half_now = _mm256_set1_epi64x(static_cast<long long>(loop.half_now)), zero = _mm256_setzero_si256();
  const __m256i once_now = _mm256_set1_epi64x(static_cast<long long>((loop.half_now << 48) | 1));
  const __m256i row_bits = _mm256_set1_epi64x(static_cast<long long>(kRowBits)), many = _mm256_set1_epi64x(kMayBeMany);
  const __m256i both = _mm256_set1_epi64x(0xFFFF), one = _mm256_set1_epi64x(0xFF);
  const __m256i steps = _mm256_set1_epi64x(static_cast<long long>((loop.step_zero << 48) | loop.step_zero));
  for (; at < end; ++at) {
    const std::uint32_t* numbers = blocks[at];
    Tally *const a = tallies + numbers[0], *const b = tallies + numbers[1];
    Tally *const c = tallies + numbers[2], *const d = tallies + numbers[3];
    const __m256i had = _mm256_set_epi64x(static_cast<long long>(*d), static_cast<long long>(*c), static_cast<long long>(*b),
                                          static_cast<long long>(*a));
    if (_mm256_testz_si256(had, many) == 0) break;
    // A shift by more bits than there are gives 0, as it should for what is long ago.
    const __m256i age = _mm256_sub_epi64(half_now, _mm256_srli_epi64(had, 48));
    const __m256i counts = _mm256_and_si256(_mm256_sllv_epi64(had, _mm256_slli_epi64(age, 3)), both);
    const __m256i now = _mm256_and_si256(counts, one), window = _mm256_add_epi64(now, _mm256_srli_epi64(counts, 8));
    const __m256i row = _mm256_and_si256(had, row_bits);
    const __m256i have = _mm256_or_si256(row, _mm256_add_epi64(counts, once_now));
    const __m256i changes =
        _mm256_or_si256(row, _mm256_add_epi64(_mm256_or_si256(_mm256_slli_epi64(window, 48), now), steps));
    const auto kept = static_cast<std::size_t>(_mm256_movemask_pd(_mm256_castsi256_pd(_mm256_sub_epi64(zero, window))));
    const __m128i first = _mm256_castsi256_si128(have), second = _mm256_extracti128_si256(have, 1);
    *a = static_cast<Tally>(_mm_cvtsi128_si64(first));
    *b = static_cast<Tally>(_mm_extract_epi64(first, 1));
    *c = static_cast<Tally>(_mm_cvtsi128_si64(second));
    *d = static_cast<Tally>(_mm_extract_epi64(second, 1));
    tallies[0] = 0;  // none's
    const __m256i to_front = _mm256_load_si256(reinterpret_cast<const __m256i*>(kToFront[kept].data()));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(out), _mm256_permutevar8x32_epi32(changes, to_front));
    out += kHowMany[kept];
  }
  loop.block = at;
  loop.noted = static_cast<std::size_t>(out - loop.changes);
  return at == end;
}

}  // namespace

bool CountLoop::run() {
  static const bool has_vectors = __builtin_cpu_supports("avx2");
  return has_vectors ? run_by_vectors(*this) : run_one_by_one();
}

bool CountLoop::run_one_by_one() {
  for (; block < blocks.size(); ++block) {
    const std::span numbers(blocks[block], kFeatureBlock);
    if (std::any_of(numbers.begin(), numbers.end(), [&](auto n) { return (tallies[n] & kMayBeMany) != 0; })) return false;
    for (const std::uint32_t number : numbers) {
      if (number == 0) continue;
      Tally& tally = tallies[number];
      const std::uint64_t counts = counts_in(tally, half_now), now = counts & 0xFF, window = now + (counts >> 8);
      tally = with_counts(tally, half_now, counts + 1);
      if (window > 0) changes[noted++] = change_of(tally, step_zero + now, step_zero + window);
    }
  }
  return true;
}

}  // namespace temper
