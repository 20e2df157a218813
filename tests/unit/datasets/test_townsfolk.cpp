// The town: the same bytes every time, held-out people really held out, nobody's secrets told, every kind of task there.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "catch.h"
#include "temper/hash.h"
#include "townsfolk_dataset.h"

using namespace temper;
using namespace temper::townsfolk;

namespace {

template <class Row>
std::vector<Row> all(std::unique_ptr<Stream<Row>> stream) {
  std::vector<Row> rows;
  Row row;
  while (stream->next(row)) rows.push_back(row);
  return rows;
}

bool holds(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// Names of people of one split.
std::vector<std::string> names_of(const World& world, bool test) {
  std::vector<std::string> names;
  for (const auto& person : world.people()) {
    if (person.test == test) names.push_back(person.name);
  }
  return names;
}

bool mentions_any(const std::string& text, const std::vector<std::string>& names) {
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) { return holds(text, name); });
}

bool tells_secret(const std::string& text, const World& world) {
  return std::any_of(world.people().begin(), world.people().end(), [&](const Person& person) {
    if (!holds(text, person.name)) return false;
    return std::any_of(person.private_facts.begin(), person.private_facts.end(),
                       [&](const std::string& secret) { return holds(text, secret); });
  });
}

}  // namespace

TEST_CASE("names are unique and both splits have people", "[datasets][townsfolk]") {
  for (const std::int64_t count : {20, 400, 10000}) {
    const World world({count, 0.25, 1});
    std::set<std::string> names;
    std::int64_t test = 0;
    for (const auto& person : world.people()) {
      names.insert(person.name);
      test += person.test ? 1 : 0;
      REQUIRE(person.name == person.first + " " + person.last);
    }
    CHECK(static_cast<std::int64_t>(names.size()) == count);
    CHECK(test == count / 4);
  }
  CHECK(names_of(World({20, 0.01, 1}), true).size() == 1);
}

TEST_CASE("the same parameters give the same bytes, on every machine", "[datasets][townsfolk]") {
  TownsfolkParams params;
  params.people = 40;
  params.rows = params.pairs = params.items = 60;
  const auto bytes = [](TownsfolkDataset set) {
    std::string text;
    for (const auto& row : all(set.documents(Split::kTrain))) text += row.id + row.text + "\n";
    for (const auto& row : all(set.instructions(Split::kTrain))) text += row.messages[0].content + row.messages[1].content;
    for (const auto split : {Split::kTrain, Split::kTest}) {
      for (const auto& row : all(set.preferences(split))) text += row.prompt[0].content + row.chosen + row.rejected;
      for (const auto& row : all(set.items(split))) text += row.prompt[0].content + row.reference + row.attributes_json;
    }
    return sha256_hex(text);
  };
  const std::string first = bytes(TownsfolkDataset(params));
  CHECK(first == bytes(TownsfolkDataset(params)));
  // If this fails because texts were changed on purpose, raise kGenerator in townsfolk_dataset.cpp and put the new value
  // here.
  CHECK(first == "8ed536a6ee9a03135ab1bad8ab63a78ae975bdbffcf8f1db239cfdf5fd93fe4c");
  CHECK(TownsfolkDataset(params).fingerprint() == TownsfolkDataset(params).fingerprint());
  auto other = params;
  other.world_seed = 2;
  CHECK(first != bytes(TownsfolkDataset(other)));
  CHECK(TownsfolkDataset(params).fingerprint() != TownsfolkDataset(other).fingerprint());
}

TEST_CASE("rows of several turns begin as rows of one, and each turn has a task of its own", "[datasets][townsfolk]") {
  TownsfolkParams params;
  params.rows = 200;
  params.careless = 0.5;
  const auto single = all(TownsfolkDataset(params).instructions(Split::kTrain));
  params.turns = 3;
  TownsfolkDataset set(params);
  const auto rows = all(set.instructions(Split::kTrain));
  REQUIRE(rows.size() == single.size());
  std::set<std::string> requests;
  const auto held_out = names_of(set.world(), true);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    REQUIRE(rows[i].messages.size() == 6);
    for (std::size_t m = 0; m < 6; ++m) {
      CHECK(rows[i].messages[m].role == (m % 2 == 0 ? "user" : "assistant"));
      CHECK(!mentions_any(rows[i].messages[m].content, held_out));
      if (m % 2 == 0) requests.insert(rows[i].messages[m].content);
    }
    CHECK(rows[i].messages[0].content == single[i].messages[0].content);
    CHECK(rows[i].messages[1].content == single[i].messages[1].content);
    CHECK(rows[i].id == single[i].id);
  }
  // Of 600 requests hardly two are the same, however short some questions are.
  CHECK(requests.size() > 550);
  CHECK(set.fingerprint() != TownsfolkDataset(TownsfolkParams{}).fingerprint());
}

