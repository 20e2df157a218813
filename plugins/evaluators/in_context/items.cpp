// From rows to items and prompts (see items.h).
#include "items.h"

#include <algorithm>
#include <set>

#include "temper/hash.h"
#include "temper/random.h"

namespace temper::in_context {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

bool wanted(const Row& row, const DataSpec& data) {
  return std::all_of(data.where.begin(), data.where.end(), [&](const auto& condition) {
    const std::string value = text_of(value_at(row.fields, condition.first), condition.first);
    return std::find(condition.second.begin(), condition.second.end(), value) != condition.second.end();
  });
}

/// Rows of the evaluator's datasets: the item's attributes with id, prompt (its last user turn), reference and task.
std::vector<Row> dataset_rows(const Task& task, const std::vector<std::string>& datasets, EvalContext& context) {
  if (datasets.empty()) {
    throw ConfigError(task.file + ": the data is 'items', but the evaluator names no datasets; set its parameter data");
  }
  std::vector<Row> rows;
  for (const auto& item : context.items(datasets, 0)) {
    json fields = item.attributes_json.empty() ? json::object() : json::parse(item.attributes_json, nullptr, false);
    if (!fields.is_object()) throw DataError(item.source + ": attributes are no JSON object");
    fields["id"] = item.id;
    fields["reference"] = item.reference;
    fields["task"] = item.task;
    fields["prompt"] = "";
    for (const auto& message : item.prompt) {
      if (message.role == "user") fields["prompt"] = message.content;
    }
    rows.push_back({std::move(fields), item.source, item.id});
  }
  return rows;
}

fs::path data_path(const Task& task, const std::string& path, const fs::path& data_root) {
  const fs::path full = data_root.empty() ? fs::path(task.file).parent_path() / path : data_root / path;
  if (fs::exists(full)) return full;
  throw DataError("task '" + task.name + "' has no data at '" + full.string() + "'; " +
                  (data_root.empty() ? "set data_root to the folder that '" + path + "' is in"
                                     : "check data_root, or put the file there"));
}

std::vector<Row> read_rows(const Task& task, const DataSpec& data, const Wishes& wishes, EvalContext& context) {
  std::vector<Row> rows;
  if (data.items) rows = dataset_rows(task, wishes.datasets, context);
  for (const auto& path : data.paths) {
    if (data.items) break;
    const fs::path full = data_path(task, path, wishes.data_root);
    for (auto& row : read_table(full, data.split_before)) {
      // Demonstrations and items of one file are known as the same by their ids.
      row.id = full.filename().string() + ":" + row.id;
      rows.push_back(std::move(row));
    }
  }
  std::vector<Row> kept;
  for (auto& row : rows) {
    if (data.limit > 0 && static_cast<std::int64_t>(kept.size()) == data.limit) break;
    try {
      if (wanted(row, data)) kept.push_back(std::move(row));
    } catch (const DataError& error) {
      throw DataError(row.source + ": " + error.what());
    }
  }
  return kept;
}

void add_fields(json& row, const std::vector<MadeField>& fields) {
  for (const auto& field : fields) {
    std::string value = field.text.render(row);
    if (!field.table.empty()) {
      const auto found = field.table.find(value);
      if (found == field.table.end()) {
        std::string keys;
        for (const auto& [key, to] : field.table) keys += (keys.empty() ? "" : ", ") + key;
        throw DataError("'" + value + "' is not in the table of the field '" + field.name + "' (it has " + keys + ")");
      }
      value = found->second;
    }
    row[field.name] = std::move(value);
  }
}

std::vector<std::string> texts_of(const TextList& list, const json& row) {
  std::vector<std::string> texts;
  if (list.split_at.empty()) {
    for (const auto& one : list.templates) {
      const auto some = one.render_list(row);
      texts.insert(texts.end(), some.begin(), some.end());
    }
    return texts;
  }
  const std::string text = list.templates.front().render(row);
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(list.split_at, at), text.size());
    const std::string part = trimmed(text.substr(at, end - at));
    if (!part.empty() && std::find(texts.begin(), texts.end(), part) == texts.end()) texts.push_back(part);
    at = end + list.split_at.size();
  }
  return texts;
}

