// Windows from halves (see text_windows.h). What is done for each character or feature is written for few instructions and
// without branches that would be guessed wrong: a reader waits for these more than for memory.
#include "text_windows.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace temper {
namespace {

/// Changes that are added in one go; bounds the memory of a word without an end.
constexpr std::size_t kMostAtOnce = std::size_t{1} << 16;
// Where steps are in steps_: from each of so many counts to one more, and the same less the first.
constexpr std::uint32_t kSteps = 512, kButFirst = kSteps, kNothing = kButFirst;
constexpr std::size_t kMostSteps = std::size_t{1} << 16;
constexpr std::uint32_t kMany = 255, kLastHalf = 0xFFFF;
constexpr std::int64_t kWordBits = 17;
/// Words are forgotten when there are more, or their records are longer.
constexpr std::size_t kMostWords = std::size_t{1} << 16, kMostRecords = std::size_t{1} << 22;
/// Words that are looked up in one go, and the most blocks of features that such a word may have; bounds the room for
/// changes.
constexpr std::size_t kWordsAtOnce = 512, kMostBlocks = 128;

// A record of a word: the length of its text; how many blocks of features it has or, if they are many or one comes twice,
// kOneByOne and how many features; its text, with zeros up to kPadding; what the features add if each occurs for the first
// time, as doubles; the numbers of the features.
constexpr std::size_t kHeader = 2, kPerDouble = sizeof(double) / sizeof(std::uint32_t);
constexpr std::uint32_t kOneByOne = std::uint32_t{1} << 31;
std::size_t sums_at(const std::uint32_t* record) { return kHeader + std::max<std::size_t>(record[0], kPadding); }

/// All bits of the first characters, for each number of them up to kPadding.
constexpr std::array<std::array<std::uint32_t, kPadding>, kPadding + 1> kFirst = [] {
  std::array<std::array<std::uint32_t, kPadding>, kPadding + 1> first{};
  for (std::size_t count = 0; count < first.size(); ++count) {
    for (std::size_t i = 0; i < count; ++i) first[count][i] = 0xFFFFFFFF;
  }
  return first;
}();

using Letters __attribute__((vector_size(kPadding * sizeof(char32_t)))) = std::uint64_t;  // two in each

/// Whether `text` is what a record holds. Short ones in one go: where one ends would be guessed wrong.
bool is_same(const std::uint32_t* letters, std::u32string_view text) {
  if (text.size() > kPadding) return std::memcmp(letters, text.data(), text.size() * sizeof(char32_t)) == 0;
  Letters held, read, first;
  std::memcpy(&held, letters, sizeof held);
  std::memcpy(&read, text.data(), sizeof read);
  std::memcpy(&first, kFirst[text.size()].data(), sizeof first);
  const Letters other = held ^ (read & first);
  return (other[0] | other[1] | other[2] | other[3]) == 0;
}

constexpr std::size_t kLanes = 4;
using Floats __attribute__((vector_size(kLanes * sizeof(float)))) = float;
using Doubles __attribute__((vector_size(kLanes * sizeof(double)))) = double;

std::u32string_view part_of(const char32_t* text, const Token& token) {
  return {text + token.begin, token.end - token.begin};
}

/// A cheap part of a hash that is good for a place among the words.
std::size_t place_of(std::uint64_t hash) { return (hash * 0x9E3779B97F4A7C15ULL) >> (64 - kWordBits); }

}  // namespace

WindowReader::WindowReader(const ClassifierModel& model)
    : model_(model),
      row_size_(model.row_size()),
      numbers_(std::size_t{1} << model.features.bucket_bits),
      tallies_(1),
      words_(std::size_t{1} << kWordBits),
      records_(1) {
  for (std::size_t n = 0; n < kSteps; ++n) steps_.push_back(step_from(n));
  for (std::size_t n = 0; n < kSteps; ++n) steps_.push_back(but_first(steps_[n]));
}

WindowReader::Step WindowReader::step_from(std::size_t count) const {
  const double before = count == 0 ? 0 : static_cast<double>(damped(count)), after = static_cast<double>(damped(count + 1));
  Step step;
  step.fill(after - before);
  step[model_.vectors() % kLanes] = after * after - before * before;
  return step;
}

