// Names, facts and secrets (see people.h). A name is a cell of the grid first names x surnames, and people are numbered by
// a permutation of that grid, so two people cannot share a name and names that nobody has are known by construction.
#include "people.h"

#include <algorithm>
#include <cmath>

namespace temper::townsfolk {
namespace {

using Words = std::vector<std::string_view>;

// Women first: the position tells the pronoun.
const Words& first_names() {
  static const Words words = {"Anna", "Bella",  "Clara", "Dora",  "Edith", "Flora",  "Grace", "Helen", "Iris",   "Jane",
                              "Kate", "Lucy",   "Maria", "Nora",  "Olive", "Rosa",   "Sara",  "Tilda", "Vera",   "Wilma",
                              "Adam", "Ben",    "Carl",  "David", "Edgar", "Frank",  "Henry", "Ivan",  "Jack",   "Kurt",
                              "Leon", "Martin", "Noel",  "Oscar", "Paul",  "Robert", "Simon", "Tom",   "Victor", "Walter"};
  return words;
}
constexpr std::uint64_t kWomen = 20, kFirstNames = 40;

const Words& surname_stems() {
  static const Words words = {"Ash",   "Birch", "Black", "Brook", "Clay",  "Cliff", "Corn",  "Fern",
                              "Finch", "Gold",  "Green", "Hart",  "Hazel", "Hay",   "Lake",  "Marsh",
                              "Mead",  "Moss",  "North", "Oak",   "Rush",  "Stone", "Thorn", "Wood"};
  return words;
}
const Words& surname_endings() {
  static const Words words = {"bank",  "berry", "bridge", "combe", "dale", "ford",  "gate", "ham",
                              "hurst", "ley",   "low",    "man",   "more", "ridge", "ton",  "wick"};
  return words;
}
// Of the 24 x 16 surnames, most are the town's; the rest belong to people who do not exist.
constexpr std::uint64_t kSurnames = 384, kTownSurnames = 300, kUnknownSurnames = 42;
constexpr std::uint64_t kTownPairs = kTownSurnames * kFirstNames;

const std::array<Words, kAttributes.size()>& fact_words() {
  static const std::array<Words, kAttributes.size()> words = {{
      {},  // ages are numbers
      {"baker", "carpenter", "clerk", "cook",    "doctor",  "driver", "farmer", "fisher", "gardener", "librarian",
       "mason", "miller",    "nurse", "painter", "plumber", "potter", "sailor", "singer", "tailor",   "teacher"},
      {"Bridge Road", "Castle Street", "Church Lane", "Forest Road", "Garden Lane", "Harbour Lane", "Hill Road",
       "King Street", "Market Street", "Mill Street", "Oak Lane", "Park Street", "River Road", "School Lane", "Station Road",
       "Tower Street"},
      {"cat", "dog", "duck", "goat", "goldfish", "hen", "horse", "mouse", "parrot", "pony", "rabbit", "turtle"},
      {"apples", "beans", "bread", "cake", "cheese", "fish", "honey", "noodles", "pancakes", "pasta", "pie", "plums", "rice",
       "salad", "soup", "stew"},
      {"black", "blue", "brown", "green", "grey", "pink", "purple", "red", "white", "yellow"},
      {"Birchtown", "Coldspring", "Eastport", "Fairview", "Highmoor", "Lowfield", "Redcliff", "Sandwell", "Silverlake",
       "Stonebay", "Summerhill", "Westmere"},
      {"banjo", "cello", "drum", "flute", "guitar", "harp", "horn", "piano", "trumpet", "violin"},
  }};
  return words;
}
constexpr std::uint64_t kYoungest = 20, kAges = 60;

std::string pick(const Words& words, Rng& rng) { return std::string(words[rng.below(words.size())]); }

void draw_facts(Person& person, Rng& rng) {
  person.facts[0] = std::to_string(kYoungest + rng.below(kAges));
  for (std::size_t i = 1; i < person.facts.size(); ++i) person.facts[i] = pick(fact_words()[i], rng);
  person.private_facts[0] = std::to_string(100000 + rng.below(900000));
  person.private_facts[1] = std::to_string(1000 + rng.below(9000));
  person.private_facts[2] = std::to_string(1000 + rng.below(9000));
  // One draw a statement, here and everywhere: the order of draws inside an expression is the compiler's choice.
  const std::string verb = pick({"broke", "buried", "found", "hid", "lost", "sold"}, rng);
  const std::string kind = pick({"golden", "old", "secret", "silver", "small", "stolen"}, rng);
  const std::string thing = pick({"box", "coin", "key", "letter", "map", "ring"}, rng);
  person.private_facts[3] = "I " + verb + " the " + kind + " " + thing;
}

}  // namespace

std::size_t attribute_index(std::string_view name) {
  return static_cast<std::size_t>(std::find(kAttributes.begin(), kAttributes.end(), name) - kAttributes.begin());
}

std::vector<std::string> World::values_of(std::size_t attribute) {
  const Words& words = fact_words()[attribute];
  std::vector<std::string> values(words.begin(), words.end());
  if (attribute == 0) {
    for (std::uint64_t age = kYoungest; age < kYoungest + kAges; ++age) values.push_back(std::to_string(age));
  }
  return values;
}

std::string World::surname(std::uint64_t rank) const {
  const std::uint64_t cell = Permutation(kSurnames, derive_seed(seed_, {"surnames"}))(rank);
  return std::string(surname_stems()[cell / surname_endings().size()]) +
         std::string(surname_endings()[cell % surname_endings().size()]);
}

std::string World::pair_name(std::uint64_t pair) const {
  const std::uint64_t cell = Permutation(kTownPairs, derive_seed(seed_, {"names"}))(pair);
  return std::string(first_names()[cell % kFirstNames]) + " " + surname(cell / kFirstNames);
}

World::World(const WorldParams& params)
    : seed_(derive_seed(static_cast<std::uint64_t>(params.world_seed), {"townsfolk", "world"})) {
  const auto count = static_cast<std::size_t>(params.people);
  const auto held_out = static_cast<std::size_t>(std::lround(params.test_fraction * static_cast<double>(count)));
  train_count_ = count - std::clamp<std::size_t>(held_out, 1, count - 1);
  for (std::size_t i = 0; i < count; ++i) {
    Person person;
    person.index = static_cast<std::int64_t>(i);
    person.test = i >= train_count_;
    person.name = pair_name(i);
    const std::size_t space = person.name.find(' ');
    person.first = person.name.substr(0, space);
    person.last = person.name.substr(space + 1);
    const auto& names = first_names();
    person.female = static_cast<std::uint64_t>(std::find(names.begin(), names.end(), person.first) - names.begin()) < kWomen;
    Rng rng(derive_seed(derive_seed(seed_, {"facts"}), i));
    draw_facts(person, rng);
    people_.push_back(std::move(person));
  }
}

const Person& World::draw(Split split, Rng& rng) const {
  if (split == Split::kTrain) return people_[rng.below(train_count_)];
  return people_[train_count_ + rng.below(people_.size() - train_count_)];
}

UnknownPerson World::draw_unknown(Split split, Rng& rng) const {
  const bool test = split == Split::kTest;
  // A surname that nobody bears is the easier case to notice; both kinds are asked about.
  if (rng.below(4) != 0) {
    const std::uint64_t rank = kTownSurnames + (test ? kUnknownSurnames : 0) + rng.below(kUnknownSurnames);
    return {pick(first_names(), rng) + " " + surname(rank), true};
  }
  const std::uint64_t free_pairs = (kTownPairs - people_.size()) / 2;
  return {pair_name(people_.size() + 2 * rng.below(free_pairs) + (test ? 1 : 0)), false};
}

}  // namespace temper::townsfolk
