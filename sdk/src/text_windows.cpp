// Windows from halves (see text_windows.h).
#include "text_windows.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace temper {
namespace {

/// How far ahead what a bucket needs is fetched: the tables are larger than the nearer caches.
constexpr std::size_t kAhead = 32;
/// Buckets that are counted in one go; bounds the memory of a word without an end.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 16;
constexpr std::int64_t kWordBits = 17;
/// Words are forgotten when there are more, or their records are longer.
constexpr std::size_t kMostWords = std::size_t{1} << 16, kMostRecords = std::size_t{1} << 22;
constexpr std::size_t kHeader = 2, kPerDouble = sizeof(double) / sizeof(std::uint32_t);

double double_at(const std::uint32_t* place) {
  double value = 0;
  std::memcpy(&value, place, sizeof value);
  return value;
}

}  // namespace

WindowReader::WindowReader(const ClassifierModel& model)
    : model_(model),
      counts_(std::size_t{1} << model.features.bucket_bits),
      words_(std::size_t{1} << kWordBits),
      records_(1) {
  for (std::size_t n = 0; n < steps_.size(); ++n) steps_[n] = step_from(n);
}

WindowReader::Step WindowReader::step_from(std::size_t count) {
  const double before = count == 0 ? 0 : static_cast<double>(damped(count)), after = static_cast<double>(damped(count + 1));
  return {after - before, after * after - before * before};
}

WindowReader::Step WindowReader::step(std::size_t count) const {
  return count < steps_.size() ? steps_[count] : step_from(count);
}

/// Of each four vectors the sums stay in registers; the order is fixed, and no product is fused with its sum, so that every
/// processor gives the same bits.
__attribute__((target_clones("avx2", "default"))) void WindowReader::add(const ClassifierModel& model,
                                                                         const std::vector<Change>& changes, Sums& half,
                                                                         Sums& window) {
  constexpr std::size_t kAtOnce = 4;
  const std::size_t width = model.vectors(), size = model.row_size();
  for (std::size_t begin = 0; begin < size; begin += kAtOnce) {
    std::array<double, kAtOnce> in_half{}, in_window{};
    double half_squares = 0, window_squares = 0;
    for (const Change& change : changes) {
      const float* row = model.rows_of_places.data() + std::size_t{change.row} * size;
      const double idf = row[width], for_half = idf * change.half.value, for_window = idf * change.window.value;
      half_squares += idf * idf * change.half.square;
      window_squares += idf * idf * change.window.square;
      for (std::size_t v = 0; v < kAtOnce; ++v) {
        const double weight = row[begin + v];
        in_half[v] += weight * for_half;
        in_window[v] += weight * for_window;
      }
    }
    for (std::size_t v = 0; v < kAtOnce; ++v) {
      half.weighted[begin + v] += in_half[v];
      window.weighted[begin + v] += in_window[v];
    }
    if (begin > 0) continue;
    half.squares += half_squares;
    window.squares += window_squares;
  }
}

/// Adds a word to the half: its buckets, and what they add if all are new. `hash` is that of its text.
void WindowReader::use_word(std::uint64_t hash, std::u32string_view text, bool is_word) {
  const std::size_t mask = words_.size() - 1, row_size = model_.row_size();
  const auto is_other = [&](const Word& word) {
    if (word.record == 0) return false;
    const std::uint32_t* record = records_.data() + word.record;
    return word.hash != hash || record[0] != text.size() ||
           std::memcmp(record + kHeader + kPerDouble * (row_size + 1), text.data(), text.size() * sizeof(char32_t)) != 0;
  };
  std::size_t at = bucket_of_run(hash, kWordBits);
  while (is_other(words_[at])) at = (at + 1) & mask;
  if (words_[at].record == 0) {
    if (known_ >= kMostWords || records_.size() >= kMostRecords) {
      std::fill(words_.begin(), words_.end(), Word{});
      records_.resize(1);
      known_ = 0;
      at = bucket_of_run(hash, kWordBits);
    }
    note_word(words_[at], hash, text, is_word);
  }
  const std::uint32_t* record = records_.data() + words_[at].record;
  const std::uint32_t* sums = record + kHeader;
  for (std::size_t v = 0; v < row_size; ++v) half_.weighted[v] += double_at(sums + kPerDouble * v);
  half_.squares += double_at(sums + kPerDouble * row_size);
  const std::uint32_t* buckets = sums + kPerDouble * (row_size + 1) + record[0];
  now_.insert(now_.end(), buckets, buckets + record[1]);
}

