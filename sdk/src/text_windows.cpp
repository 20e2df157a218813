// Windows from halves (see text_windows.h).
#include "text_windows.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace temper {
namespace {

/// Buckets that are counted in one go; bounds the memory of a word without an end.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 16;
// Where steps are in steps_: from each of so many counts to one more, and the same less the first.
constexpr std::uint32_t kSteps = 512, kButFirst = kSteps, kNothing = kButFirst;
constexpr std::uint32_t kMany = 255, kLastHalf = 0xFFFF, kNone = 0xFFFFFFFF;
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
      numbers_(std::size_t{1} << model.features.bucket_bits, kNone),
      words_(std::size_t{1} << kWordBits),
      records_(1) {
  for (std::size_t n = 0; n < kSteps; ++n) steps_.push_back(step_from(n));
  for (std::size_t n = 0; n < kSteps; ++n) steps_.push_back(but_first(steps_[n]));
}

WindowReader::Step WindowReader::step_from(std::size_t count) {
  const double before = count == 0 ? 0 : static_cast<double>(damped(count)), after = static_cast<double>(damped(count + 1));
  return {after - before, after * after - before * before};
}

WindowReader::Step WindowReader::but_first(const Step& step) {
  const Step first = step_from(0);
  return {step.value - first.value, step.square - first.square};
}

/// Of each four vectors the sums stay in registers; the order is fixed, and no product is fused with its sum, so that every
/// processor gives the same bits.
__attribute__((target_clones("avx2", "default"))) void WindowReader::add(const ClassifierModel& model, const Step* steps,
                                                                         std::span<const Change> changes, Sums& half,
                                                                         Sums& window) {
  constexpr std::size_t kAtOnce = 4;
  const std::size_t width = model.vectors(), size = model.row_size();
  const float* rows = model.rows_of_places.data();
  for (const Change& change : changes) __builtin_prefetch(rows + std::size_t{change.row} * size);
  for (std::size_t begin = 0; begin < size; begin += kAtOnce) {
    std::array<double, kAtOnce> in_half{}, in_window{};
    double half_squares = 0, window_squares = 0;
    for (const Change& change : changes) {
      const float* row = rows + std::size_t{change.row} * size;
      const Step &half_step = steps[change.half], &window_step = steps[change.window];
      const double idf = row[width], for_half = idf * half_step.value, for_window = idf * window_step.value;
      half_squares += idf * idf * half_step.square;
      window_squares += idf * idf * window_step.square;
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

/// The number of a bucket.
std::uint32_t WindowReader::number_of(std::uint32_t bucket) {
  std::uint32_t& number = numbers_[bucket];
  if (number != kNone) return number;
  number = static_cast<std::uint32_t>(features_.size());
  features_.push_back({0, model_.place[bucket]});
  return number;
}

/// Those of the half before are of the one before now; what is older is forgotten.
void WindowReader::next_half() {
  if (half_now_ == kLastHalf) {
    for (auto& [count, row] : features_) count = count >> 16 == half_now_ ? (1U << 16) | (count & 0xFFFF) : 0;
    half_now_ = 1;
  }
  ++half_now_;
}

/// One occurrence more, or none, in each of the two halves; gives what was there before.
inline WindowReader::Counts WindowReader::count(Feature& feature, std::uint32_t number, std::uint32_t half_now,
                                                InHalves more) {
  if ((feature.count & 0x8080) != 0) return count_many(number, more);
  const std::uint32_t age = half_now - (feature.count >> 16);
  const std::uint32_t last = feature.count & 0xFF, second_last = (feature.count >> 8) & 0xFF;
  const std::uint32_t now = age == 0 ? last : 0, before = age == 0 ? second_last : age == 1 ? last : 0;
  feature.count = (half_now << 16) | ((before + more.before) << 8) | (now + more.now);
  return {now, now + before};
}

/// Where a step is in steps_, as long as the changes noted now.
inline std::uint32_t WindowReader::step_at(std::uint32_t kind, std::uint32_t count) {
  if (count < kSteps) return kind + count;
  const Step step = step_from(count);
  steps_.push_back(kind == kButFirst ? but_first(step) : step);
  return static_cast<std::uint32_t>(steps_.size() - 1);
}

WindowReader::Counts WindowReader::count_many(std::uint32_t number, InHalves more) {
  std::uint32_t& entry = features_[number].count;
  const std::uint32_t age = half_now_ - (entry >> 16);
  InHalves counts{entry & 0xFF, (entry >> 8) & 0xFF};
  if (std::max(counts.now, counts.before) == kMany) counts = many_.at(number);
  if (age > 0) counts = {0, age == 1 ? counts.now : 0};
  const Counts had{counts.now, counts.now + counts.before};
  counts = {counts.now + more.now, counts.before + more.before};
  if (std::max(counts.now, counts.before) < kMany) {
    many_.erase(number);
  } else {
    many_[number] = counts;
  }
  entry = (half_now_ << 16) | (std::min(counts.before, kMany) << 8) | std::min(counts.now, kMany);
  return had;
}

/// Of the word `text`, whose hash is `hash`; valid until the next call.
const std::uint32_t* WindowReader::record_of(std::uint64_t hash, std::u32string_view text, bool is_word) {
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
  return records_.data() + words_[at].record;
}

void WindowReader::note_word(Word& free, std::uint64_t hash, std::u32string_view text, bool is_word) {
  const Token token{0, text.size(), is_word};
  std::vector<std::uint32_t> buckets;
  append_word_runs(buckets, text, {&token, 1}, model_.features);
  append_character_runs(buckets, text, {&token, 1}, model_.features);
  Sums sums{std::vector<double>(model_.row_size()), 0}, none = sums;
  std::vector<Change> changes;
  for (std::size_t begin = 0; begin < buckets.size(); begin += kMostAtOnce) {
    changes.clear();
    for (std::size_t i = begin; i < std::min(begin + kMostAtOnce, buckets.size()); ++i) {
      changes.push_back({model_.place[buckets[i]], 0, kNothing});
    }
    add(model_, steps_.data(), changes, sums, none);
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
  for (const std::uint32_t bucket : buckets) records_.push_back(number_of(bucket));
}

/// The hashes of the tokens [begin, end), and the buckets of longer runs that end there. They may begin at `first`.
void WindowReader::find_runs(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first) {
  const auto longest = std::max<std::size_t>(static_cast<std::size_t>(model_.features.word_ngrams), 1);
  hashes_.clear();
  runs_.clear();
  across_.clear();
  // Of the runs that began with this token, one before, two before, ...
  std::array<std::uint64_t, kMostWordNgrams + 1> states{};
  std::size_t open = 0;
  for (std::size_t t = std::max(first + longest, begin + 1) - longest; t < end; ++t) {
    const Token& token = tokens.all[t];
    const std::u32string_view text = std::u32string_view(tokens.folded).substr(token.begin, token.end - token.begin);
    for (std::size_t j = open; j > 0; --j) states[j] = longer_run(states[j - 1], U' ');
    states[0] = kWordRun;
    // Two at once, so that one does not wait for the other.
    for (std::size_t j = 0; j <= open; j += 2) {
      std::uint64_t one = states[j], other = states[j + 1];
      for (const char32_t point : text) {
        one = longer_run(one, point);
        other = longer_run(other, point);
      }
      states[j] = one;
      states[j + 1] = other;
    }
    if (t >= begin) {
      hashes_.push_back(states[0]);
      __builtin_prefetch(&words_[bucket_of_run(states[0], kWordBits)]);
      for (std::size_t j = 1; j <= open; ++j) {
        const std::uint32_t bucket = bucket_of_run(states[j], model_.features.bucket_bits);
        __builtin_prefetch(&numbers_[bucket]);
        (t - j >= begin ? runs_ : across_).push_back(bucket);
      }
    }
    open = std::min(open + 1, longest - 1);
  }
}

/// Adds to the half what the words add whose features are all new, and notes how that changes for those that are not.
void WindowReader::use_words(const Tokens& tokens, std::size_t begin, std::size_t end) {
  for (const std::uint64_t hash : hashes_) {
    const std::uint32_t* record = records_.data() + words_[bucket_of_run(hash, kWordBits)].record;
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(record + line * 16);
  }
  const std::size_t row_size = model_.row_size();
  for (std::size_t t = begin; t < end; ++t) {
    const Token& token = tokens.all[t];
    const std::u32string_view text = std::u32string_view(tokens.folded).substr(token.begin, token.end - token.begin);
    const std::uint32_t* record = record_of(hashes_[t - begin], text, token.is_word);
    const std::uint32_t* sums = record + kHeader;
    for (std::size_t v = 0; v < row_size; ++v) words_alone_.weighted[v] += double_at(sums + kPerDouble * v);
    words_alone_.squares += double_at(sums + kPerDouble * row_size);
    std::span<const std::uint32_t> features(sums + kPerDouble * (row_size + 1) + record[0], record[1]);
    while (!features.empty()) {
      const auto some = features.first(std::min(features.size(), kMostAtOnce));
      features = features.subspan(some.size());
      count_word(some);
      if (noted_ >= kMostAtOnce) add_changes();
    }
  }
}

/// Counts each once more, and notes a change for those that were there before.
void WindowReader::count_word(std::span<const std::uint32_t> features) {
  if (noted_ + features.size() > changes_.size()) changes_.resize(noted_ + features.size());
  // Through plain pointers: what is written could be the members themselves, for all that the compiler knows.
  Change* out = changes_.data();
  Feature* all = features_.data();
  const std::uint32_t half_now = half_now_;
  std::size_t noted = noted_;
  for (const std::uint32_t number : features) {
    Feature& feature = all[number];
    const Counts had = count(feature, number, half_now, {1, 0});
    out[noted] = {feature.row, step_at(kButFirst, had.half), step_at(kButFirst, had.window)};
    // Written in any case, kept if it was there: a branch on that would be guessed wrong.
    noted += static_cast<std::size_t>(had.window > 0);
  }
  noted_ = noted;
}

void WindowReader::count_run(std::uint32_t number, InHalves more) {
  if (noted_ == changes_.size()) changes_.resize(noted_ + 64);
  Feature& feature = features_[number];
  const Counts had = count(feature, number, half_now_, more);
  changes_[noted_++] = {feature.row, more.now > 0 ? step_at(0, had.half) : kNothing, step_at(0, had.window)};
}

void WindowReader::add_changes() {
  add(model_, steps_.data(), std::span(changes_).first(noted_), half_, window_);
  noted_ = 0;
  steps_.resize(2 * kSteps);
}

/// The sums of the tokens [begin, end), and those of the window of them and the half before.
void WindowReader::read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first) {
  std::swap(half_before_, half_);
  half_.weighted.assign(model_.row_size(), 0.0);
  half_.squares = 0;
  window_ = half_before_;
  words_alone_ = half_;
  next_half();
  find_runs(tokens, begin, end, first);
  for (auto* runs : {&runs_, &across_}) {
    for (std::uint32_t& run : *runs) run = number_of(run);
    for (const std::uint32_t run : *runs) __builtin_prefetch(&features_[run], 1);
  }
  use_words(tokens, begin, end);
  for (const std::uint32_t run : runs_) count_run(run, {1, 0});
  for (const std::uint32_t run : across_) count_run(run, {0, 1});
  add_changes();
  for (Sums* sums : {&half_, &window_}) {
    for (std::size_t v = 0; v < sums->weighted.size(); ++v) sums->weighted[v] += words_alone_.weighted[v];
    sums->squares += words_alone_.squares;
  }
}

bool WindowReader::is_small() const {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  return std::max({records_.capacity(), changes_.capacity(), many_.size()}) <= kMost;
}

void WindowReader::each_even_window(const Tokens& tokens, std::size_t half, std::size_t from,
                                    const std::function<void(std::span<const double>, double)>& take) {
  next_half();  // not one of this text
  half_ = {std::vector<double>(model_.row_size()), 0};
  for (std::size_t k = from; k < tokens.all.size() / half; ++k) {
    read_half(tokens, k * half, (k + 1) * half, (k > from ? k - 1 : k) * half);
    if (k > from) take(std::span(window_.weighted).first(model_.vectors()), window_.squares);
  }
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