std::size_t right_index(const std::string& gold, GoldAs as, const std::vector<std::string>& choices) {
  const std::string text = trimmed(gold);
  if (as == GoldAs::kText) {
    const auto found = std::find(choices.begin(), choices.end(), gold);
    if (found == choices.end()) throw DataError("the right answer '" + gold + "' is none of the choices");
    return static_cast<std::size_t>(found - choices.begin());
  }
  std::size_t index = choices.size();
  if (as == GoldAs::kLetter && text.size() == 1) {
    index = static_cast<std::size_t>((text[0] | 0x20) - 'a');
  } else if (as != GoldAs::kLetter && !text.empty() && text.size() < 6 &&
             text.find_first_not_of("0123456789") == std::string::npos) {
    index = std::stoul(text) - (as == GoldAs::kNumber ? 1 : 0);
  }
  if (index < choices.size()) return index;
  const std::string how = as == GoldAs::kLetter   ? "a letter from A"
                          : as == GoldAs::kNumber ? "a number from 1"
                                                  : "a number from 0";
  throw DataError("the right answer is '" + text + "', must be " + how + " for one of " + std::to_string(choices.size()) +
                  " choices (see gold_as)");
}

void fill_choices(Item& item, const Task& task, const json& row) {
  if (task.truth) {
    const std::string best = trimmed(task.best.render(row));
    item.choices = texts_of(task.right, row);
    auto found = std::find(item.choices.begin(), item.choices.end(), best);
    // The best answer is a right one, whether or not the list repeats it.
    if (found == item.choices.end()) found = item.choices.insert(item.choices.begin(), best);
    item.best = static_cast<std::size_t>(found - item.choices.begin());
    for (std::size_t i = 0; i < item.choices.size(); ++i) item.right.push_back(i);
    const auto wrong = texts_of(task.wrong, row);
    if (wrong.empty()) throw DataError("there is no wrong answer");
    item.choices.insert(item.choices.end(), wrong.begin(), wrong.end());
    return;
  }
  item.choices = texts_of(task.choices, row);
  if (item.choices.size() < 2) throw DataError("there is only " + std::to_string(item.choices.size()) + " choice");
  for (const auto& gold : texts_of(task.gold, row)) {
    item.right.push_back(right_index(gold, task.gold_as, item.choices));
  }
  item.best = item.right.empty() ? 0 : item.right.front();
}

/// A word that two texts share only if they are the same but for case (ASCII) and spaces.
std::string exact_key(const std::string& text) {
  std::string key;
  bool space = false;
  for (const char c : trimmed(text)) {
    const bool now = c == ' ' || (c >= '\t' && c <= '\r');
    if (!now && space) key += ' ';
    if (!now) key += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    space = now;
  }
  return sha256_hex(key);
}

Item item_of(const Row& row, const Task& task) {
  json fields = row.fields;
  add_fields(fields, task.fields);
  Item item;
  item.source = row.source;
  item.id = task.id.empty() ? row.id : task.id.render(fields);
  if (!task.group.empty()) item.group = task.group.render(fields);
  if (!task.same.empty()) item.same = text_of(value_at(fields, task.same), task.same);
  item.description = task.description.render(fields);
  item.input = task.input.render(fields);
  if (task.kind == Kind::kMultipleChoice) {
    fill_choices(item, task, fields);
  } else if (task.kind != Kind::kPerplexity) {
    item.gold = texts_of(task.gold, fields);
  }
  if (task.kind != Kind::kPerplexity && item.right.empty() && item.gold.empty()) throw DataError("there is no right answer");
  for (const auto& choice : item.choices) {
    if (choice.empty()) throw DataError("a choice is empty");
  }
  std::string answer;
  if (!task.output.empty()) {
    answer = task.output.render(fields);
  } else if (task.kind == Kind::kMultipleChoice) {
    answer = item.choices[item.best];
  } else if (!item.gold.empty()) {
    answer = item.gold.front();
  }
  const std::string& label = item.choices.empty() ? answer : item.choices[item.best];
  item.demonstration = {row.id, task.exact_twins ? exact_key(item.input) : item.input, answer, label};
  return item;
}

std::vector<Item> items_of(const std::vector<Row>& rows, const Task& task) {
  std::vector<Item> items;
  for (const auto& row : rows) {
    try {
      items.push_back(item_of(row, task));
    } catch (const DataError& error) {
      throw DataError(row.source + ": task '" + task.name + "': " + error.what());
    }
  }
  return items;
}

}  // namespace