void WindowReader::note_word(Word& free, std::uint64_t hash, std::u32string_view text, bool is_word) {
  const Token token{0, text.size(), is_word};
  std::vector<std::uint32_t> buckets;
  append_word_runs(buckets, text, {&token, 1}, model_.features);
  append_character_runs(buckets, text, {&token, 1}, model_.features);
  Sums sums{std::vector<double>(model_.row_size()), 0}, none = sums;
  for (std::size_t begin = 0; begin < buckets.size(); begin += kMostAtOnce) {
    changes_.clear();
    const std::span<const std::uint32_t> some(buckets.data() + begin, std::min(kMostAtOnce, buckets.size() - begin));
    for (const std::uint32_t bucket : some) change(bucket, steps_[0], {});
    add(model_, changes_, sums, none);
  }
  sums.weighted.push_back(sums.squares);
  free = {hash, records_.size()};
  ++known_;
  records_.push_back(static_cast<std::uint32_t>(text.size()));
  records_.push_back(static_cast<std::uint32_t>(buckets.size()));
  for (const double value : sums.weighted) {
    std::array<std::uint32_t, kPerDouble> bits{};
    std::memcpy(bits.data(), &value, sizeof value);
    records_.insert(records_.end(), bits.begin(), bits.end());
  }
  records_.insert(records_.end(), text.begin(), text.end());
  records_.insert(records_.end(), buckets.begin(), buckets.end());
}

/// The buckets of the tokens [begin, end), and what the words add if all are new. Longer runs may begin at `first`.
void WindowReader::read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first) {
  const auto longest = std::max<std::size_t>(static_cast<std::size_t>(model_.features.word_ngrams), 1);
  half_.weighted.assign(model_.row_size(), 0.0);
  half_.squares = 0;
  hashes_.clear();
  now_.clear();
  runs_.clear();
  across_.clear();
  // Of the runs that began one token before, two before, ...
  std::array<std::uint64_t, kMostWordNgrams> states{};
  std::size_t open = 0;
  for (std::size_t t = std::max(first + longest, begin + 1) - longest; t < end; ++t) {
    const Token& token = tokens.all[t];
    const std::u32string_view text = std::u32string_view(tokens.folded).substr(token.begin, token.end - token.begin);
    for (std::size_t j = open; j > 0; --j) states[j] = longer_run(longer_run(states[j - 1], U' '), text);
    states[0] = longer_run(kWordRun, text);
    if (t >= begin) {
      hashes_.push_back(states[0]);
      __builtin_prefetch(&words_[bucket_of_run(states[0], kWordBits)]);
      for (std::size_t j = 1; j <= open; ++j) {
        const std::uint32_t bucket = bucket_of_run(states[j], model_.features.bucket_bits);
        __builtin_prefetch(&counts_[bucket], 1);
        __builtin_prefetch(&model_.place[bucket]);
        (t - j >= begin ? runs_ : across_).push_back(bucket);
      }
    }
    open = std::min(open + 1, longest - 1);
  }
  for (const std::uint64_t hash : hashes_) {
    const std::uint32_t* record = records_.data() + words_[bucket_of_run(hash, kWordBits)].record;
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(record + line * 16);
  }
  for (std::size_t t = begin; t < end; ++t) {
    const Token& token = tokens.all[t];
    const std::u32string_view text = std::u32string_view(tokens.folded).substr(token.begin, token.end - token.begin);
    use_word(hashes_[t - begin], text, token.is_word);
  }
}

