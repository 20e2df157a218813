// A task: what is asked of which rows, how it is shown, and how answers are judged. Read from a YAML file whose every key is
// in the README; unknown keys, wrong types and keys of another kind of task are refused with file and line. A file of kind
// `group` names other tasks whose scores are put together. Used by in_context.cpp; items.cpp fills the templates.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "temper/metrics.h"
#include "text_template.h"

namespace temper::in_context {

enum class Kind { kMultipleChoice, kLikelihood, kGeneration, kPerplexity };

/// Which rows: of files, or (`items`) of the evaluator's datasets; only those whose fields have one of the values.
struct DataSpec {
  std::vector<std::string> paths;
  bool items = false;
  std::map<std::string, std::vector<std::string>> where;
  std::int64_t limit = 0;    ///< the first so many of them; 0 is all
  std::string split_before;  ///< of text files (table.h)
};

/// Texts of one item: templates (one that names a list gives all of it), or one text cut at a mark.
struct TextList {
  std::vector<TextTemplate> templates;
  std::string split_at;  ///< cut the only template's text here, trim the parts, drop empty and repeated ones
};

/// A field made from others: a text, looked up in a table if there is one.
struct MadeField {
  std::string name;
  TextTemplate text;
  std::map<std::string, std::string> table;
};

/// How the right option is named: by place from 0, by place from 1, by letter, or by its text.
enum class GoldAs { kIndex, kNumber, kLetter, kText };

struct Task {
  std::string name, file;
  Kind kind = Kind::kMultipleChoice;
  DataSpec data;
  std::optional<DataSpec> demonstrations;
  std::vector<MadeField> fields;
  TextTemplate id, group, description, input, output;
  TextList choices, gold;
  TextTemplate best;  ///< with `right` and `wrong` in place of choices and gold: TruthfulQA's form
  TextList right, wrong;
  bool truth = false;
  GoldAs gold_as = GoldAs::kIndex;
  std::string target_delimiter = " ", shot_separator = "\n\n";
  std::int64_t shots = 0;
  bool balanced = false;     ///< demonstrations: as many of each label as possible
  bool first_shots = false;  ///< the pool's first ones instead of drawn ones
  bool exact_twins =
      false;         ///< twins differ in case and spaces only, not in punctuation and the order of words (few_shot.h)
  std::string same;  ///< only demonstrations with the item's value of this field
  bool chat = false;
  Better better = Better::kHigher;
  // Of generation tasks.
  std::vector<std::string> stop, normalise;
  std::int64_t max_new_tokens = 0;  ///< 0: the evaluator's
  std::string extract;              ///< a regular expression; the match is the answer
  bool extract_first = false;       ///< of several matches the first, not the last
  bool numeric = false;
};

struct TaskSet {
  std::vector<Task> tasks;
  std::vector<std::pair<std::string, std::vector<std::string>>> groups;  ///< name, and the tasks' names
};

/// Reads the named tasks: a path (relative to `base_dir`) if it ends in .yaml, else a file of `built_in`. Each task once.
/// Throws ConfigError.
TaskSet load_tasks(const std::vector<std::string>& names, const std::filesystem::path& base_dir,
                   const std::filesystem::path& built_in);
/// One file's text; `file` is for messages.
Task parse_task(const std::string& yaml, const std::string& file);

}  // namespace temper::in_context
