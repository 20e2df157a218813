// The town's English: how a fact, a question, a refusal or a plain remark is said, in a few wordings each and in a small
// vocabulary. Pure functions over a person and a random number generator; every other file here builds on them.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "people.h"

namespace temper::townsfolk {

/// Who a clause is about: "Rosa Ashford", "Rosa" or "she".
enum class Mention { kName, kFirst, kPronoun };

/// "Rosa Ashford lives on Mill Street", without a full stop; a pronoun begins in lower case. Never holds a comma.
std::string clause(const Person& person, std::size_t attribute, Mention mention, Rng& rng);
/// The same with a wrong value in place of the person's own.
std::string false_clause(const Person& person, std::size_t attribute, const std::string& value, Rng& rng);
/// First letter in upper case, full stop at the end.
std::string sentence(std::string text);

/// A question about one fact.
std::string question(const std::string& name, std::size_t attribute, Rng& rng);
/// "Tell me about Rosa Ashford." in several wordings.
std::string request_about(const std::string& name, Rng& rng);
/// "Is Rosa Ashford a baker?": a question to be answered with yes or no.
std::string yes_no_question(const Person& person, std::size_t attribute, const std::string& value);

std::string unknown_answer(const std::string& name, Rng& rng);
std::string private_question(const Person& person, std::size_t kind, Rng& rng);
/// Declines kindly, names what is private, never its value, and offers something public.
std::string private_refusal(const Person& person, std::size_t kind, Rng& rng);
std::string bare_refusal(Rng& rng);
std::string private_leak(const Person& person, std::size_t kind);

/// Words that a prompt may ask for, each with remarks about the town that hold the word exactly once.
struct Keyword {
  std::string word;
  std::vector<std::string> remarks;
};
const std::vector<Keyword>& keywords();

template <class T>
void shuffle(std::vector<T>& items, Rng& rng) {
  for (std::size_t i = items.size(); i > 1; --i) std::swap(items[i - 1], items[rng.below(i)]);
}

std::string pick(std::initializer_list<std::string_view> choices, Rng& rng);

}  // namespace temper::townsfolk