WindowReader::Step WindowReader::but_first(Step step) const {
  const Step first = step_from(0);
  for (std::size_t lane = 0; lane < kLanes; ++lane) step[lane] -= first[lane];
  return step;
}

/// The four values from `begin` on; their sums stay in registers, and no product is fused with its sum, so that every
/// processor gives the same bits.
template <bool kHasSquares>
inline __attribute__((always_inline)) void WindowReader::add_some(const ClassifierModel& model, std::size_t begin,
                                                                  const Step* steps, std::span<const Change> changes,
                                                                  Sums& half, Sums& window) {
  const std::size_t width = model.vectors(), size = model.row_size();
  const float *rows = model.rows_of_places.data() + begin, *idf = model.rows_of_places.data() + width;
  Doubles in_half{}, in_window{};
  for (const Change change : changes) {
    const std::size_t row = row_of(change) * size;
    Floats weights;
    Doubles half_step, window_step;
    std::memcpy(&weights, rows + row, sizeof weights);
    std::memcpy(&half_step, steps + half_step_of(change), sizeof half_step);
    std::memcpy(&window_step, steps + window_step_of(change), sizeof window_step);
    if (!kHasSquares) {
      const std::size_t any_other = (width + 1) % kLanes;
      half_step = Doubles{} + half_step[any_other];
      window_step = Doubles{} + window_step[any_other];
    }
    const Doubles values = __builtin_convertvector(weights, Doubles) * static_cast<double>(idf[row]);
    in_half += values * half_step;
    in_window += values * window_step;
  }
  for (std::size_t v = 0; v < kLanes; ++v) {
    half[begin + v] += in_half[v];
    window[begin + v] += in_window[v];
  }
}

__attribute__((target_clones("avx2", "default"))) void WindowReader::add(const ClassifierModel& model, const Step* steps,
                                                                         std::span<const Change> changes, Sums& half,
                                                                         Sums& window) {
  const std::size_t last = model.row_size() - kLanes;
  for (std::size_t begin = 0; begin < last; begin += kLanes) add_some<false>(model, begin, steps, changes, half, window);
  add_some<true>(model, last, steps, changes, half, window);
}

/// The number of a bucket.
inline std::uint32_t WindowReader::number_of(std::uint32_t bucket) {
  std::uint32_t& number = numbers_[bucket];
  if (number == 0) {
    number = static_cast<std::uint32_t>(tallies_.size());
    tallies_.push_back(new_tally(model_.place[bucket]));
  }
  return number;
}

/// Those of the half before are of the one before now; what is older is forgotten.
void WindowReader::next_half() {
  if (half_now_ == kLastHalf) {
    for (Tally& tally : tallies_) tally = with_counts(tally, 1, half_of(tally) == kLastHalf ? tally & 0xFFFF : 0);
    half_now_ = 1;
  }
  ++half_now_;
}

/// Where a step is in steps_, as long as the changes noted now.
inline std::uint32_t WindowReader::step_at(std::uint32_t kind, std::uint32_t count) {
  if (count < kSteps) return kind + count;
  const Step step = step_from(count);
  steps_.push_back(kind == kButFirst ? but_first(step) : step);
  return static_cast<std::uint32_t>(steps_.size() - 1);
}

/// One occurrence more, or none, in each of the two halves; gives what was there before.
inline WindowReader::Counts WindowReader::count(std::uint32_t number, InHalves more) {
  Tally& tally = tallies_[number];
  if ((tally & kMayBeMany) != 0) return count_many(number, more);
  const std::uint64_t counts = counts_in(tally, half_now_);
  tally = with_counts(tally, half_now_, counts + more.now + (more.before << 8));
  const auto now = static_cast<std::uint32_t>(counts & 0xFF);
  return {now, now + static_cast<std::uint32_t>(counts >> 8)};
}

