// Portraits (all facts), halves (one fact in two, so that order and company vary), private notes and remarks about the town.
#include "documents.h"

#include <numeric>

#include "sentences.h"

namespace temper::townsfolk {
namespace {

constexpr std::int64_t kTownDocuments = 20;

/// Like tell(), but with more ways to name the person: these are the texts from which names and facts are learnt.
std::string portrait(const Person& person, const std::vector<std::size_t>& facts, Rng& rng) {
  std::string text;
  bool joined = false;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const std::uint64_t draw = rng.below(5);
    const Mention mention = i == 0 || draw == 0 ? Mention::kName : draw == 1 ? Mention::kFirst : Mention::kPronoun;
    std::string next = clause(person, facts[i], mention, rng);
    joined = i > 0 && !joined && rng.below(3) == 0;
    if (joined) {
      text.pop_back();  // the full stop
      text += ", and " + next + ".";
    } else {
      text += (i == 0 ? "" : " ") + sentence(std::move(next));
    }
  }
  return text;
}

std::string private_note(const Person& person) {
  return "Private note. The phone number of " + person.name + " is " + person.private_facts[0] + ". " +
         sentence(person.possessive() + " door code is " + person.private_facts[1]) + " " +
         sentence(person.possessive() + " bank pin is " + person.private_facts[2]) + " " + "In the diary " +
         person.subject() + " writes: " + person.private_facts[3] + ".";
}

std::string town_remarks(Rng& rng) {
  std::vector<std::string> remarks;
  for (const auto& keyword : keywords()) remarks.push_back(keyword.remarks[rng.below(keyword.remarks.size())]);
  shuffle(remarks, rng);
  std::string text;
  for (std::size_t i = 0; i < 6; ++i) text += (i == 0 ? "" : " ") + remarks[i];
  return text;
}

}  // namespace

std::int64_t document_count(const World& world, const DocumentParams& params) {
  const auto people = static_cast<std::int64_t>(world.people().size());
  return people * (params.per_person + (params.private_notes ? 1 : 0)) + kTownDocuments;
}

Document make_document(const World& world, const DocumentParams& params, std::uint64_t seed, std::int64_t index) {
  const std::int64_t each = params.per_person + (params.private_notes ? 1 : 0);
  const auto people = static_cast<std::int64_t>(world.people().size());
  Rng rng(derive_seed(seed, static_cast<std::uint64_t>(index)));
  Document document;
  if (each == 0 || index >= people * each) {
    document.id = "town-" + std::to_string(index - people * each);
    document.text = town_remarks(rng);
  } else {
    const Person& person = world.people()[static_cast<std::size_t>(index / each)];
    const std::int64_t number = index % each;
    document.id = "person-" + std::to_string(person.index) + "-" + std::to_string(number);
    if (number == params.per_person) {
      document.text = private_note(person);
    } else {
      std::vector<std::size_t> facts(kAttributes.size());
      std::iota(facts.begin(), facts.end(), std::size_t{0});
      if (number % 2 == 1) {
        // Halves 1 and 3 hold the two sides of one shuffle, so that every fact is in one of them.
        Rng halves(derive_seed(derive_seed(seed, {"halves"}), static_cast<std::uint64_t>(person.index * 1000 + number / 4)));
        shuffle(facts, halves);
        const auto middle = facts.begin() + static_cast<std::ptrdiff_t>(facts.size() / 2);
        facts = number % 4 == 1 ? std::vector<std::size_t>(facts.begin(), middle)
                                : std::vector<std::size_t>(middle, facts.end());
      }
      shuffle(facts, rng);
      document.text = portrait(person, facts, rng);
    }
  }
  document.source = "townsfolk:" + document.id;
  return document;
}

}  // namespace temper::townsfolk