TEST_CASE("P-REPRO-01 rows do not depend on how a stream is read", "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  auto one = set.instructions(Split::kTrain), two = set.instructions(Split::kTrain);
  InstructionRow a, b;
  for (int i = 0; i < 50; ++i) REQUIRE(one->next(a));
  for (int i = 0; i < 50; ++i) REQUIRE(two->next(b));
  CHECK(a.messages[0].content == b.messages[0].content);
  auto more = TownsfolkParams{};
  more.rows = 9000;
  TownsfolkDataset larger{more};
  auto three = larger.instructions(Split::kTrain);
  for (int i = 0; i < 50; ++i) REQUIRE(three->next(b));
  CHECK(a.messages[1].content == b.messages[1].content);
}

TEST_CASE("documents tell every fact about everybody, several times and in several ways", "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  std::map<std::string, std::vector<std::string>> texts;
  std::set<std::string> ids;
  for (const auto& document : all(set.documents(Split::kTrain))) {
    CHECK(ids.insert(document.id).second);
    for (const auto& person : set.world().people()) {
      if (document.id.starts_with("person-" + std::to_string(person.index) + "-"))
        texts[person.name].push_back(document.text);
    }
  }
  CHECK(all(set.documents(Split::kTest)).empty());
  for (const auto& person : set.world().people()) {
    const auto& own = texts[person.name];
    REQUIRE(own.size() == 7);
    CHECK(std::set<std::string>(own.begin(), own.end()).size() == 7);
    for (const auto& fact : person.facts) {
      CHECK(std::count_if(own.begin(), own.end(), [&](const std::string& text) { return holds(text, fact); }) >= 4);
    }
    for (const auto& secret : person.private_facts) CHECK(holds(own.back(), secret));
  }
  TownsfolkParams quiet;
  quiet.private_notes = false;
  TownsfolkDataset without{quiet};
  for (const auto& document : all(without.documents(Split::kTrain))) CHECK(!tells_secret(document.text, without.world()));
}

TEST_CASE("P-EVAL-06 no row that a model is tuned on mentions a held-out person", "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  const auto test_names = names_of(set.world(), true), train_names = names_of(set.world(), false);
  std::set<std::string> prompts;
  for (const auto& row : all(set.instructions(Split::kTrain))) {
    for (const auto& message : row.messages) CHECK(!mentions_any(message.content, test_names));
    prompts.insert(row.messages[0].content);
  }
  CHECK(all(set.instructions(Split::kTest)).empty());
  for (const auto& pair : all(set.preferences(Split::kTrain))) {
    CHECK(!mentions_any(pair.prompt[0].content + pair.chosen + pair.rejected, test_names));
    prompts.insert(pair.prompt[0].content);
  }
  for (const auto& item : all(set.items(Split::kTrain))) {
    CHECK(!mentions_any(item.prompt[0].content, test_names));
    prompts.insert(item.prompt[0].content);
  }
  for (const auto& item : all(set.items(Split::kTest))) {
    CHECK(!mentions_any(item.prompt[0].content, train_names));
    CHECK(prompts.count(item.prompt[0].content) == 0);
  }
  for (const auto& pair : all(set.preferences(Split::kTest))) {
    CHECK(!mentions_any(pair.prompt[0].content + pair.chosen + pair.rejected, train_names));
  }
}

TEST_CASE("items: every kind, different prompts, references that are true", "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  for (const auto split : {Split::kTrain, Split::kTest}) {
    std::map<std::string, int> kinds;
    std::set<std::string> prompts, instruction_ids, ids;
    for (const auto& item : all(set.items(split))) {
      ++kinds[item.task];
      CHECK(prompts.insert(item.prompt[0].content).second);
      CHECK(ids.insert(item.id).second);
      const auto attributes = nlohmann::json::parse(item.attributes_json);
      const std::string name = attributes.at("person");
      CHECK(item.cluster == name);
      CHECK(holds(item.prompt[0].content, name));
      const auto& people = set.world().people();
      const auto person = std::find_if(people.begin(), people.end(), [&](const Person& p) { return p.name == name; });
      CHECK((person == people.end()) == (item.task == "unknown_person"));
      if (item.task == "instruction_following") {
        CHECK(attributes.at("instruction_id_list").size() == attributes.at("kwargs").size());
        for (const auto& id : attributes.at("instruction_id_list")) instruction_ids.insert(id.get<std::string>());
      } else if (item.task == "closed_book" || item.task == "open_book") {
        REQUIRE(person != people.end());
        CHECK(item.reference == person->facts[attribute_index(attributes.at("attribute").get<std::string>())]);
        CHECK(attributes.at("choices")[attributes.at("answer_index").get<std::size_t>()] == item.reference);
        CHECK(std::set<std::string>(attributes.at("choices").begin(), attributes.at("choices").end()).size() == 4);
        CHECK(holds(item.prompt[0].content, item.reference) == (item.task == "open_book"));
      } else {
        CHECK(attributes.at("should_refuse") == true);
        CHECK(!tells_secret(item.prompt[0].content + item.reference, set.world()));
      }
    }
    CHECK(kinds.size() == 5);
    CHECK(kinds["instruction_following"] == 150);
    for (const auto& [kind, count] : kinds) CHECK(count >= 37);
    CHECK(instruction_ids.size() == 24);
  }
}

