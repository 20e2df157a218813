// The rules (see task_success.h). An answer without words has done nothing, whatever was asked.
#include "task_success.h"

#include <algorithm>
#include <vector>

#include "numbers.h"
#include "refusal.h"
#include "temper/error.h"
#include "text_match.h"
#include "verdict.h"

namespace temper::helpfulness {
namespace {

using nlohmann::json;

void need_reference(const std::string& task, const std::string& reference) {
  if (evaluators::plain_line(reference).empty()) {
    throw DataError("a " + task + " item has no reference; give the right answer as 'reference'");
  }
}

SuccessTest keeps_all_instructions(const json& attributes) {
  return [instructions = instruction_following::Instructions(attributes, {})](const std::string& answer) {
    return instructions.judge(answer).all_strict();
  };
}

SuccessTest tells_the_fact(const std::string& reference, const json& attributes) {
  std::vector<std::string> wrong;
  if (const auto choices = attributes.find("choices"); choices != attributes.end() && !choices->is_null()) {
    if (!choices->is_array()) throw DataError("'choices' is " + choices->dump() + ", must be a list of texts");
    for (const auto& choice : *choices) {
      if (!choice.is_string()) throw DataError("'choices' holds " + choice.dump() + ", must be a list of texts");
      const auto text = choice.get<std::string>();
      if (evaluators::plain_line(text) != evaluators::plain_line(reference)) wrong.push_back(text);
    }
    if (wrong.size() == choices->size()) {
      throw DataError("the reference '" + reference + "' is not among the choices " + choices->dump() +
                      "; correct one of them");
    }
  }
  return [reference, wrong = std::move(wrong)](const std::string& answer) {
    return evaluators::says_only(answer, reference, wrong);
  };
}

SuccessTest only_admits() {
  return [](const std::string& answer) {
    const auto reading = evaluators::read_response(answer);
    return reading.unknowing && !reading.states_more;
  };
}

SuccessTest ends_with_number(const std::string& reference) {
  return [number = evaluators::reference_number(reference)](const std::string& answer) {
    return evaluators::last_number(answer) == number;
  };
}

}  // namespace

std::string task_of(const std::string& task, const std::string& reference, const json& attributes) {
  if (std::find(kTasks.begin(), kTasks.end(), task) != kTasks.end()) return task;
  if (attributes.contains("instruction_id_list")) return "instruction_following";
  return reference.find("####") == std::string::npos ? "" : "exact_answer";
}

SuccessTest success_test(const std::string& task, const std::string& reference, const json& attributes) {
  if (task == "instruction_following") return keeps_all_instructions(attributes);
  if (task == "unknown_person") return only_admits();
  need_reference(task, reference);
  return task == "exact_answer" ? ends_with_number(reference) : tells_the_fact(reference, attributes);
}

}  // namespace temper::helpfulness
