// Experiments damaged at random (with a fixed seed): each ends in one of temper's errors or in an experiment that its own
// effective text gives again.
#include "support.h"
#include "temper/random.h"

using namespace config_test;

namespace {

std::string damaged(Rng& rng) {
  static const std::string kCharacters = "[]{}:,-&*!|>'\"#%@`?~<\n \t=.0123abcxyz\\";
  std::string text = kBase + "seed: 3\ndescription: some words, [more] of them # and not these\n";
  const auto at = static_cast<std::size_t>(rng.below(text.size()));
  const char character = kCharacters[rng.below(kCharacters.size())];
  switch (rng.below(4)) {
    case 0:
      return text.erase(at, 1 + rng.below(5));
    case 1:
      return text.insert(at, 1, character);
    case 2:
      text[at] = character;
      return text;
    default:
      return text.insert(rng.below(text.size()), text.substr(at, rng.below(20)));
  }
}

}  // namespace

TEST_CASE("a damaged experiment is refused with a place, or reproduces itself") {
  Rng rng(20);
  int refused = 0, accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    const std::string text = damaged(rng);
    CAPTURE(text);
    try {
      const auto experiment = parse(text);
      const auto again = parse(experiment.effective_text);
      REQUIRE(resolved_hash(again) == resolved_hash(experiment));
      ++accepted;
    } catch (const ConfigError& error) {
      REQUIRE(std::string(error.what()).rfind("x.yaml", 0) == 0);
      ++refused;
    }
  }
  CHECK(refused > 1000);
  CHECK(accepted > 100);
}
