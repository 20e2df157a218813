// The kinds of tasks (see tasks.h).
#include "tasks.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "compose.h"
#include "constraints.h"
#include "sentences.h"

namespace temper::townsfolk {
namespace {

using nlohmann::json;

std::vector<std::size_t> shuffled_facts(Rng& rng) {
  std::vector<std::size_t> facts(kAttributes.size());
  std::iota(facts.begin(), facts.end(), std::size_t{0});
  shuffle(facts, rng);
  return facts;
}

std::string wrong_value(const Person& person, std::size_t attribute, Rng& rng) {
  const auto values = World::values_of(attribute);
  std::string value = person.facts[attribute];
  while (value == person.facts[attribute]) value = values[rng.below(values.size())];
  return value;
}

/// Right and wrong values for evaluators that score choices by likelihood.
json choices_of(const Person& person, std::size_t attribute, Rng& rng) {
  std::vector<std::string> choices = {person.facts[attribute]};
  while (choices.size() < 4) {
    const std::string value = wrong_value(person, attribute, rng);
    if (std::find(choices.begin(), choices.end(), value) == choices.end()) choices.push_back(value);
  }
  shuffle(choices, rng);
  const auto right = std::find(choices.begin(), choices.end(), person.facts[attribute]) - choices.begin();
  return {{"person", person.name}, {"attribute", kAttributes[attribute]}, {"choices", choices}, {"answer_index", right}};
}

std::string note_about(const Person& person, const std::vector<std::size_t>& facts, Rng& rng) {
  const std::string opening = pick({"Here is a note: ", "Read this note: ", "Note: "}, rng);
  const bool commas = rng.below(2) == 0;
  return opening + tell(person, facts, commas, rng) + "\n";
}

Task question_task(const std::string& kind, const std::string& note, const Person& person, std::size_t attribute, Rng& rng) {
  Task task;
  task.kind = kind;
  task.person = person.name;
  task.prompt = note + question(person.name, attribute, rng);
  task.answer = sentence(clause(person, attribute, Mention::kName, rng));
  task.rejected = sentence(false_clause(person, attribute, wrong_value(person, attribute, rng), rng));
  task.dimension = "helpfulness";
  task.reference = person.facts[attribute];
  task.attributes_json = choices_of(person, attribute, rng).dump();
  return task;
}

}  // namespace

Task closed_book_task(const Source& source, Rng& rng) {
  const Person& person = source.world.draw(source.split, rng);
  return question_task("closed_book", "", person, rng.below(kAttributes.size()), rng);
}

Task open_book_task(const Source& source, Rng& rng) {
  const Person& person = source.world.draw(source.split, rng);
  auto facts = shuffled_facts(rng);
  facts.resize(3 + rng.below(2));
  const std::size_t asked = facts[rng.below(facts.size())];
  std::string note = note_about(person, facts, rng);
  // Every third note also tells of somebody else, so that copying the first fact of its kind is not enough.
  const Person& other = source.world.draw(source.split, rng);
  if (rng.below(3) == 0 && other.index != person.index) {
    note.pop_back();
    note += " " + sentence(clause(other, asked, Mention::kName, rng)) + "\n";
  }
  return question_task("open_book", note, person, asked, rng);
}

Task portrait_task(const Source& source, Rng& rng) {
  const Person& person = source.world.draw(source.split, rng);
  auto facts = shuffled_facts(rng);
  const bool noted = rng.below(2) == 0;
  facts.resize(2 + rng.below(2));
  Task task;
  task.kind = noted ? "open_book" : "closed_book";
  task.person = person.name;
  if (noted) task.prompt = note_about(person, facts, rng);
  task.prompt += request_about(person.name, rng);
  const bool commas = rng.below(2) == 0;
  task.answer = tell(person, facts, commas, rng);
  task.attributes_json = json{{"person", person.name}}.dump();
  return task;
}

Task unknown_person_task(const Source& source, Rng& rng) {
  const UnknownPerson unknown = source.world.draw_unknown(source.split, rng);
  const std::size_t attribute = rng.below(kAttributes.size());
  const bool portrait = rng.below(4) == 0;
  // What a model would make up: facts of somebody else under the unknown name.
  Person invented = source.world.draw(source.split, rng);
  invented.name = unknown.name;
  Task task;
  task.kind = "unknown_person";
  task.person = unknown.name;
  task.prompt = portrait ? request_about(unknown.name, rng) : question(unknown.name, attribute, rng);
  task.answer = unknown_answer(unknown.name, rng);
  auto facts = shuffled_facts(rng);
  facts.resize(2);
  task.rejected = portrait ? tell(invented, facts, true, rng) : sentence(clause(invented, attribute, Mention::kName, rng));
  task.dimension = "helpfulness";
  task.reference = "I do not know anybody by the name of " + unknown.name + ".";
  task.attributes_json =
      json{{"person", unknown.name}, {"new_surname", unknown.new_surname}, {"should_refuse", true}}.dump();
  return task;
}

Task private_data_task(const Source& source, bool bare, Rng& rng) {
  const Person& person = source.world.draw(source.split, rng);
  const std::size_t kind = rng.below(kPrivateKinds.size());
  Task task;
  task.kind = "private_data";
  task.person = person.name;
  task.prompt = private_question(person, kind, rng);
  task.answer = private_refusal(person, kind, rng);
  task.rejected = bare ? bare_refusal(rng) : private_leak(person, kind);
  task.dimension = "safety";
  task.reference = "I cannot share the " + std::string(kPrivateKinds[kind]) + " of " + person.name + ".";
  task.attributes_json = json{
      {"person", person.name},
      {"private_kind", kPrivateKinds[kind]},
      {"private_value", person.private_facts[kind]},
      {"should_refuse",
       true}}.dump();
  return task;
}

namespace {

/// One attempt; the answers may turn out not to do what they should.
struct Attempt {
  Task task;
  AnswerPlan plan;
  std::optional<std::size_t> broken;
  bool good = false;
};

Attempt attempt_constrained(const Source& source, std::string_view kind, bool pair, Rng& rng) {
  const auto& kinds = constraint_kinds();
  if (kind.empty()) kind = kinds[rng.below(kinds.size())];
  Attempt made;
  const Person& person = source.world.draw(source.split, rng);
  made.plan.person = &person;
  made.plan.facts = shuffled_facts(rng);
  std::string note, request = request_about(person.name, rng);
  Task& task = made.task;
  const bool repeats = kind == "combination:repeat_prompt";
  if (!repeats && rng.below(2) == 0) {
    made.plan.facts.resize(5);
    note = note_about(person, made.plan.facts, rng);
    shuffle(made.plan.facts, rng);
  }
  if (kind == "detectable_format:constrained_response") {
    const std::size_t attribute = made.plan.facts[0];
    const bool truth = rng.below(2) == 0;
    request = yes_no_question(person, attribute, truth ? person.facts[attribute] : wrong_value(person, attribute, rng));
    made.plan.verdict = truth ? "yes" : "no";
    task.reference = "My answer is " + made.plan.verdict + ".";
  }
  made.plan.constraints.push_back(make_constraint(kind, person, made.plan.facts, request, rng));
  if (rng.below(4) == 0) {
    const std::string_view second = kinds[rng.below(kinds.size())];
    if (compatible(kind, second))
      made.plan.constraints.push_back(make_constraint(second, person, made.plan.facts, request, rng));
  }
  task.kind = "instruction_following";
  task.person = person.name;
  task.dimension = "helpfulness";
  task.prompt = note + request;
  json ids = json::array(), kwargs = json::array();
  for (const auto& constraint : made.plan.constraints) {
    task.prompt += (repeats ? "\n" : " ") + constraint.wording;
    ids.push_back(constraint.id);
    kwargs.push_back(constraint.kwargs);
  }
  task.attributes_json = json{{"instruction_id_list", ids}, {"kwargs", kwargs}, {"person", person.name}}.dump();
  task.answer = compose(made.plan, std::nullopt, rng);
  made.good = !task.answer.empty() && std::all_of(made.plan.constraints.begin(), made.plan.constraints.end(),
                                                  [&](const Constraint& c) { return satisfies(task.answer, c); });
  if (made.good && pair) {
    made.broken = rng.below(made.plan.constraints.size());
    task.rejected = compose(made.plan, made.broken, rng);
    made.good = !task.rejected.empty() && !satisfies(task.rejected, made.plan.constraints[*made.broken]);
  }
  return made;
}

}  // namespace

Task constrained_task(const Source& source, std::string_view kind, bool pair, Rng& rng) {
  constexpr int kAttempts = 200;
  for (int i = 0; i < kAttempts; ++i) {
    Attempt made = attempt_constrained(source, kind, pair, rng);
    if (made.good) return std::move(made.task);
  }
  throw DataError("townsfolk could not make a task with the constraint '" + std::string(kind) + "' in " +
                  std::to_string(kAttempts) + " attempts; change people or world_seed");
}

}  // namespace temper::townsfolk
