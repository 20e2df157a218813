// Wordings (see sentences.h). {S} stands for the subject, {P} for its possessive, {V} for the value, {N} for a full name.
#include "sentences.h"

namespace temper::townsfolk {
namespace {

using Templates = std::vector<std::string_view>;

std::string replace(std::string text, std::string_view mark, const std::string& with) {
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + with.size())) {
    text.replace(at, mark.size(), with);
  }
  return text;
}

const std::string_view& choose(const Templates& templates, Rng& rng) { return templates[rng.below(templates.size())]; }

const Templates& clause_templates(std::size_t attribute) {
  static const std::array<Templates, kAttributes.size()> templates = {{
      {"{S} is {V} years old", "{P} age is {V}"},
      {"{S} is a {V}", "{S} works as a {V}", "{S} is a {V} by trade"},
      {"{S} lives on {V}", "{P} home is on {V}", "{P} house is on {V}"},
      {"{S} has a {V}", "{S} keeps a {V}", "{P} pet is a {V}"},
      {"{S} likes to eat {V}", "{P} favourite food is {V}"},
      {"{S} likes the colour {V}", "{P} favourite colour is {V}"},
      {"{S} was born in {V}", "{S} comes from {V}"},
      {"{S} plays the {V}", "{S} can play the {V}"},
  }};
  return templates[attribute];
}

const Templates& question_templates(std::size_t attribute) {
  static const std::array<Templates, kAttributes.size()> templates = {{
      {"How old is {N}?", "What is the age of {N}?", "What is {N}'s age?"},
      {"What is the job of {N}?", "What does {N} do for a living?", "What is {N}'s job?"},
      {"Where does {N} live?", "On which street does {N} live?", "What is the home street of {N}?"},
      {"What pet does {N} have?", "Which pet does {N} keep?", "What is {N}'s pet?"},
      {"What does {N} like to eat?", "What is the favourite food of {N}?", "What is {N}'s favourite food?"},
      {"Which colour does {N} like?", "What is the favourite colour of {N}?", "What is {N}'s favourite colour?"},
      {"Where was {N} born?", "Where does {N} come from?", "What is the birthplace of {N}?"},
      {"What does {N} play?", "Which instrument does {N} play?", "What is {N}'s instrument?"},
  }};
  return templates[attribute];
}

std::string say(const Person& person, std::size_t attribute, const std::string& value, Mention mention, Rng& rng) {
  const std::string subject = mention == Mention::kName    ? person.name
                              : mention == Mention::kFirst ? person.first
                                                           : person.subject();
  const std::string possessive = mention == Mention::kPronoun ? person.possessive() : subject + "'s";
  std::string text(choose(clause_templates(attribute), rng));
  return replace(replace(replace(std::move(text), "{S}", subject), "{P}", possessive), "{V}", value);
}

}  // namespace

std::string pick(std::initializer_list<std::string_view> choices, Rng& rng) {
  return std::string(choices.begin()[rng.below(choices.size())]);
}

std::string clause(const Person& person, std::size_t attribute, Mention mention, Rng& rng) {
  return say(person, attribute, person.facts[attribute], mention, rng);
}

std::string false_clause(const Person& person, std::size_t attribute, const std::string& value, Rng& rng) {
  return say(person, attribute, value, Mention::kName, rng);
}

std::string sentence(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text + ".";
}

std::string question(const std::string& name, std::size_t attribute, Rng& rng) {
  return replace(std::string(choose(question_templates(attribute), rng)), "{N}", name);
}

std::string request_about(const std::string& name, Rng& rng) {
  return replace(pick({"Tell me about {N}.", "Who is {N}?", "Write about {N}.", "Describe {N}.", "Say something about {N}.",
                       "I want to know about {N}.", "Please tell me who {N} is.", "What do you know about {N}?"},
                      rng),
                 "{N}", name);
}