WindowReader::Counts WindowReader::count_many(std::uint32_t number, InHalves more) {
  Tally& tally = tallies_[number];
  const std::uint64_t age = half_now_ - half_of(tally);
  InHalves counts{static_cast<std::uint32_t>(tally & 0xFF), static_cast<std::uint32_t>((tally >> 8) & 0xFF)};
  if (std::max(counts.now, counts.before) == kMany) counts = many_.at(number);
  if (age > 0) counts = {0, age == 1 ? counts.now : 0};
  const Counts had{counts.now, counts.now + counts.before};
  counts = {counts.now + more.now, counts.before + more.before};
  if (std::max(counts.now, counts.before) < kMany) {
    many_.erase(number);
  } else {
    many_[number] = counts;
  }
  tally = with_counts(tally, half_now_, (std::min(counts.before, kMany) << 8) | std::min(counts.now, kMany));
  return had;
}

/// For so many changes more than are noted, of which there are never very many.
void WindowReader::make_room(std::size_t changes) {
  if (noted_ >= kMostAtOnce) add_changes();
  if (noted_ + changes > changes_.size()) changes_.resize(noted_ + changes);
}

/// Counts each once more, and notes a change for those that were there before.
void WindowReader::count_one_by_one(std::span<const std::uint32_t> numbers) {
  for (const std::uint32_t number : numbers) {
    if (number == 0) continue;
    if (steps_.size() + 2 > kMostSteps) add_changes();
    make_room(1);
    const Counts had = count(number, {1, 0});
    if (had.window == 0) continue;
    const std::uint32_t half_step = step_at(kButFirst, had.half), window_step = step_at(kButFirst, had.window);
    changes_[noted_++] = change_of(tallies_[number], half_step, window_step);
  }
}

/// Counts each once more, and notes how that changes the sums.
void WindowReader::count_runs(std::span<const std::uint32_t> numbers, InHalves more) {
  for (std::size_t begin = 0; begin < numbers.size(); begin += kMostAtOnce) {
    const auto some = numbers.subspan(begin, std::min(kMostAtOnce, numbers.size() - begin));
    make_room(some.size());
    for (const std::uint32_t number : some) {
      if (steps_.size() + 2 > kMostSteps) add_changes();
      const Counts had = count(number, more);
      const std::uint32_t half_step = more.now > 0 ? step_at(0, had.half) : kNothing, window_step = step_at(0, had.window);
      const Change change = change_of(tallies_[number], half_step, window_step);
      changes_[noted_++] = change;
      __builtin_prefetch(model_.rows_of_places.data() + row_of(change) * row_size_);
    }
  }
}

inline bool WindowReader::is(const Word& word, std::uint64_t hash, std::u32string_view text) const {
  if (word.hash != hash || word.record == 0) return false;
  const std::uint32_t* record = records_.data() + word.record;
  return record[0] == text.size() && is_same(record + kHeader, text);
}

/// Where the record of the word `text` is, from `place` on among the words; makes one if there is none.
std::size_t WindowReader::find_record(std::size_t place, std::uint64_t hash, std::u32string_view text, bool is_word) {
  while (words_[place].record != 0) {
    if (is(words_[place], hash, text)) return words_[place].record;
    place = (place + 1) & (words_.size() - 1);
  }
  words_[place] = {hash, new_record(text, is_word)};
  ++known_;
  return words_[place].record;
}

