// Task files (see task.h).
#include "task.h"

#include <algorithm>
#include <fstream>
#include <sstream>

#include "pattern.h"
#include "temper/error.h"
#include "temper/params.h"
#include "yaml_keys.h"

namespace temper::in_context {

namespace fs = std::filesystem;

namespace {

DataSpec data_of(const YamlKeys& keys, const std::string& key) {
  DataSpec data;
  if (!keys.is_map(key)) {
    data.paths = keys.texts(key);
  } else {
    const YamlKeys inner = keys.map(key, {"path", "where", "limit", "split_before"});
    data.paths = inner.texts("path");
    data.limit = inner.integer("limit", 0, 0);
    data.split_before = inner.text("split_before");
    if (inner.has("where")) {
      const YamlKeys where = inner.map("where", {});
      for (const auto& name : where.names()) data.where[name] = where.texts(name);
    }
  }
  data.items = data.paths == std::vector<std::string>{"items"};
  if (data.paths.empty()) keys.fail(key, "names no file; give a path, or 'items' for the rows of the evaluator's datasets");
  return data;
}

TextList list_of(const YamlKeys& keys, const std::string& key) {
  TextList list;
  if (keys.is_map(key)) {
    const YamlKeys inner = keys.map(key, {"split", "at"});
    list.templates = {inner.text_template("split")};
    list.split_at = inner.text("at");
    if (list.split_at.empty()) inner.fail("at", "is missing; give the mark that parts are separated by, like ';'");
    return list;
  }
  list.templates = keys.text_templates(key);
  if (list.templates.empty()) keys.fail(key, "is empty; give at least one text");
  return list;
}

std::vector<MadeField> fields_of(const YamlKeys& keys) {
  std::vector<MadeField> fields;
  if (!keys.has("fields")) return fields;
  const YamlKeys all = keys.map("fields", {});
  for (const auto& name : all.names()) {
    if (!all.is_map(name)) {
      fields.push_back({name, all.text_template(name), {}});
      continue;
    }
    const YamlKeys inner = all.map(name, {"of", "to"});
    MadeField field{name, inner.text_template("of"), {}};
    const YamlKeys table = inner.map("to", {});
    for (const auto& from : table.names()) field.table[from] = table.text(from);
    fields.push_back(std::move(field));
  }
  return fields;
}

std::vector<std::string> allowed_keys(const std::string& kind) {
  std::vector<std::string> keys = {"name", "kind", "data", "fields", "id", "group", "input"};
  const auto add = [&](const std::vector<std::string>& more) { keys.insert(keys.end(), more.begin(), more.end()); };
  if (kind == "perplexity") return keys;
  add({"demonstrations", "description", "output", "target_delimiter", "shot_separator", "shots", "balanced", "draw", "same",
       "twins", "prompting", "better"});
  if (kind == "multiple_choice") add({"choices", "gold", "gold_as"});
  if (kind == "likelihood") add({"gold"});
  if (kind == "generation") add({"gold", "stop", "max_new_tokens", "extract", "which", "normalise", "compare"});
  return keys;
}

const std::vector<std::string>& kinds() {
  static const std::vector<std::string> names = {"multiple_choice", "likelihood", "generation", "perplexity"};
  return names;
}

void read_choices(const YamlKeys& keys, Task& task) {
  task.truth = keys.is_map("choices") && !keys.map("choices", {}).has("split");
  if (!task.truth) {
    task.choices = list_of(keys, "choices");
    task.gold = list_of(keys, "gold");
    task.gold_as = static_cast<GoldAs>(keys.choice("gold_as", {"index", "number", "letter", "text"}, 0));
    return;
  }
  if (keys.has("gold")) keys.fail("gold", "cannot stand beside choices with right and wrong ones; leave it out");
  const YamlKeys sides = keys.map("choices", {"best", "right", "wrong"});
  task.best = sides.text_template("best");
  task.right = list_of(sides, "right");
  task.wrong = list_of(sides, "wrong");
}

void read_generation(const YamlKeys& keys, Task& task) {
  task.stop = keys.has("stop") ? keys.texts("stop") : std::vector<std::string>{};
  task.max_new_tokens = keys.integer("max_new_tokens", 0, 0);
  task.extract = keys.text("extract");
  task.extract_first = keys.choice("which", {"last", "first"}, 0) == 1;
  task.numeric = keys.choice("compare", {"text", "number"}, 0) == 1;
  if (keys.has("normalise")) task.normalise = keys.texts("normalise");
  for (const auto& how : task.normalise) {
    if (how != "case" && how != "punctuation" && how != "articles" && how != "spaces") {
      keys.fail("normalise", "has '" + how + "', must be of case, punctuation, articles, spaces");
    }
  }
  try {
    if (!task.extract.empty()) (void)instruction_following::Pattern(task.extract);
  } catch (const DataError& error) {
    keys.fail("extract", error.what());
  }
}

bool good_name(const std::string& name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' &&
         name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
}

std::string name_of(const YamlKeys& keys) {
  const std::string name = keys.text("name");
  if (!good_name(name)) keys.fail("name", "is '" + name + "', must be a name like my_task ([a-z][a-z0-9_]*)");
  return name;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw ConfigError("cannot read task file '" + path.string() + "'; check the path in 'tasks'");
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<std::string> built_in_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

fs::path path_of(const std::string& name, const fs::path& base_dir, const fs::path& built_in) {
  if (name.ends_with(".yaml") || name.ends_with(".yml")) return base_dir / name;
  const fs::path path = built_in / (name + ".yaml");
  if (fs::exists(path)) return path;
  std::string list;
  const auto names = built_in_names(built_in);
  for (const auto& known : names) list += (list.empty() ? "" : ", ") + known;
  const auto near = nearest_name(name, names);
  throw ConfigError("there is no built-in task '" + name + "'" + (near ? "; did you mean '" + *near + "'?" : "") +
                    " (there are: " + list + "; a task file's name ends in .yaml)");
}

void load(const std::string& name, const fs::path& base_dir, const fs::path& built_in, TaskSet& set, bool in_group) {
  const fs::path path = path_of(name, base_dir, built_in);
  const std::string yaml = read_file(path);
  const YamlKeys keys = YamlKeys::parse(yaml, path.string());
  if (keys.text("kind") != "group") {
    Task task = parse_task(yaml, path.string());
    const auto same = std::find_if(set.tasks.begin(), set.tasks.end(), [&](const Task& t) { return t.name == task.name; });
    if (same != set.tasks.end() && same->file != task.file) {
      throw ConfigError("two tasks are called '" + task.name + "': '" + same->file + "' and '" + task.file +
                        "'; rename one");
    }
    if (same == set.tasks.end()) set.tasks.push_back(std::move(task));
    return;
  }
  keys.allow({"name", "kind", "tasks"});
  if (in_group) keys.fail("kind", "is group inside another group; name its tasks there");
  std::vector<std::string> members;
  for (const auto& member : keys.texts("tasks")) {
    load(member, path.parent_path(), built_in, set, true);
    const fs::path member_path = path_of(member, path.parent_path(), built_in);
    for (const auto& task : set.tasks) {
      if (task.file == member_path.string()) members.push_back(task.name);
    }
  }
  set.groups.emplace_back(name_of(keys), std::move(members));
}

}  // namespace

Task parse_task(const std::string& yaml, const std::string& file) {
  const YamlKeys keys = YamlKeys::parse(yaml, file);
  Task task;
  task.file = file;
  task.name = name_of(keys);
  task.kind = static_cast<Kind>(keys.choice("kind", kinds(), -1));
  keys.allow(allowed_keys(keys.text("kind")));
  task.data = data_of(keys, "data");
  task.fields = fields_of(keys);
  task.id = keys.text_template("id", "");
  task.group = keys.text_template("group", "");
  task.input = keys.text_template("input");
  if (task.kind == Kind::kPerplexity) return task;
  if (keys.has("demonstrations")) task.demonstrations = data_of(keys, "demonstrations");
  task.description = keys.text_template("description", "");
  task.output = keys.text_template("output", "");
  task.target_delimiter = keys.text("target_delimiter", " ");
  task.shot_separator = keys.text("shot_separator", "\n\n");
  task.shots = keys.integer("shots", 0, 0);
  task.balanced = keys.boolean("balanced", false);
  task.first_shots = keys.choice("draw", {"seed", "first"}, 0) == 1;
  task.exact_twins = keys.choice("twins", {"words", "exact"}, 0) == 1;
  task.same = keys.text("same");
  task.chat = keys.choice("prompting", {"plain", "chat"}, 0) == 1;
  task.better = static_cast<Better>(keys.choice("better", {"higher", "lower", "neither"}, 0));
  if (task.balanced && task.first_shots) keys.fail("balanced", "is about drawing by seed; with draw: first leave it out");
  if (task.shots > 0 && !task.demonstrations) {
    keys.fail("shots", "is " + std::to_string(task.shots) + ", but there are no demonstrations; name their file");
  }
  if (task.kind == Kind::kMultipleChoice) {
    read_choices(keys, task);
  } else {
    task.gold = list_of(keys, "gold");
  }
  if (task.kind == Kind::kGeneration) read_generation(keys, task);
  return task;
}

TaskSet load_tasks(const std::vector<std::string>& names, const fs::path& base_dir, const fs::path& built_in) {
  TaskSet set;
  for (const auto& name : names) load(name, base_dir, built_in, set, false);
  return set;
}

}  // namespace temper::in_context
