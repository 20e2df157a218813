// Collects the items, has them answered, and turns successes into metrics. See helpfulness.h.
#include "helpfulness.h"

#include <algorithm>

#include "measures.h"
#include "numbers.h"
#include "opponents.h"
#include "questions.h"
#include "task_success.h"
#include "unicode.h"
#include "win_rate.h"

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

/// An item that no program verifies but whose answers a reward model or a judge can read.
bool is_open(const std::string& task) { return task.empty() || task == "open"; }

std::vector<stages::JudgedText> judged_texts(const std::vector<evaluators::Question>& questions,
                                             const std::vector<std::string>& answers) {
  std::vector<stages::JudgedText> texts;
  for (std::size_t i = 0; i < questions.size(); ++i) texts.push_back({questions[i].item.prompt, answers[i]});
  return texts;
}

double characters(const std::string& text) { return static_cast<double>(instruction_following::decode(text).size()); }

/// Metrics of a comparison with the other side's answers, which become the rows' references where there are none.
void add_duels(EvalResult& result, const std::vector<std::string>& ours, const std::vector<std::string>& theirs,
               const std::vector<Preference>& preferences, bool asked, std::uint64_t seed) {
  std::vector<Duel> duels;
  std::vector<double> preferred, our_length, their_length;
  evaluators::Verdicts wins, ties, order;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    our_length.push_back(characters(ours[i]));
    their_length.push_back(characters(theirs[i]));
    duels.push_back({preferences[i].ours, our_length.back() - their_length.back()});
    preferred.push_back(preferences[i].ours);
    wins.add(preferences[i].ours > 0.5);
    ties.add(preferences[i].ours == 0.5);
    order.add(preferences[i].depends_on_order);
    if (result.examples[i].reference.empty()) result.examples[i].reference = theirs[i];
  }
  evaluators::add_mean(
      result,
      {"win_rate", "", "Mean preference for this model's answer over the other side's; a tie counts half.", Better::kHigher},
      preferred);
  result.metrics.push_back(length_controlled_win_rate(
      {"win_rate_length_controlled", "", "Win rate if both sides' answers were of one length (logistic regression).",
       Better::kHigher},
      duels, seed));
  evaluators::add_share(result, {"wins", "", "Share of items whose answer was preferred.", Better::kHigher}, wins);
  evaluators::add_share(result, {"ties", "", "Share of items where neither answer was preferred.", Better::kNeither}, ties);
  if (asked) {
    evaluators::add_share(
        result,
        {"order_bias", "", "Share of items where the judge preferred the same place in both orders.", Better::kLower},
        order);
  }
  evaluators::add_mean(result, {"characters", "characters", "Mean length of this model's answers.", Better::kNeither},
                       our_length);
  evaluators::add_mean(result,
                       {"characters_other", "characters", "Mean length of the other side's answers.", Better::kNeither},
                       their_length);
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  ParamTable<P> table;
  table.datasets("data", &P::data, "Datasets whose items are answered.", {.required = true});
  table.add("limit", &P::limit, "Answer at most this many items; 0 is all.", {.min = 0, .max = 1e9, .unit = "items"});
  table.stages("reward", &P::reward, "Stages of the plugin reward_model that score answers; several are averaged.");
  table.add(
      "reward_models", &P::reward_models,
      "Reward models from outside the run, each a checkpoint folder or RECORD.h5:STAGE; averaged with those of reward.");
  table.add("against", &P::against,
            "The other side of a win rate: reference (the items' reference answers), a .jsonl file of answers, or a model "
            "(checkpoint folder or RECORD.h5:STAGE); empty is none.");
  table.add("judge", &P::judge, "A model that is asked which answer is better, in both orders; empty compares rewards.");
  table.include(&P::sampling, sampling_params());
  table.require([](const P& p) { return p.against.empty() || !p.judge.empty() || p.rewards(); },
                "against needs somebody who says which answer is better: give reward, reward_models or judge");
  table.require([](const P& p) { return p.judge.empty() || !p.against.empty(); },
                "judge compares answers with another side's; say with whose under against");
  return table;
}

