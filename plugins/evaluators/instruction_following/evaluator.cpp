// Collects the items, has them answered, and turns verdicts into metrics. See evaluator.h.
#include "evaluator.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "tally.h"
#include "temper/hash.h"
#include "temper/random.h"
#include "temper/template.h"
#include "unicode.h"
#include "verdict.h"

namespace temper::instruction_following {

using nlohmann::json;

struct Task {
  EvalItem item;
  Instructions instructions;
  RenderedPrompt prompt;
};

namespace {

json parse(const std::string& text, const std::string& what) {
  try {
    return json::parse(text);
  } catch (const json::exception& error) {
    throw DataError(what + " is not valid JSON (" + error.what() + "); write it as one JSON object");
  }
}

}  // namespace

ParamTable<Params> params_table() {
  ParamTable<Params> table;
  table.datasets("data", &Params::data, "Datasets whose items with an instruction_id_list are answered.",
                 {.required = true});
  table.add("limit", &Params::limit, "Answer at most this many items; 0 is all.", {.min = 0, .max = 1e9, .unit = "items"});
  table.add("markdown_bullets", &Params::markdown_bullets,
            "Count bullets as Markdown has them (a rule --- is none) instead of as the published checker does.");
  table.include(&Params::sampling, sampling_params());
  return table;
}

EvalResult InstructionFollowing::evaluate(EvalContext& context) {
  const std::vector<Task> tasks = collect(context);
  const std::vector<Completion> answers = generate(context, tasks);
  EvalResult result;
  result.score_names = {"prompt_strict", "prompt_loose", "response_tokens", "finished"};
  std::int64_t finished = 0;
  std::vector<double> tokens;
  Tally strict, loose;
  std::map<std::string, Tally> families;
  std::map<std::string, std::vector<bool>> all_families;
  for (const Task& task : tasks) {
    for (const auto& id : task.instructions.ids()) all_families[family_of(id)];
  }
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const Task& task = tasks[i];
    const Completion& answer = answers[i];
    const auto verdict = task.instructions.judge(answer.text);
    finished += answer.finished;
    tokens.push_back(static_cast<double>(answer.ids.size()));
    strict.add(verdict.strict);
    loose.add(verdict.loose);
    // Every family counts every prompt, if only with nothing, so that its column has a row for each.
    std::map<std::string, std::vector<bool>> by_family = all_families;
    for (std::size_t k = 0; k < verdict.strict.size(); ++k) {
      by_family[family_of(task.instructions.ids()[k])].push_back(verdict.strict[k]);
    }
    for (const auto& [family, verdicts] : by_family) families[family].add(verdicts);
    result.examples.push_back(
        {task.item.id,
         sha256_hex(task.prompt.text),
         task.prompt.text,
         answer.text,
         task.item.attributes_json,
         {double(verdict.all_strict()), double(verdict.all_loose()), tokens.back(), double(answer.finished)}});
  }
  const auto add_ratio_scores = [&](const std::string& metric, const Tally& tally) {
    result.score_names.push_back(metric + ".num");
    result.score_names.push_back(metric + ".den");
    for (std::size_t i = 0; i < result.examples.size(); ++i) {
      result.examples[i].scores.push_back(tally.followed[i]);
      result.examples[i].scores.push_back(tally.instructions[i]);
    }
  };
  add_ratio_scores("instruction_strict", strict);
  add_ratio_scores("instruction_loose", loose);
  for (const auto& [family, tally] : families) add_ratio_scores("family_" + family + "_strict", tally);
  const auto n = static_cast<std::int64_t>(tasks.size());
  const std::uint64_t seed = context.seed();
  const auto share = [&](const std::string& name, const std::string& doc, const Tally& tally) {
    return ratio_metric({name, "", doc, Better::kHigher}, tally.followed, tally.instructions, seed);
  };
  result.metrics = {
      proportion_metric({"prompt_strict", "", "Share of prompts with every instruction followed.", Better::kHigher},
                        strict.whole_prompts, n),
      proportion_metric({"prompt_loose", "", "The same, if some relaxed form of the answer follows.", Better::kHigher},
                        loose.whole_prompts, n),
      share("instruction_strict", "Share of instructions followed; interval over prompts.", strict),
      share("instruction_loose", "The same, if some relaxed form of the answer follows.", loose),
      mean_metric({"response_tokens", "tokens", "Mean length of an answer.", Better::kNeither}, tokens),
      proportion_metric({"finished", "", "Share of answers that the model ended itself.", Better::kHigher}, finished, n)};
  for (const auto& [family, tally] : families) {
    result.metrics.push_back(share("family_" + family + "_strict", "Share of the family's instructions followed.", tally));
  }
  return result;
}