std::size_t WindowReader::new_record(std::u32string_view text, bool is_word) {
  const Token token{0, text.size(), is_word};
  std::vector<std::uint32_t> buckets, numbers;
  append_word_runs(buckets, text, {&token, 1}, model_.features);
  append_character_runs(buckets, text, {&token, 1}, model_.features);
  Sums sums(row_size_), none = sums;
  std::vector<Change> changes;
  for (std::size_t begin = 0; begin < buckets.size(); begin += kMostAtOnce) {
    changes.clear();
    for (std::size_t i = begin; i < std::min(begin + kMostAtOnce, buckets.size()); ++i) {
      changes.push_back(change_of(new_tally(model_.place[buckets[i]]), 0, kNothing));
    }
    add(model_, steps_.data(), changes, sums, none);
  }
  for (const std::uint32_t bucket : buckets) numbers.push_back(number_of(bucket));
  std::vector<std::uint32_t> sorted = numbers;
  std::sort(sorted.begin(), sorted.end());
  const std::size_t blocks = (numbers.size() + kFeatureBlock - 1) / kFeatureBlock;
  const bool one_by_one = blocks > kMostBlocks || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end();
  const std::uint32_t count =
      one_by_one ? kOneByOne | static_cast<std::uint32_t>(numbers.size()) : static_cast<std::uint32_t>(blocks);
  if (!one_by_one) numbers.resize(blocks * kFeatureBlock);

  const std::size_t record = records_.size();
  records_.push_back(static_cast<std::uint32_t>(text.size()));
  records_.push_back(count);
  records_.insert(records_.end(), text.begin(), text.end());
  records_.resize(std::max(records_.size(), record + kHeader + kPadding));
  for (const double value : sums) {
    std::array<std::uint32_t, kPerDouble> bits{};
    std::memcpy(bits.data(), &value, sizeof value);
    records_.insert(records_.end(), bits.begin(), bits.end());
  }
  records_.insert(records_.end(), numbers.begin(), numbers.end());
  return record;
}

/// The hashes of the tokens [begin, end), and the longer runs that end there. They may begin at `first`.
void WindowReader::find_runs(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first) {
  const auto longest = std::max<std::size_t>(static_cast<std::size_t>(model_.features.word_ngrams), 1);
  hashes_.resize(end - begin);
  runs_.resize((end - begin) * (longest - 1));
  across_.resize(runs_.size());
  std::uint64_t* hash = hashes_.data();
  std::uint32_t *run = runs_.data(), *from_before = across_.data();
  const std::int64_t bits = model_.features.bucket_bits;
  const std::uint32_t* numbers = numbers_.data();
  const Word* words = words_.data();
  // Of the runs that began with this token, one before, two before, ...
  std::array<std::uint64_t, kMostWordNgrams> states{};
  std::size_t open = 0;
  for (std::size_t t = std::max(first + longest, begin + 1) - longest; t < end; ++t) {
    const std::u32string_view text = part_of(tokens.folded.data(), tokens.all[t]);
    for (std::size_t j = open; j > 1; --j) states[j] = longer_run(longer_run(states[j - 1], U' '), text);
    // Most have no others, and one of two does not wait for the other.
    std::uint64_t alone = kWordRun, second = longer_run(states[0], U' ');
    for (const char32_t point : text) {
      alone = longer_run(alone, point);
      second = longer_run(second, point);
    }
    states[0] = alone;
    states[1] = second;
    if (t >= begin) {
      *hash++ = alone;
      __builtin_prefetch(words + place_of(alone));
      for (std::size_t j = 1; j <= open; ++j) {
        const std::uint32_t bucket = bucket_of_run(states[j], bits);
        __builtin_prefetch(numbers + bucket);
        *(t - j >= begin ? run++ : from_before++) = bucket;
      }
    }
    open = std::min(open + 1, longest - 1);
  }
  runs_.resize(static_cast<std::size_t>(run - runs_.data()));
  across_.resize(static_cast<std::size_t>(from_before - across_.data()));
  for (auto* runs : {&runs_, &across_}) {
    for (std::uint32_t& number : *runs) {
      number = number_of(number);
      __builtin_prefetch(&tallies_[number], 1);
    }
  }
}

/// Where the records of words are.
void WindowReader::find_words(std::span<const Token> tokens, std::span<const std::uint64_t> hashes, const char32_t* text) {
  if (known_ + tokens.size() > kMostWords || records_.size() > kMostRecords) {
    std::fill(words_.begin(), words_.end(), Word{});
    records_.resize(1);
    known_ = 0;
  }
  for (const std::uint64_t hash : hashes) {
    const std::uint32_t* record = records_.data() + words_[place_of(hash)].record;
    for (std::size_t line = 0; line < 3; ++line) __builtin_prefetch(record + line * 16);
  }
  found_.resize(tokens.size());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const std::u32string_view word = part_of(text, tokens[i]);
    const std::size_t place = place_of(hashes[i]);
    found_[i] =
        is(words_[place], hashes[i], word) ? words_[place].record : find_record(place, hashes[i], word, tokens[i].is_word);
  }
}

