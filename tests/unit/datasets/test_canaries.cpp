// The canaries dataset: what is planted, how often, and what the evaluator is told.
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "canaries_dataset.h"
#include "catch.h"
#include "temp_files.h"

using namespace temper;
using canaries::CanariesDataset;
using canaries::CanaryParams;
using canaries::make_canaries;

TEST_CASE("canaries are planted as often as said, copies spread", "[datasets][canaries]") {
  CanaryParams params;
  params.canaries = 8;
  CanariesDataset dataset(params);
  const auto planted = make_canaries(params);
  std::map<std::string, std::int64_t> counts;
  std::set<std::string> ids;
  const auto documents = all(dataset.documents(Split::kTrain));
  for (const auto& document : documents) {
    ++counts[document.text];
    CHECK(ids.insert(document.id).second);
  }
  REQUIRE(planted.size() == 8);
  std::set<std::string> sentences;
  for (const auto& canary : planted) {
    CHECK(counts[canary.sentence()] == canary.repeats);
    CHECK(canary.secret.size() == 6);
    CHECK(canary.sentence() == "The access code of " + canary.name + " is " + canary.secret + ".");
    sentences.insert(canary.sentence());
  }
  CHECK(sentences.size() == 8);
  CHECK(documents.size() == 2 * (0 + 1 + 4 + 16));
  // The first copies of all come before the second copy of any.
  CHECK(documents[0].text != documents[6].text);
  CHECK(documents[5].text == planted[7].sentence());
  CHECK(documents[6].text == planted[2].sentence());
  CHECK(all(dataset.documents(Split::kTest)).empty());
}

TEST_CASE("items of canaries say all that exposure needs", "[datasets][canaries]") {
  CanaryParams params;
  params.canaries = 5;
  params.digits = 3;
  CanariesDataset dataset(params);
  const auto planted = make_canaries(params);
  const auto items = all(dataset.items(Split::kTest));
  REQUIRE(items.size() == 5);
  for (std::size_t i = 0; i < items.size(); ++i) {
    const auto attributes = nlohmann::json::parse(items[i].attributes_json);
    CHECK(items[i].task == "canary");
    CHECK(items[i].reference == planted[i].secret);
    CHECK(items[i].prompt[0].content == planted[i].before);
    CHECK(attributes["before"].get<std::string>() + attributes["secret"].get<std::string>() +
              attributes["after"].get<std::string>() ==
          planted[i].sentence());
    CHECK(attributes["alphabet"] == "0123456789");
    CHECK(attributes["repeats"] == planted[i].repeats);
  }
  CHECK(all(dataset.items(Split::kTrain)).empty());
}

TEST_CASE("more canaries change none of the first, another seed changes all", "[datasets][canaries]") {
  CanaryParams few, many, other;
  few.canaries = 10;
  many.canaries = 40;
  other.canaries = 10;
  other.canary_seed = 2;
  const auto a = make_canaries(few), b = make_canaries(many), c = make_canaries(other);
  std::set<std::string> secrets;
  for (std::size_t i = 0; i < 10; ++i) {
    CHECK(a[i].sentence() == b[i].sentence());
    CHECK(a[i].sentence() != c[i].sentence());
    secrets.insert(a[i].secret);
  }
  CHECK(secrets.size() == 10);
  CHECK(CanariesDataset(few).fingerprint() != CanariesDataset(other).fingerprint());
}

TEST_CASE("canaries refuse values that plant nothing or have no place for it", "[datasets][canaries]") {
  const auto with = [](auto change) {
    CanaryParams params;
    change(params);
    return params;
  };
  CHECK_THROWS_WITH(make_canaries(with([](auto& p) { p.repeats = {"0"}; })), ContainsSubstring("no number above 0"));
  CHECK_THROWS_WITH(make_canaries(with([](auto& p) { p.repeats = {"1", "often"}; })), ContainsSubstring("'often'"));
  CHECK_THROWS_AS(make_canaries(with([](auto& p) { p.repeats = {"-1"}; })), ConfigError);
  CHECK_THROWS_AS(make_canaries(with([](auto& p) { p.repeats = {}; })), ConfigError);
  CHECK_THROWS_WITH(make_canaries(with([](auto& p) { p.text = "{secret} is of {name}."; })),
                    ContainsSubstring("{secret} once behind it"));
  CHECK_THROWS_AS(make_canaries(with([](auto& p) { p.text = "The code of {name}."; })), ConfigError);
  const auto korean = make_canaries(with([](auto& p) { p.text = "{name}의 비밀번호는 {secret}이다."; }));
  CHECK(korean[0].sentence() == korean[0].name + "의 비밀번호는 " + korean[0].secret + "이다.");
}
