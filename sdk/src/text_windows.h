// Scores of a long text's windows that overlap by half. Each half is read once: its occurrences are added to sums of its
// own, and on top of those of the half before for the window of the two. What the characters of a word add is remembered, as
// most words come again. Private to the SDK.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "classifier_model.h"
#include "text_features.h"
#include "window_counts.h"

namespace temper {

/// Reads one text at a time. What it keeps from one to the next makes no difference to what it says.
class WindowReader {
 public:
  /// `model` has to outlive it.
  explicit WindowReader(const ClassifierModel& model);

  /// Calls `take` with the sums (see ClassifierModel::probabilities) of the windows of 2 * half tokens that begin with the
  /// tokens number begin, begin + half, ... and lie wholly within the text. A text's leading words do not count again.
  void each_window(const Tokens& tokens, std::size_t half, std::size_t begin,
                   const std::function<void(std::span<const double>, double)>& take);
  /// Whether it is worth keeping; a text in one line, or a word of millions of letters, leaves a large one behind.
  bool is_small() const;

 private:
  /// row_size() values: of each vector its weighted sum, then the sum of squares, then zeros.
  using Sums = std::vector<double>;
  /// What one occurrence more of a feature adds to the value it counts for, damped(count); in the lane of the squares, to
  /// that value's square.
  using Step = std::array<double, 4>;
  /// How often a feature was there in the last half that had it, and in the half before that one.
  struct InHalves {
    std::uint32_t now = 0, before = 0;
  };
  /// How often it was there before, in this half and in the window.
  struct Counts {
    std::uint32_t half, window;
  };
  /// A token that was met before, found by the hash of its text, and where its record is in records_: all that it adds is
  /// in one place, as each place costs a wait for memory.
  struct Word {
    std::uint64_t hash;
    std::size_t record;
  };

  Step step_from(std::size_t count) const;
  Step but_first(Step step) const;
  std::uint32_t step_at(std::uint32_t kind, std::uint32_t count);
  std::uint32_t number_of(std::uint32_t bucket);
  void next_half();
  Counts count(std::uint32_t number, InHalves more);
  Counts count_many(std::uint32_t number, InHalves more);
  bool is(const Word& word, std::uint64_t hash, std::u32string_view text) const;
  std::size_t find_record(std::size_t place, std::uint64_t hash, std::u32string_view text, bool is_word);
  std::size_t new_record(std::u32string_view text, bool is_word);
  void find_runs(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first);
  void find_words(std::span<const Token> tokens, std::span<const std::uint64_t> hashes, const char32_t* text);
  void add_words();
  void count_blocks();
  void count_one_by_one(std::span<const std::uint32_t> numbers);
  void count_runs(std::span<const std::uint32_t> numbers, InHalves more);
  void make_room(std::size_t changes);
  void add_changes();
  template <bool kHasSquares>
  static void add_some(const ClassifierModel& model, std::size_t begin, const Step* steps, std::span<const Change> changes,
                       Sums& half, Sums& window);
  static void add(const ClassifierModel& model, const Step* steps, std::span<const Change> changes, Sums& half,
                  Sums& window);
  void read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first);

  const ClassifierModel& model_;
  const std::size_t row_size_;
  std::vector<Step> steps_;  ///< the usual ones, then those of the changes noted now
  // Buckets are numbered as they are met, so that those that are met often lie close together. 0 is no bucket's number.
  std::vector<std::uint32_t> numbers_;
  std::vector<Tally> tallies_;
  std::unordered_map<std::uint32_t, InHalves> many_;
  std::uint32_t half_now_ = 1;

  std::vector<Word> words_;  ///< by hash, record 0 where free; open addressing
  std::vector<std::uint32_t> records_;
  std::size_t known_ = 0;  ///< words

  std::vector<std::uint64_t> hashes_;
  std::vector<std::size_t> found_;            ///< records
  std::vector<const std::uint32_t*> blocks_;  ///< of the features of those
  std::vector<std::uint32_t> runs_, across_;  ///< longer runs in the half, and those that began before it
  std::vector<Change> changes_;
  std::size_t noted_ = 0;  ///< of changes_; the rest is room
  Sums words_alone_, half_, half_before_, window_;
};

/// One reader for each text that is read at the same time.
class WindowReaders {
 public:
  explicit WindowReaders(const ClassifierModel& model) : model_(model) {}
  /// Runs `use` with a reader that nobody else has. One that is large afterwards, or that `use` left by an
  /// exception, is not used again.
  template <class Use>
  void with(const Use& use) {
    std::unique_ptr<WindowReader> reader = taken();
    use(*reader);
    if (!reader->is_small()) return;
    const std::lock_guard lock(mutex_);
    free_.push_back(std::move(reader));
  }

 private:
  std::unique_ptr<WindowReader> taken();
  const ClassifierModel& model_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<WindowReader>> free_;
};

}  // namespace temper