void WindowReader::change(std::uint32_t bucket, const Step& in_half, const Step& in_window) {
  const std::uint32_t row = model_.place[bucket];
  __builtin_prefetch(model_.rows_of_places.data() + std::size_t{row} * model_.row_size());
  changes_.push_back({row, in_half, in_window});
}

/// Counts buckets of words, from read_half(), and corrects the sums for those that are not new.
void WindowReader::count_words(std::span<const std::uint32_t> buckets) {
  const auto but_first = [&](std::size_t count) {
    const Step more = step(count), first = steps_[0];
    return Step{more.value - first.value, more.square - first.square};
  };
  met_.resize(buckets.size());
  std::size_t met = 0;
  // Through plain pointers: what is written could be these members themselves, for all that the compiler knows.
  auto* counts = counts_.data();
  Met* out = met_.data();
  const std::size_t alone = alone_, last = buckets.size() - 1;
  for (std::size_t i = 0; i <= last; ++i) {
    __builtin_prefetch(&counts[buckets[std::min(i + kAhead, last)]], 1);
    std::uint32_t* of_bucket = counts[buckets[i]].data();
    out[met] = {buckets[i], of_bucket[alone]++, of_bucket[1 - alone]++};
    // Written in any case, kept if the bucket was there: a branch on that would be guessed wrong.
    met += static_cast<std::size_t>(out[met].window > 0);
  }
  for (std::size_t i = 0; i < met; ++i) __builtin_prefetch(&model_.place[met_[i].bucket]);
  changes_.clear();
  for (std::size_t i = 0; i < met; ++i) change(met_[i].bucket, but_first(met_[i].half), but_first(met_[i].window));
  add(model_, changes_, half_, window_);
}

/// Counts on top of the half before what read_half() found, and adds it to the sums of the half and of the window.
void WindowReader::count_half() {
  window_ = half_before_;
  window_.squares += half_.squares;
  for (std::size_t v = 0; v < window_.weighted.size(); ++v) window_.weighted[v] += half_.weighted[v];
  for (std::size_t begin = 0; begin < now_.size(); begin += kMostAtOnce) {
    count_words(std::span(now_).subspan(begin, std::min(kMostAtOnce, now_.size() - begin)));
  }
  changes_.clear();
  for (const std::uint32_t bucket : runs_) {
    change(bucket, step(counts_[bucket][alone_]++), step(counts_[bucket][1 - alone_]++));
  }
  for (const std::uint32_t bucket : across_) change(bucket, {}, step(counts_[bucket][1 - alone_]++));
  add(model_, changes_, half_, window_);
  now_.insert(now_.end(), runs_.begin(), runs_.end());
  now_.insert(now_.end(), across_.begin(), across_.end());
}

bool WindowReader::is_small() const {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  return std::max({records_.capacity(), now_.capacity(), before_.capacity()}) <= kMost;
}

void WindowReader::each_even_window(const Tokens& tokens, std::size_t half, std::size_t from,
                                    const std::function<void(std::span<const double>, double)>& take) {
  now_.clear();
  half_ = {std::vector<double>(model_.row_size()), 0};
  for (std::size_t k = from; k < tokens.all.size() / half; ++k) {
    std::swap(before_, now_);
    std::swap(half_before_, half_);
    read_half(tokens, k * half, (k + 1) * half, (k > from ? k - 1 : k) * half);
    count_half();
    if (k > from) take(std::span(window_.weighted).first(model_.vectors()), window_.squares);
    // The count that was of the two is to be of the next half alone, and the other one goes on.
    for (const std::uint32_t bucket : before_) counts_[bucket][1 - alone_] = 0;
    for (const std::uint32_t bucket : now_) counts_[bucket][1 - alone_] = 0;
    alone_ = 1 - alone_;
  }
  for (const std::uint32_t bucket : now_) counts_[bucket] = {};
}

std::unique_ptr<WindowReader> WindowReaders::taken() {
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      auto reader = std::move(free_.back());
      free_.pop_back();
      return reader;
    }
  }
  return std::make_unique<WindowReader>(model_);
}

}  // namespace temper