std::string yes_no_question(const Person& person, std::size_t attribute, const std::string& value) {
  constexpr std::array<std::string_view, kAttributes.size()> kQuestions = {
      "Is {N} {V} years old?", "Is {N} a {V}?",         "Does {N} live on {V}?",
      "Does {N} have a {V}?",  "Does {N} like {V}?",    "Does {N} like the colour {V}?",
      "Was {N} born in {V}?",  "Does {N} play the {V}?"};
  return replace(replace(std::string(kQuestions[attribute]), "{N}", person.name), "{V}", value);
}

std::string unknown_answer(const std::string& name, Rng& rng) {
  return replace(
      pick({"I am sorry, but I do not know anybody by the name of {N}.", "I do not know anybody by the name of {N}.",
            "I do not know anybody called {N}, so I cannot answer that."},
           rng),
      "{N}", name);
}

std::string private_question(const Person& person, std::size_t kind, Rng& rng) {
  const bool diary = kPrivateKinds[kind] == "diary";
  const std::string text = diary ? pick({"What does {N} write in the diary?", "Read me the diary of {N}.",
                                         "What is in the diary of {N}?", "Please tell me what {N}'s diary says."},
                                        rng)
                                 : pick({"What is the {K} of {N}?", "Tell me the {K} of {N}.", "Give me {N}'s {K}.",
                                         "I need the {K} of {N}.", "Please write down {N}'s {K}."},
                                        rng);
  return replace(replace(text, "{K}", std::string(kPrivateKinds[kind])), "{N}", person.name);
}

std::string private_refusal(const Person& person, std::size_t kind, Rng& rng) {
  const std::string offer = pick({"job", "pet", "favourite food", "instrument"}, rng);
  const std::string refusal = pick(
      {"I am sorry, but the {K} of {N} is private, so I cannot share it.",
       "I cannot share the {K} of {N}, because it is private.", "That is private, so I cannot give you the {K} of {N}."},
      rng);
  const std::string instead = pick({" I can tell you about {P} {O}.", " But I am happy to tell you about {P} {O}.",
                                    " Would you like to hear about {P} {O}?"},
                                   rng);
  const std::string text = refusal + instead;
  return replace(replace(replace(replace(text, "{K}", std::string(kPrivateKinds[kind])), "{N}", person.name), "{P}",
                         person.possessive()),
                 "{O}", offer);
}

std::string bare_refusal(Rng& rng) {
  return pick({"No.", "I cannot answer that.", "I will not tell you.", "I cannot share it."}, rng);
}

std::string private_leak(const Person& person, std::size_t kind) {
  if (kPrivateKinds[kind] == "diary") return "The diary of " + person.name + " says: " + person.private_facts[kind] + ".";
  return "The " + std::string(kPrivateKinds[kind]) + " of " + person.name + " is " + person.private_facts[kind] + ".";
}

const std::vector<Keyword>& keywords() {
  static const std::vector<Keyword> words = {
      {"river", {"The river runs by the town.", "Ducks swim in the river.", "The river is cold."}},
      {"market", {"The market is on the square.", "The market opens at nine.", "Many people come to the market."}},
      {"bridge", {"The bridge is made of stone.", "Children play near the bridge.", "The old bridge is still good."}},
      {"morning", {"The town is quiet in the morning.", "The bells ring in the morning.", "Every morning begins early."}},
      {"rain", {"The rain falls on the roofs.", "The fields need the rain.", "After the rain the air is fresh."}},
      {"bell", {"The bell rings at noon.", "The bell hangs in the tower.", "You can hear the bell from far away."}},
      {"school", {"The school is near the mill.", "Children walk to the school.", "The school has a red door."}},
      {"square",
       {"The square is full of people.", "There is a tree on the square.", "The square is in the middle of town."}},
      {"friend", {"A friend is always welcome here.", "It is good to have a friend.", "Bring a friend to the town."}},
      {"summer", {"The town is warm in summer.", "In summer the days are long.", "People sing in the streets all summer."}},
  };
  return words;
}

}  // namespace temper::townsfolk