std::string InstructionFollowing::judge(const std::string& row_json) {
  const json row = parse(row_json, "the row");
  const Instructions instructions(row, options_);
  const auto response = row.find("response");
  if (response == row.end() || !response->is_string()) {
    throw DataError("field 'response' is missing or no text; give the answer to judge");
  }
  const auto verdict = instructions.judge(response->get<std::string>());
  json out;
  for (const char* name : {"key", "item_id"}) {
    if (row.contains(name) && !row[name].is_null()) out["item_id"] = row[name];
  }
  if (row.contains("prompt")) out["prompt"] = row["prompt"];
  out["instruction_id_list"] = instructions.ids();
  out["follow_all_instructions"] = verdict.all_strict();
  out["follow_instruction_list"] = verdict.strict;
  out["follow_all_instructions_loose"] = verdict.all_loose();
  out["follow_instruction_list_loose"] = verdict.loose;
  return out.dump();
}

std::vector<Task> InstructionFollowing::collect(EvalContext& context) const {
  std::vector<Task> tasks;
  for (EvalItem& item : context.items(params_.data, 0)) {
    if (params_.limit > 0 && static_cast<std::int64_t>(tasks.size()) == params_.limit) break;
    if (item.attributes_json.empty()) continue;
    const json attributes = parse(item.attributes_json, item.source + ": attributes of item '" + item.id + "'");
    if (!attributes.is_object() || !attributes.contains("instruction_id_list")) continue;
    try {
      Instructions instructions(attributes, options_);
      RenderedPrompt prompt = render_prompt(context.prompt_template(), item.prompt, context.tokenizer());
      tasks.push_back({std::move(item), std::move(instructions), std::move(prompt)});
    } catch (const DataError& error) {
      throw DataError(item.source + ": item '" + item.id + "': " + error.what());
    }
  }
  if (tasks.empty()) {
    throw DataError(
        "evaluator instruction_following found no item with an instruction_id_list in its datasets; name a "
        "dataset that has such items in 'data'");
  }
  return tasks;
}

/// In chunks, for progress and a prompt end on Ctrl-C; a completion does not depend on what else is in its chunk.
std::vector<Completion> InstructionFollowing::generate(EvalContext& context, const std::vector<Task>& tasks) const {
  constexpr std::size_t kChunk = 64;
  std::vector<Completion> answers;
  context.progress().begin("instruction_following", static_cast<std::int64_t>(tasks.size()));
  for (std::size_t from = 0; from < tasks.size(); from += kChunk) {
    if (context.cancelled()) throw Cancelled("evaluator instruction_following was stopped");
    std::vector<GenerateRequest> requests;
    for (std::size_t i = from; i < std::min(tasks.size(), from + kChunk); ++i) {
      requests.push_back({tasks[i].prompt.ids, derive_seed(context.seed(), {"item", tasks[i].item.id})});
    }
    for (Completion& answer : context.generator().generate(requests, params_.sampling)) {
      // A model that draws single bytes may end in the middle of a character; checks and record need valid UTF-8.
      answer.text = encode(decode(answer.text));
      answers.push_back(std::move(answer));
    }
    context.progress().update(static_cast<std::int64_t>(answers.size()), "");
  }
  context.progress().end();
  if (answers.size() != tasks.size()) throw PluginError("the generator gave another number of answers than requests");
  return answers;
}

}  // namespace temper::instruction_following