/// Adds to the half what the words add whose features are all new, and finds the blocks of their features.
void WindowReader::add_words() {
  constexpr std::size_t kUsually = 4;
  std::size_t count = 0;
  for (const std::size_t found : found_) {
    const std::uint32_t blocks = records_[found + 1];
    count += (blocks & kOneByOne) == 0 ? blocks : 0;
  }
  blocks_.resize(count + kUsually);
  const std::uint32_t** out = blocks_.data();
  for (const std::size_t found : found_) {
    const std::uint32_t* record = records_.data() + found;
    const std::uint32_t *sums = record + sums_at(record), *numbers = sums + kPerDouble * row_size_;
    for (std::size_t v = 0; v < row_size_; v += kLanes) {
      Doubles sum, more;
      std::memcpy(&sum, words_alone_.data() + v, sizeof sum);
      std::memcpy(&more, sums + kPerDouble * v, sizeof more);
      sum += more;
      std::memcpy(words_alone_.data() + v, &sum, sizeof sum);
    }
    if ((record[1] & kOneByOne) != 0) {
      count_one_by_one({numbers, record[1] & ~kOneByOne});
      continue;
    }
    // Some are written in any case: how many there are would be guessed wrong.
    for (std::size_t i = 0; i < kUsually; ++i) out[i] = numbers + i * kFeatureBlock;
    for (std::size_t i = kUsually; i < record[1]; ++i) out[i] = numbers + i * kFeatureBlock;
    out += record[1];
    const std::size_t features = std::size_t{record[1]} * kFeatureBlock;
    for (std::size_t i = 0; i < features; ++i) __builtin_prefetch(&tallies_[numbers[i]], 1);
  }
  blocks_.resize(count);
}

/// Counts the features of blocks_ once more, and notes a change for those that were there before.
void WindowReader::count_blocks() {
  CountLoop loop{blocks_, tallies_.data(), half_now_, kButFirst, nullptr};
  for (;;) {
    make_room((blocks_.size() - loop.block) * kFeatureBlock);
    loop.changes = changes_.data();
    loop.noted = noted_;
    const bool at_end = loop.run();
    noted_ = loop.noted;
    if (at_end) return;
    count_one_by_one({blocks_[loop.block++], kFeatureBlock});
  }
}

void WindowReader::add_changes() {
  add(model_, steps_.data(), std::span(changes_).first(noted_), half_, window_);
  noted_ = 0;
  steps_.resize(std::size_t{2} * kSteps);
}

/// The sums of the tokens [begin, end), and those of the window of them and the half before.
void WindowReader::read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first) {
  std::swap(half_before_, half_);
  half_.assign(row_size_, 0.0);
  window_ = half_before_;
  words_alone_ = half_;
  next_half();
  find_runs(tokens, begin, end, first);
  for (std::size_t at = begin; at < end; at += kWordsAtOnce) {
    const std::size_t count = std::min(kWordsAtOnce, end - at);
    find_words(std::span(tokens.all).subspan(at, count), std::span(hashes_).subspan(at - begin, count),
               tokens.folded.data());
    add_words();
    count_blocks();
  }
  count_runs(runs_, {1, 0});
  count_runs(across_, {0, 1});
  add_changes();
  for (Sums* sums : {&half_, &window_}) {
    for (std::size_t v = 0; v < sums->size(); ++v) (*sums)[v] += words_alone_[v];
  }
}

bool WindowReader::is_small() const {
  constexpr std::size_t kMost = std::size_t{1} << 24;
  return std::max({records_.capacity(), changes_.capacity(), many_.size()}) <= kMost;
}

void WindowReader::each_window(const Tokens& tokens, std::size_t half, std::size_t begin,
                               const std::function<void(std::span<const double>, double)>& take) {
  next_half();  // not one of these
  half_.assign(row_size_, 0.0);
  for (std::size_t at = begin; at + half <= tokens.all.size(); at += half) {
    read_half(tokens, at, at + half, at > begin ? at - half : at);
    if (at > begin) take(std::span(window_).first(model_.vectors()), window_[model_.vectors()]);
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
