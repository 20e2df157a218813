// Collects the items, has them answered, and turns successes into metrics. See helpfulness.h.
#include "helpfulness.h"

#include <algorithm>

#include "measures.h"
#include "numbers.h"
#include "questions.h"
#include "task_success.h"

namespace temper::helpfulness {

using nlohmann::json;

namespace {

/// A reference in a row from elsewhere that is nothing but a number.
bool is_number(const std::string& reference) {
  return reference.find_first_not_of("0123456789.,$-+ \t\n") == std::string::npos &&
         evaluators::last_number(reference).has_value();
}

std::string reference_of(const json& row) {
  for (const char* name : {"reference", "answer"}) {
    const auto value = row.find(name);
    if (value == row.end() || value->is_null()) continue;
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number()) return value->dump();
    throw DataError("field '" + std::string(name) + "' is " + value->type_name() + ", must be a text or a number");
  }
  return "";
}

std::string task_of_row(const json& row, const std::string& reference) {
  std::string task;
  if (const auto value = row.find("task"); value != row.end() && value->is_string()) task = value->get<std::string>();
  task = task_of(task, reference, row);
  if (!task.empty() || reference.empty()) return task;
  return is_number(reference) ? "exact_answer" : "closed_book";
}

}  // namespace

ParamTable<Params> params_table() {
  ParamTable<Params> table;
  table.datasets("data", &Params::data, "Datasets whose verifiable items are answered.", {.required = true});
  table.add("limit", &Params::limit, "Answer at most this many items; 0 is all.", {.min = 0, .max = 1e9, .unit = "items"});
  table.include(&Params::sampling, sampling_params());
  return table;
}

EvalResult Helpfulness::evaluate(EvalContext& context) {
  std::vector<std::string> tasks;
  std::vector<SuccessTest> tests;
  const auto questions =
      evaluators::collect_questions(context, params_.data, params_.limit, [&](const EvalItem& item, const json& attributes) {
        const std::string task = task_of(item.task, item.reference, attributes);
        if (task.empty()) return false;
        tests.push_back(success_test(task, item.reference, attributes));
        tasks.push_back(task);
        return true;
      });
  if (questions.empty()) {
    throw DataError(
        "evaluator helpfulness found no verifiable item in its datasets; name a dataset in 'data' with items of "
        "the tasks instruction_following, closed_book, open_book, unknown_person or exact_answer");
  }
  const auto answers = evaluators::answer_questions(context, "helpfulness", questions, params_.sampling);

  EvalResult result;
  evaluators::Verdicts all;
  std::vector<evaluators::Verdicts> by_task(kTasks.size());
  for (std::size_t i = 0; i < questions.size(); ++i) {
    const bool success = tests[i](answers[i].text);
    all.add(success);
    for (std::size_t t = 0; t < kTasks.size(); ++t) {
      if (tasks[i] == kTasks[t]) {
        by_task[t].add(success);
      } else {
        by_task[t].skip();
      }
    }
    result.examples.push_back(evaluators::row_of(questions[i], answers[i]));
  }
  evaluators::add_share(result, {"helpfulness", "", "Share of items whose task succeeded.", Better::kHigher}, all);
  for (std::size_t t = 0; t < kTasks.size(); ++t) {
    const std::string task(kTasks[t]);
    evaluators::add_share(result,
                          {"helpfulness_" + task, "", "Share of " + task + " items whose task succeeded.", Better::kHigher},
                          by_task[t]);
  }
  evaluators::add_answer_facts(result, answers);
  return result;
}

std::string Helpfulness::judge(const std::string& row_json) {
  const json row = evaluators::parse_object(row_json, "the row");
  const std::string response = evaluators::response_of(row);
  json out = evaluators::verdict_of(row);
  const std::string reference = reference_of(row);
  const std::string task = task_of_row(row, reference);
  if (!task.empty()) {
    out["task"] = task;
    out["correct"] = success_test(task, reference, row)(response);
  }
  return out.dump();
}

}  // namespace temper::helpfulness
