// Scores of a long text's windows that overlap by half. Each half is read once: its occurrences are added to sums of its
// own, and on top of those of the half before for the window of the two. What the characters of a word add is remembered, as
// most words come again. Private to the SDK.
#pragma once

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
  /// What one occurrence more of a feature adds to the value it counts for, damped(count), and to that value's square.
  struct Step {
    double value = 0, square = 0;
  };
  /// What is added to a half, and to the window of it and the one before, for a feature of the model's row `row`: places in
  /// steps_.
  struct Change {
    std::uint32_t row, half, window;
  };
  /// How often a feature was there in the last half that had it, and in the half before that one.
  struct InHalves {
    std::uint32_t now = 0, before = 0;
  };
  /// How often it was there before, in this half and in the window.
  struct Counts {
    std::uint32_t half, window;
  };
  /// A bucket that was met. `count` holds the last half that had it (the upper 16 bits) and its InHalves, 8 bits each, so
  /// that nothing has to be cleared: what is of an older half is none. 255 stands for what is in many_.
  struct Feature {
    std::uint32_t count, row;
  };
  struct Sums {
    std::vector<double> weighted;  ///< row_size() values, of which vectors() count
    double squares = 0;
  };
  /// A token that was met before, found by the hash of its text. In records_ from `record` on: the lengths of its text and
  /// of its features (itself as a run of one, and its characters), what they add if each occurs for the first time (sums and
  /// squares, as doubles), its text, its features. All in one place, as each place costs a wait for memory.
  struct Word {
    std::uint64_t hash;
    std::size_t record;
  };

  static Step step_from(std::size_t count);
  static Step but_first(const Step& step);
  std::uint32_t step_at(std::uint32_t kind, std::uint32_t count);
  std::uint32_t number_of(std::uint32_t bucket);
  void next_half();
  Counts count(Feature& feature, std::uint32_t number, std::uint32_t half_now, InHalves more);
  Counts count_many(std::uint32_t number, InHalves more);
  const std::uint32_t* record_of(std::uint64_t hash, std::u32string_view text, bool is_word);
  void note_word(Word& free, std::uint64_t hash, std::u32string_view text, bool is_word);
  void find_runs(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first);
  void use_words(const Tokens& tokens, std::size_t begin, std::size_t end);
  void count_word(std::span<const std::uint32_t> features);
  void count_run(std::uint32_t number, InHalves more);
  void add_changes();
  static void add(const ClassifierModel& model, const Step* steps, std::span<const Change> changes, Sums& half,
                  Sums& window);
  void read_half(const Tokens& tokens, std::size_t begin, std::size_t end, std::size_t first);

  const ClassifierModel& model_;
  std::vector<Step> steps_;  ///< the usual ones, then those of the changes noted now
  // Buckets are numbered as they are met, so that those that are met often lie close together.
  std::vector<std::uint32_t> numbers_;
  std::vector<Feature> features_;
  std::unordered_map<std::uint32_t, InHalves> many_;
  std::uint32_t half_now_ = 1;

  std::vector<Word> words_;  ///< by hash, record 0 where free; open addressing
  std::vector<std::uint32_t> records_;
  std::size_t known_ = 0;  ///< words

  std::vector<std::uint64_t> hashes_;
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
