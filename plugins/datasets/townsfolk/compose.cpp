// Shapes first (bullets, parts, lengths), then what is put around them (title, postscript, quotes, case); see compose.h.
#include "compose.h"

#include <algorithm>

#include "sentences.h"

namespace temper::townsfolk {
namespace {

class Composer {
 public:
  Composer(const AnswerPlan& plan, std::optional<std::size_t> broken, Rng& rng)
      : plan_(plan), person_(*plan.person), broken_(broken), rng_(rng) {}

  std::string run() {
    std::string text = wrap(shape());
    if (keeps("startend:quotation")) text = "\"" + text + "\"";
    if (keeps("change_case:english_lowercase")) text = lower(text);
    if (keeps("change_case:english_capital")) text = upper(text);
    return text;
  }

 private:
  const Constraint* find(std::string_view id) const {
    for (const auto& constraint : plan_.constraints) {
      if (constraint.id == id) return &constraint;
    }
    return nullptr;
  }
  bool breaks(std::string_view id) const { return broken_ && plan_.constraints[*broken_].id == id; }
  bool keeps(std::string_view id) const { return find(id) != nullptr && !breaks(id); }

  std::vector<std::size_t> first_facts(std::size_t count) const {
    const auto size = std::min(count, plan_.facts.size());
    return {plan_.facts.begin(), plan_.facts.begin() + static_cast<std::ptrdiff_t>(size)};
  }
  bool commas() {
    if (breaks("punctuation:no_comma")) return true;
    return find("punctuation:no_comma") == nullptr && rng_.below(2) == 0;
  }
  std::string facts_text(std::size_t count, bool with_commas) {
    return tell(person_, first_facts(count), with_commas, rng_);
  }

  /// `count` sentences, each about the next fact; `mark` changes the fact's value inside the first `marked` of them.
  template <class Mark>
  std::vector<std::string> lines(std::size_t count, std::size_t marked, Mark mark) {
    std::vector<std::string> result;
    for (const std::size_t fact : first_facts(count)) {
      std::string text = clause(person_, fact, result.empty() ? Mention::kName : Mention::kPronoun, rng_);
      const std::string& value = person_.facts[fact];
      if (result.size() < marked) text.replace(text.rfind(value), value.size(), mark(value));
      result.push_back(sentence(std::move(text)));
    }
    return result;
  }
  std::vector<std::string> plain_lines(std::size_t count) {
    return lines(count, 0, [](const std::string& value) { return value; });
  }

  static std::string join(const std::vector<std::string>& parts, const std::string& mark) {
    std::string text;
    for (const auto& part : parts) text += (text.empty() ? "" : mark) + part;
    return text;
  }

  std::size_t count(const Constraint& constraint, const char* name) const {
    return constraint.kwargs.at(name).get<std::size_t>();
  }
  /// What a constraint asks for, or one off if it is to be broken.
  std::size_t wanted(const Constraint& constraint, const char* name, bool more_is_wrong_too) {
    const std::size_t right = count(constraint, name);
    if (!breaks(constraint.id)) return right;
    return more_is_wrong_too && rng_.below(2) == 0 ? right + 1 : right - 1;
  }

  std::string of_words(const Constraint& constraint) {
    const bool least = constraint.kwargs.at("relation") == "at least";
    // Short is what "less than" wants, and what breaks "at least".
    if (least == breaks(constraint.id)) return facts_text(1, false);
    if (!least) return facts_text(4, commas());
    const std::size_t goal = count(constraint, "num_words");
    std::string text;
    const bool with_commas = commas();
    for (std::size_t facts = 2; facts <= plan_.facts.size(); ++facts) {
      text = facts_text(facts, with_commas);
      if (words_of(text).size() >= goal) break;
    }
    return text;
  }

  std::string of_sentences(const Constraint& constraint) {
    const std::size_t goal = count(constraint, "num_sentences");
    const bool least = constraint.kwargs.at("relation") == "at least";
    const bool reach = least != breaks(constraint.id);
    return join(plain_lines(reach ? goal : goal - 1), " ");
  }

  std::string of_parts(const std::string& id, const Constraint& constraint) {
    if (id == "detectable_format:number_bullet_lists") {
      return "* " + join(plain_lines(wanted(constraint, "num_bullets", true)), "\n* ");
    }
    if (id == "length_constraints:number_paragraphs") {
      return join(plain_lines(wanted(constraint, "num_paragraphs", true)), "\n***\n");
    }
    if (id == "detectable_format:multiple_sections") {
      std::string text;
      std::size_t section = 0;
      for (const auto& line : plain_lines(wanted(constraint, "num_sections", false))) {
        text += (section == 0 ? "" : "\n") + ("Section " + std::to_string(section + 1)) + "\n" + line;
        ++section;
      }
      return text;
    }
    if (id == "combination:two_responses") {
      const auto parts = first_facts(2);
      const std::string first = sentence(clause(person_, parts[0], Mention::kName, rng_));
      const std::string second = sentence(clause(person_, parts[1], Mention::kName, rng_));
      return first + (breaks(id) ? " " : "\n******\n") + second;
    }
    if (id == "detectable_format:number_highlighted_sections") {
      const std::size_t marked = wanted(constraint, "num_highlights", false);
      return join(lines(count(constraint, "num_highlights"), marked, [](const std::string& v) { return "*" + v + "*"; }),
                  " ");
    }
    const std::size_t marked = breaks(id) ? 0 : count(constraint, "capital_frequency");
    return join(lines(count(constraint, "capital_frequency"), marked, [](const std::string& v) { return upper(v); }), " ");
  }

