// Windows from halves (see text_windows.h).
#include "text_windows.h"

#include <algorithm>
#include <array>
#include <bit>

namespace temper {
namespace {

/// Halves whose characters are hashed together; bounds the memory of a text in one line.
constexpr std::size_t kHalvesAtOnce = 64;

/// What a bucket adds: to its vectors' sums its weights times `value`, to the squares `square`, both before idf.
struct Change {
  std::uint32_t row;  ///< of rows_of_places
  double value, square;
};

struct Sums {
  std::vector<double> weighted;
  double squares = 0;
};

void add(const ClassifierModel& model, const std::vector<Change>& changes, Sums& sums) {
  constexpr std::size_t kAtOnce = 4;  // sums that stay in registers; row_size() is a multiple
  const std::size_t width = model.vectors(), size = model.row_size();
  for (std::size_t begin = 0; begin < size; begin += kAtOnce) {
    std::array<double, kAtOnce> some{};
    double squares = 0;
    for (const Change& change : changes) {
      const float* row = model.rows_of_places.data() + std::size_t{change.row} * size;
      const double idf = row[width], value = idf * change.value;
      squares += idf * idf * change.square;
      for (std::size_t v = 0; v < kAtOnce; ++v) some[v] += static_cast<double>(row[begin + v]) * value;
    }
    for (std::size_t v = begin; v < std::min(width, begin + kAtOnce); ++v) sums.weighted[v] += some[v - begin];
    if (begin == 0) sums.squares += squares;
  }
}

/// damped(count), 0 for none; of the counts that nearly all buckets have, without a call.
class Values {
 public:
  Values() {
    for (std::size_t n = 1; n < small_.size(); ++n) small_[n] = static_cast<double>(damped(n));
  }
  double of(std::size_t count) const { return count < small_.size() ? small_[count] : static_cast<double>(damped(count)); }

 private:
  std::array<double, 64> small_{};
};

/// How often each bucket occurs in one half. The loops write where the next entry would go and step on only if it is one: a
/// bucket's being there already is as good as random, and a branch on it would be guessed wrong.
struct Half {
  std::vector<std::uint32_t> keys;    ///< bucket + 1, 0 where a slot is free; open addressing, as a bucket is a good hash
  std::vector<std::uint32_t> counts;  ///< 0 where a slot is free
  std::vector<std::uint32_t> used;    ///< slots, in the order of their first occurrence
  std::vector<Change> changes;        ///< of each of them
  Sums sums;

  static std::size_t find(const std::uint32_t* keys, std::size_t mask, std::uint32_t bucket) {
    std::size_t at = bucket & mask;
    // One branch, nearly never taken, for both reasons to stop.
    while (static_cast<int>(keys[at] != 0) & static_cast<int>(keys[at] != bucket + 1)) at = (at + 1) & mask;
    return at;
  }
  std::size_t count(std::uint32_t bucket) const { return counts[find(keys.data(), keys.size() - 1, bucket)]; }

  void fill(const ClassifierModel& model, const Values& values, const std::vector<std::uint32_t>& buckets) {
    // The model's tables are larger than the nearer caches, and what is wanted of them is known before it is needed.
    for (const std::uint32_t bucket : buckets) __builtin_prefetch(&model.place[bucket]);
    keys.assign(std::bit_ceil(4 * buckets.size() + 1), 0);
    counts.assign(keys.size(), 0);
    used.resize(buckets.size());
    changes.resize(buckets.size());
    std::uint32_t *all = keys.data(), *times = counts.data(), *slots = used.data();
    const std::size_t mask = keys.size() - 1, row_size = model.row_size();
    std::size_t count = 0;
    for (const std::uint32_t bucket : buckets) {
      const std::size_t at = find(all, mask, bucket);
      all[at] = bucket + 1;
      const std::uint32_t row = model.place[bucket];
      __builtin_prefetch(model.rows_of_places.data() + std::size_t{row} * row_size);
      slots[count] = static_cast<std::uint32_t>(at);
      changes[count].row = row;
      count += static_cast<std::size_t>(times[at]++ == 0);
    }
    used.resize(count);
    changes.resize(count);
    for (std::size_t i = 0; i < count; ++i) {
      const double value = values.of(times[slots[i]]);
      changes[i].value = value;
      changes[i].square = value * value;
    }
    sums = {std::vector<double>(model.vectors(), 0.0), 0};
    add(model, changes, sums);
  }
};

/// Both halves' sums, with what they share and the runs `across` counted as one text has them.
Sums joined(const ClassifierModel& model, const Values& values, const Half& a, const Half& b,
            std::vector<std::uint32_t>& across, std::vector<Change>& changes) {
  changes.resize(b.used.size());
  const std::uint32_t* keys = a.keys.data();
  const std::size_t mask = a.keys.size() - 1;
  std::size_t count = 0;
  for (std::size_t i = 0; i < b.used.size(); ++i) {
    const std::uint32_t at = b.used[i];
    const std::size_t in_b = b.counts[at], in_a = a.counts[Half::find(keys, mask, b.keys[at] - 1)];
    const double apart_a = values.of(in_a), apart_b = values.of(in_b), value = values.of(in_a + in_b);
    changes[count] = {b.changes[i].row, value - apart_a - apart_b, value * value - apart_a * apart_a - apart_b * apart_b};
    count += static_cast<std::size_t>(in_a > 0);
  }
  changes.resize(count);
  std::sort(across.begin(), across.end());
  for (std::size_t i = 0; i < across.size();) {
    std::size_t end = i;
    while (end < across.size() && across[end] == across[i]) ++end;
    const std::size_t before = a.count(across[i]) + b.count(across[i]);
    const double old_value = values.of(before), value = values.of(before + end - i);
    changes.push_back({model.place[across[i]], value - old_value, value * value - old_value * old_value});
    i = end;
  }
  Sums sums = b.sums;
  sums.squares += a.sums.squares;
  for (std::size_t v = 0; v < sums.weighted.size(); ++v) sums.weighted[v] += a.sums.weighted[v];
  add(model, changes, sums);
  return sums;
}

}  // namespace

void each_even_window(const ClassifierModel& model, const Tokens& tokens, std::size_t half, std::size_t from,
                      const std::function<void(const std::vector<double>&)>& take) {
  const std::span<const Token> all(tokens.all);
  const std::size_t halves = all.size() / half;
  Half before, now;
  std::vector<std::uint32_t> buckets, across;
  std::vector<Change> changes;
  const Values values;
  for (std::size_t first = from; first < halves; first += kHalvesAtOnce) {
    const std::size_t last = std::min(first + kHalvesAtOnce, halves);
    const auto some = all.subspan(first * half, (last - first) * half);
    const CharacterRuns runs(tokens.folded, some, model.features);
    for (std::size_t k = first; k < last; ++k) {
      std::swap(before, now);
      const std::size_t at = (k - first) * half;
      buckets.clear();
      append_word_runs(buckets, tokens.folded, some.subspan(at, half), model.features);
      runs.append(at, at + half, buckets);
      now.fill(model, values, buckets);
      if (k == from) continue;
      across.clear();
      append_word_runs_across(across, tokens.folded, all.subspan((k - 1) * half, 2 * half), half, model.features);
      const Sums sums = joined(model, values, before, now, across, changes);
      take(model.probabilities(sums.weighted, sums.squares));
    }
  }
}

}  // namespace temper