std::vector<Item> read_items(const Task& task, const Wishes& wishes, EvalContext& context) {
  auto rows = read_rows(task, task.data, wishes, context);
  if (wishes.limit > 0 && static_cast<std::int64_t>(rows.size()) > wishes.limit) {
    rows.resize(static_cast<std::size_t>(wishes.limit));
  }
  if (rows.empty()) {
    throw DataError("task '" + task.name + "' has no rows" +
                    (task.data.where.empty() ? "; its data is empty" : "; no row has the values of 'where'"));
  }
  auto items = items_of(rows, task);
  std::set<std::string> ids;
  for (const auto& item : items) {
    if (item.id.empty() || !ids.insert(item.id).second) {
      throw DataError(item.source + ": task '" + task.name + "': the id '" + item.id +
                      "' is empty or there twice; give another 'id' or leave it out");
    }
  }
  return items;
}

std::vector<Item> read_demonstrations(const Task& task, const Wishes& wishes, EvalContext& context) {
  const std::int64_t shots = wishes.shots >= 0 ? wishes.shots : task.shots;
  if (shots == 0 || task.kind == Kind::kPerplexity) return {};
  if (!task.demonstrations) {
    throw ConfigError("shots is " + std::to_string(shots) + ", but task '" + task.name +
                      "' has no demonstrations; name their file in '" + task.file + "' or set shots to 0");
  }
  return items_of(read_rows(task, *task.demonstrations, wishes, context), task);
}

Prompter::Prompter(const Task& task, const Wishes& wishes, const std::vector<Item>& pool, EvalContext& context)
    : task_(task),
      context_(context),
      shots_(pool.empty()        ? 0
             : wishes.shots >= 0 ? wishes.shots
                                 : task.shots),
      chat_(wishes.prompting == "task" ? task.chat : wishes.prompting == "chat") {
  for (const auto& item : pool) {
    pools_[item.same].entries.push_back(item.demonstration);
    pools_[item.same].inputs.push_back(item.input);
  }
}

/// Two messages each, in the order in which they are shown.
std::vector<Message> Prompter::demonstrations_of(const Item& item, std::int64_t& excluded) const {
  std::vector<Message> chosen;
  if (shots_ == 0) return chosen;
  const auto found = pools_.find(item.same);
  if (found == pools_.end()) {
    throw DataError(item.source + ": task '" + task_.name + "': no demonstration has the " + task_.same + " '" + item.same +
                    "'; add some or set shots to 0");
  }
  const auto& pool = found->second.entries;
  FewShotParams params;
  params.shots = shots_;
  params.balanced = task_.balanced;
  FewShotChoice choice = choose_demonstrations(pool, item.demonstration, params, derive_seed(context_.seed(), {task_.name}));
  excluded = choice.excluded;
  if (task_.first_shots) {
    // All that may be shown, in the pool's order.
    params.shots = static_cast<std::int64_t>(pool.size()) - choice.excluded;
    choice = choose_demonstrations(pool, item.demonstration, params, 0);
    std::sort(choice.shots.begin(), choice.shots.end());
    choice.shots.resize(static_cast<std::size_t>(shots_));
  }
  for (const std::size_t index : choice.shots) {
    chosen.push_back({"user", found->second.inputs[index]});
    chosen.push_back({"assistant", pool[index].output});
  }
  return chosen;
}

Prompt Prompter::prompt_of(const Item& item) const {
  Prompt prompt;
  prompt.chat = chat_;
  const auto shots = demonstrations_of(item, prompt.excluded);
  if (chat_) {
    std::vector<Message> messages;
    if (!item.description.empty()) messages.push_back({"system", trimmed(item.description)});
    messages.insert(messages.end(), shots.begin(), shots.end());
    messages.push_back({"user", item.input});
    prompt.rendered = render_prompt(context_.prompt_template(), messages, context_.tokenizer());
    return prompt;
  }
  std::string& text = prompt.rendered.text;
  text = item.description;
  for (std::size_t i = 0; i < shots.size(); i += 2) {
    text += shots[i].content + task_.target_delimiter + shots[i + 1].content + task_.shot_separator;
  }
  text += item.input;
  const Tokenizer& tokenizer = context_.tokenizer();
  prompt.rendered.ids = tokenizer.encode(text);
  if (tokenizer.bos_id() >= 0 || prompt.rendered.ids.empty()) {
    const auto first = tokenizer.bos_id() >= 0 ? tokenizer.bos_id() : tokenizer.eos_ids().front();
    prompt.rendered.ids.insert(prompt.rendered.ids.begin(), first);
  }
  return prompt;
}

}  // namespace temper::in_context