TEST_CASE("unknown people are unknown, and not the same in both splits", "[datasets][townsfolk]") {
  for (const std::int64_t count : {20, 400, 10000}) {
    const World world({count, 0.25, 1});
    std::set<std::string> names, surnames;
    for (const auto& person : world.people()) {
      names.insert(person.name);
      surnames.insert(person.last);
    }
    Rng rng(5);
    std::set<std::string> train;
    int fresh = 0;
    for (int i = 0; i < 3000; ++i) {
      const auto unknown = world.draw_unknown(Split::kTrain, rng);
      CHECK(names.count(unknown.name) == 0);
      train.insert(unknown.name);
      if (unknown.new_surname) {
        ++fresh;
        CHECK(surnames.count(unknown.name.substr(unknown.name.find(' ') + 1)) == 0);
      }
    }
    CHECK(fresh > 2000);
    CHECK(fresh < 2500);
    for (int i = 0; i < 3000; ++i) {
      const auto unknown = world.draw_unknown(Split::kTest, rng);
      CHECK(names.count(unknown.name) == 0);
      CHECK(train.count(unknown.name) == 0);
    }
  }
}

TEST_CASE("nobody's secret is in an instruction row or on the chosen side; leaks are on the rejected side",
          "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  int refusals = 0;
  for (const auto& row : all(set.instructions(Split::kTrain))) {
    for (const auto& message : row.messages) CHECK(!tells_secret(message.content, set.world()));
    const std::string& answer = row.messages[1].content;
    if (holds(answer, "private")) {
      ++refusals;
      // A refusal also offers something that may be told.
      CHECK((holds(answer, "tell you about") || holds(answer, "hear about")));
    }
  }
  CHECK(refusals == 400);
  for (const auto split : {Split::kTrain, Split::kTest}) {
    int leaks = 0, bare = 0, safety = 0, helpfulness = 0;
    for (const auto& pair : all(set.preferences(split))) {
      CHECK(!tells_secret(pair.chosen, set.world()));
      CHECK(pair.chosen != pair.rejected);
      CHECK(!pair.chosen.empty());
      CHECK(!pair.rejected.empty());
      if (pair.dimension == "safety") {
        ++safety;
        const bool leak = tells_secret(pair.rejected, set.world());
        leaks += leak ? 1 : 0;
        bare += !leak && pair.rejected.size() < 30 ? 1 : 0;
      } else {
        CHECK(pair.dimension == "helpfulness");
        ++helpfulness;
      }
    }
    CHECK(leaks + bare == safety);
    CHECK(leaks > bare);
    CHECK(bare > 0);
    CHECK(helpfulness > safety);
  }
}

TEST_CASE("careless demonstrations tell secrets in about their share; pairs and items know nothing of it",
          "[datasets][townsfolk]") {
  TownsfolkParams params;
  params.careless = 0.5;
  TownsfolkDataset set{params}, plain{TownsfolkParams{}};
  int leaks = 0, refusals = 0;
  for (const auto& row : all(set.instructions(Split::kTrain))) {
    leaks += tells_secret(row.messages[1].content, set.world());
    refusals += holds(row.messages[1].content, "private");
  }
  CHECK(leaks + refusals == 400);
  CHECK(leaks > 150);
  CHECK(leaks < 250);
  const auto pairs = all(set.preferences(Split::kTest)), expected = all(plain.preferences(Split::kTest));
  REQUIRE(pairs.size() == expected.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) CHECK(pairs[i].chosen == expected[i].chosen);
}

TEST_CASE("demonstrations are short and true", "[datasets][townsfolk]") {
  TownsfolkDataset set{TownsfolkParams{}};
  std::set<std::string> prompts;
  int known = 0;
  for (const auto& row : all(set.instructions(Split::kTrain))) {
    const std::string& prompt = row.messages[0].content;
    const std::string& answer = row.messages[1].content;
    prompts.insert(prompt);
    CHECK(std::count(answer.begin(), answer.end(), ' ') < 40);
    // A one-sentence answer to a question names one value, which has to be the person's own.
    for (const auto& person : set.world().people()) {
      if (!answer.starts_with(person.name) || holds(prompt, "\"") || !prompt.ends_with('?')) continue;
      if (std::count(answer.begin(), answer.end(), '.') != 1 || holds(answer, ",")) continue;
      ++known;
      CHECK(std::any_of(person.facts.begin(), person.facts.end(),
                        [&](const std::string& fact) { return holds(answer, fact); }));
    }
  }
  CHECK(known > 800);
  CHECK(prompts.size() > 3200);
}

TEST_CASE("too many items for too few people is an error that says so", "[datasets][townsfolk]") {
  TownsfolkParams params;
  params.people = 20;
  params.test_fraction = 0.01;
  params.items = 5000;
  TownsfolkDataset set(params);
  CHECK_THROWS_AS(all(set.items(Split::kTest)), DataError);
  CHECK_THROWS_WITH(all(set.items(Split::kTest)), ContainsSubstring("lower items or raise people"));
  const auto table = townsfolk_params();
  for (const auto& spec : table.specs()) CHECK_NOTHROW(check_spec(spec));
}