  std::string of_placeholders(const Constraint& constraint) {
    std::vector<std::string> remarks = {"You can write to [address].", "You can meet at [place].", "A good day is [date].",
                                        "Please ask [name] for help.", "The talk begins at [time]."};
    shuffle(remarks, rng_);
    remarks.resize(wanted(constraint, "num_placeholders", false));
    return facts_text(1, false) + " " + join(remarks, " ");
  }

  std::string of_json() {
    std::string text = "{\"name\": \"" + person_.name + "\"";
    for (const std::size_t fact : first_facts(1 + rng_.below(2))) {
      text += ", \"" + std::string(kAttributes[fact]) + "\": \"" + person_.facts[fact] + "\"";
    }
    return text + "}";
  }

  std::string of_keyword(const std::string& word, std::size_t times) {
    std::vector<std::string> remarks;
    for (const auto& keyword : keywords()) {
      if (keyword.word == word) remarks = keyword.remarks;
    }
    shuffle(remarks, rng_);
    remarks.resize(std::min(times, remarks.size()));
    return join(remarks, " ");
  }

  std::string of_forbidden(const Constraint& constraint) {
    std::vector<std::size_t> facts;
    for (const std::size_t fact : plan_.facts) {
      const bool holds = !satisfies(person_.facts[fact], constraint);
      if (holds == breaks(constraint.id)) facts.push_back(fact);
    }
    if (facts.size() > 2) facts.resize(2);
    return tell(person_, facts, commas(), rng_);
  }

  std::string shape() {
    for (const auto& constraint : plan_.constraints) {
      const std::string& id = constraint.id;
      if (id == "length_constraints:number_words") return of_words(constraint);
      if (id == "length_constraints:number_sentences") return of_sentences(constraint);
      if (id == "detectable_content:number_placeholders") return of_placeholders(constraint);
      if (id == "detectable_format:json_format" && keeps(id)) return of_json();
      if (id == "keywords:forbidden_words") return of_forbidden(constraint);
      if (id == "detectable_format:constrained_response") {
        return breaks(id) ? sentence(plan_.verdict) : "My answer is " + plan_.verdict + ".";
      }
      if (id == "keywords:frequency") {
        const std::size_t times = wanted(constraint, "frequency", false);
        const std::string text = facts_text(1, false) + " ";
        return text + of_keyword(constraint.kwargs.at("keyword").get<std::string>(), times);
      }
      if (id == "combination:two_responses" || id == "detectable_format:number_bullet_lists" ||
          id == "length_constraints:number_paragraphs" || id == "detectable_format:multiple_sections" ||
          id == "detectable_format:number_highlighted_sections" || id == "change_case:capital_word_frequency") {
        return of_parts(id, constraint);
      }
    }
    const std::size_t told = 2 + rng_.below(2);
    return facts_text(told, commas());
  }

  std::string wrap(std::string text) {
    if (keeps("keywords:existence")) {
      text += " " + of_keyword(find("keywords:existence")->kwargs.at("keywords")[0].get<std::string>(), 1);
    }
    if (keeps("detectable_format:title")) text = "<<" + person_.name + ">>\n" + text;
    if (keeps("detectable_content:postscript")) {
      text += "\nP.S. " + (rng_.below(2) == 0 ? std::string("Have a good day.")
                                              : sentence(clause(person_, plan_.facts.back(), Mention::kFirst, rng_)));
    }
    if (keeps("startend:end_checker"))
      text += " " + find("startend:end_checker")->kwargs.at("end_phrase").get<std::string>();
    if (keeps("combination:repeat_prompt")) {
      text = find("combination:repeat_prompt")->kwargs.at("prompt_to_repeat").get<std::string>() + "\n" + text;
    }
    return text;
  }

  const AnswerPlan& plan_;
  const Person& person_;
  std::optional<std::size_t> broken_;
  Rng& rng_;
};

}  // namespace

std::string compose(const AnswerPlan& plan, std::optional<std::size_t> broken, Rng& rng) {
  return Composer(plan, broken, rng).run();
}

std::string tell(const Person& person, const std::vector<std::size_t>& facts, bool commas, Rng& rng) {
  std::string text;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    std::string next = clause(person, facts[i], i == 0 ? Mention::kName : Mention::kPronoun, rng);
    if (commas && i % 2 == 1) {
      text.pop_back();  // the full stop
      text += ", and " + next + ".";
    } else {
      text += (i == 0 ? "" : " ") + sentence(std::move(next));
    }
  }
  return text;
}

}  // namespace temper::townsfolk
