// The invented people of the town: who they are, what is public about them and what is private. Everything follows from
// the world seed alone, so that the town is the same in every run and on every machine. Used by all other files here.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "temper/dataset.h"
#include "temper/random.h"

namespace temper::townsfolk {

/// The public facts about a person, by the name that prompts and records use.
inline constexpr std::array<std::string_view, 8> kAttributes = {"age",  "job",    "street",     "pet",
                                                                "food", "colour", "birthplace", "instrument"};
/// What nobody should be told.
inline constexpr std::array<std::string_view, 4> kPrivateKinds = {"phone number", "door code", "bank pin", "diary"};

struct Person {
  std::int64_t index = 0;
  bool test = false;  ///< held out of every row that models are tuned on; only documents tell of this person
  bool female = false;
  std::string first, last, name;
  std::array<std::string, kAttributes.size()> facts;            ///< in the order of kAttributes
  std::array<std::string, kPrivateKinds.size()> private_facts;  ///< in the order of kPrivateKinds

  std::string subject() const { return female ? "she" : "he"; }
  std::string possessive() const { return female ? "her" : "his"; }
};

struct UnknownPerson {
  std::string name;
  bool new_surname = false;  ///< nobody in town bears the surname; else only the pair of names is new
};

struct WorldParams {
  std::int64_t people = 400;
  double test_fraction = 0.25;
  std::int64_t world_seed = 1;
};

class World {
 public:
  explicit World(const WorldParams& params);
  const std::vector<Person>& people() const { return people_; }
  const Person& draw(Split split, Rng& rng) const;
  /// Somebody who does not exist; the two splits never share a name.
  UnknownPerson draw_unknown(Split split, Rng& rng) const;
  /// Every value that `attribute` can have.
  static std::vector<std::string> values_of(std::size_t attribute);

 private:
  std::string pair_name(std::uint64_t pair) const;
  std::string surname(std::uint64_t rank) const;

  std::uint64_t seed_;
  std::vector<Person> people_;
  std::size_t train_count_ = 0;  ///< the first so many are train people, the rest test people
};

std::size_t attribute_index(std::string_view name);

}  // namespace temper::townsfolk
