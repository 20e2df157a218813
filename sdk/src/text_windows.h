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
#include <vector>

#include "classifier_model.h"
#include "text_features.h"

namespace temper {

/// Reads one text at a time. What it keeps from one to the next makes no difference to what it says.
class WindowReader {
 public:
  /// `model` has to outlive it.
  explicit WindowReader(const ClassifierModel& model);

  /// Calls `take` with the sums (see ClassifierModel::probabilities) of the windows of 2 * half tokens that begin at
  /// from * half, (from + 1) * half, ... and lie wholly within the text. A text's leading words do not count again.
  void each_even_window(const Tokens& tokens, std::size_t half, std::size_t from,
                        const std::function<void(std::span<const double>, double)>& take);
  /// Whether it is worth keeping; a text in one line, or a word of millions of letters, leaves a large one behind.
  bool is_small() const;

 private:
  /// What one occurrence more of a bucket adds to the value it counts for, damped(count), and to that value's square.
  struct Step {
    double value = 0, square = 0;
  };
  /// What is added to a half, and to the window of it and the one before, for a bucket of the model's row `row`.
  struct Change {
    std::uint32_t row;
    Step half, window;
  };
  /// A bucket that was there before, and how often.
  struct Met {
    std::uint32_t bucket, half, window;
  };
  struct Sums {
    std::vector<double> weighted;  ///< row_size() values, of which vectors() count
    double squares = 0;
  };
  /// A token that was met before, found by the hash of its text. In records_ from `record` on: the lengths of its text and
  /// of its buckets (itself as a run of one, and its characters), what they add if each occurs for the first time (sums and
  /// squares, as doubles), its text, its buckets. All in one place, as each place costs a wait for memory.
  struct Word {
    std::uint64_t hash;
    std::size_t record;
  };

  /// From `count` occurrences to one more.
  static Step step_from(std::size_t count);
  Step step(std::size_t count) const;
  void use_word(std::uint64_t hash, std::u32string_view text, bool is_word);
  void note_word(Word& free, std::uint64_t hash, std::u32string_view text, bool is_word);
  void read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first);
  void count_half();
  void count_words(std::span<const std::uint32_t> buckets);
  void change(std::uint32_t bucket, const Step& in_half, const Step& in_window);
  static void add(const ClassifierModel& model, const std::vector<Change>& changes, Sums& half, Sums& window);

  const ClassifierModel& model_;
  std::array<Step, 64> steps_;                        ///< from few occurrences to one more, as nearly all are
  std::vector<std::array<std::uint32_t, 2>> counts_;  ///< of each bucket, in two halves; all zero between two texts
  std::size_t alone_ = 0;                             ///< which of the two is of the later half alone; the other is of both

  std::vector<Word> words_;  ///< by hash, record 0 where free; open addressing
  std::vector<std::uint32_t> records_;
  std::size_t known_ = 0;  ///< words

  std::vector<std::uint64_t> hashes_;
  std::vector<std::uint32_t> now_, before_;  ///< buckets of a half: of words, of longer runs, of runs into it
  std::vector<std::uint32_t> runs_, across_;
  std::vector<Met> met_;
  std::vector<Change> changes_;
  Sums half_, half_before_, window_;
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
