// A task's items: rows with their templates filled, the pool of demonstrations, and the prompt of each item. Used by
// in_context.cpp; demonstrations are chosen by the SDK (few_shot.h), so none is the item itself or a twin of it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "table.h"
#include "task.h"
#include "temper/context.h"
#include "temper/few_shot.h"
#include "temper/template.h"

namespace temper::in_context {

struct Item {
  std::string id;      ///< unique within the task
  std::string source;  ///< file and line
  std::string group, same, description, input;
  std::vector<std::string> choices;
  std::vector<std::size_t> right;  ///< indices of the right choices
  std::size_t best = 0;            ///< of truth tasks: the best of the right ones
  std::vector<std::string> gold;   ///< right texts of other kinds
  Demonstration demonstration;     ///< the item as it is compared with others; `output` is what is shown
};

/// What the evaluator was given in place of the task files' own values.
struct Wishes {
  std::filesystem::path data_root;  ///< "" is each task file's folder
  std::vector<std::string> datasets;
  std::int64_t limit = 0;
  std::int64_t shots = -1;  ///< -1: the task's
  std::string prompting = "task";
};

std::vector<Item> read_items(const Task& task, const Wishes& wishes, EvalContext& context);
/// The pool that demonstrations are drawn from; empty if the task has none.
std::vector<Item> read_demonstrations(const Task& task, const Wishes& wishes, EvalContext& context);

struct Prompt {
  RenderedPrompt rendered;
  bool chat = false;
  std::int64_t excluded = 0;  ///< demonstrations that were the item or its twin
};

/// Draws each item's demonstrations and writes what the model sees before its answer.
class Prompter {
 public:
  Prompter(const Task& task, const Wishes& wishes, const std::vector<Item>& pool, EvalContext& context);
  Prompt prompt_of(const Item& item) const;
  std::int64_t shots() const { return shots_; }

 private:
  struct Pool {
    std::vector<Demonstration> entries;
    std::vector<std::string> inputs;  ///< what is shown of them
  };
  std::vector<Message> demonstrations_of(const Item& item, std::int64_t& excluded) const;
  const Task& task_;
  EvalContext& context_;
  std::int64_t shots_;
  bool chat_;
  std::map<std::string, Pool> pools_;  ///< by the value of Task::same
};

}  // namespace temper::in_context