EvalResult Helpfulness::evaluate(EvalContext& context) {
  const bool takes_open = params_.compares() || params_.rewards();
  std::vector<std::string> tasks;
  std::vector<SuccessTest> tests;  // empty for an open item
  const auto questions =
      evaluators::collect_questions(context, params_.data, params_.limit, [&](const EvalItem& item, const json& attributes) {
        const std::string task = task_of(item.task, item.reference, attributes);
        if (task.empty() && !(takes_open && is_open(item.task))) return false;
        tests.push_back(task.empty() ? SuccessTest{} : success_test(task, item.reference, attributes));
        tasks.push_back(task);
        return true;
      });
  if (questions.empty()) {
    throw DataError(
        "evaluator helpfulness found no item that it knows in its datasets; name a dataset in 'data' with items of "
        "the tasks instruction_following, closed_book, open_book, unknown_person or exact_answer, or of none with 'reward'");
  }
  const auto readers = stages::text_rewards(context, params_.reward, params_.reward_models);
  // The other side first: what is wrong with it is said before the long part.
  std::vector<std::string> theirs;
  if (params_.compares()) theirs = opponent_answers(context, params_.against, base_dir_, questions, params_.sampling);
  const auto answers = evaluators::answer_questions(context, "helpfulness", questions, params_.sampling);

  EvalResult result;
  evaluators::Verdicts all;
  std::vector<evaluators::Verdicts> by_task(kTasks.size());
  std::vector<std::string> ours;
  for (std::size_t i = 0; i < questions.size(); ++i) {
    ours.push_back(answers[i].text);
    const bool success = tests[i] && tests[i](answers[i].text);
    evaluators::add_if(all, static_cast<bool>(tests[i]), success);
    for (std::size_t t = 0; t < kTasks.size(); ++t) evaluators::add_if(by_task[t], tasks[i] == kTasks[t], success);
    result.examples.push_back(evaluators::row_of(questions[i], answers[i]));
  }
  evaluators::add_share(result, {"helpfulness", "", "Share of items whose task succeeded.", Better::kHigher}, all);
  for (std::size_t t = 0; t < kTasks.size(); ++t) {
    const std::string task(kTasks[t]);
    evaluators::add_share(result,
                          {"helpfulness_" + task, "", "Share of " + task + " items whose task succeeded.", Better::kHigher},
                          by_task[t]);
  }
  std::vector<double> rewards;
  if (!readers.empty()) {
    rewards = stages::mean_reward(readers, judged_texts(questions, ours), &context);
    evaluators::add_mean(result, {"reward", "", "Mean reward of the answers.", Better::kHigher}, rewards);
  }
  if (params_.compares()) {
    std::vector<Preference> preferences;
    if (params_.judge.empty()) {
      preferences = compare_by_reward(rewards, stages::mean_reward(readers, judged_texts(questions, theirs), &context));
    } else {
      std::vector<Pair> pairs;
      for (std::size_t i = 0; i < questions.size(); ++i) pairs.push_back({questions[i].item.prompt, ours[i], theirs[i]});
      preferences = compare_by_asking(context.models().model(params_.judge), pairs, context);
    }
    add_duels(result, ours, theirs, preferences, !params_.judge.empty(), context.seed());
  }
  evaluators::add_answer_facts(result, answers);
  return result;
}

void Helpfulness::begin_judging(ModelLender& models) {
  for (const auto& reference : params_.reward_models) readers_.emplace_back(models.model(reference), reference);
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
  if (readers_.empty()) return out.dump();
  const std::vector<Message> prompt = evaluators::prompt_of(row);
  const double reward = stages::mean_reward(readers_, {{prompt, response}}).front();
  out["reward"] = reward;
  if (const auto other = row.find("other_response"); other != row.end()) {
    if (!other->is_string()) throw DataError("field 'other_response' is " + other->dump() + ", must be a text");
    const double theirs = stages::mean_reward(readers_, {{prompt, other->get<std::string>()}}).front();
    out["win"] = compare_by_reward({reward}, {theirs}).front().ours;
  }
  return out.dump();
}

}  // namespace temper::helpfulness
