// Win rates: against the published figures of AlpacaEval's own verdicts, and a fit made elsewhere.
#include <cmath>
#include <fstream>
#include <map>

#include "opponents.h"
#include "support.h"
#include "win_rate.h"

using namespace temper;
using namespace temper::helpfulness;
using nlohmann::json;

namespace {

const MetricSpec kSpec{"win_rate", "", "x.", Better::kHigher};

/// One for all, so that loops over its parts do not outlive it.
const json& reference() {
  static const json numbers = [] {
    std::ifstream file(std::string(TEMPER_SOURCE_DIR) + "/tests/reference/win_rate/win_rate_reference.json");
    return json::parse(file);
  }();
  return numbers;
}

std::vector<Duel> duels_of(const json& rows) {
  std::vector<Duel> duels;
  for (const auto& row : rows) duels.push_back({row[0], row[1]});
  return duels;
}

}  // namespace

TEST_CASE("the length-controlled win rate equals SciPy's fit") {
  for (const auto& c : reference()["cases"]) {
    const auto fit = fit_length(duels_of(c["duels"]));
    CHECK(fit.converged);
    CHECK(fit.intercept == Approx(c["intercept"].get<double>()).margin(1e-5));
    CHECK(fit.slope == Approx(c["slope"].get<double>()).margin(1e-5));
  }
}

TEST_CASE("a side that wins by length alone wins half at equal lengths") {
  std::vector<Duel> duels;
  Rng rng(5);
  for (int i = 0; i < 2000; ++i) {
    const double difference = 300 + 200 * rng.normal();
    // The judge looks at nothing but the lengths.
    duels.push_back({rng.uniform() < 1 / (1 + std::exp(-difference / 100)) ? 1.0 : 0.0, difference});
  }
  CHECK(win_rate(kSpec, duels).value > 0.85);
  const auto controlled = length_controlled_win_rate(kSpec, duels, 1, 100);
  CHECK(controlled.ci_low < 0.5);
  CHECK(controlled.value == Approx(0.5).margin(0.1));
}

TEST_CASE("one-sided and constant comparisons stay finite") {
  const std::vector<Duel> won(20, {1.0, 5.0});
  const auto value = length_controlled_win_rate(kSpec, won, 1, 50);
  CHECK(value.value > 0.99);
  CHECK(std::isfinite(value.ci_low));
  CHECK(std::isnan(length_controlled_win_rate(kSpec, {{1.0, 3.0}}, 1).ci_low));
  CHECK_THROWS_AS(length_controlled_win_rate(kSpec, {}, 1), DataError);
}

TEST_CASE("win rates and standard errors of AlpacaEval 2 are those of its leaderboard") {
  const std::string verdict_file = shared_data("eval/alpaca_eval2_preferences.jsonl");
  const std::string board_file = shared_data("eval/alpaca_eval2_leaderboard.csv");
  if (verdict_file.empty() || board_file.empty()) return;
  std::ifstream verdicts(verdict_file), board(board_file);
  std::map<std::string, std::vector<Duel>> by_model;
  for (std::string line; std::getline(verdicts, line);) {
    const json row = json::parse(line);
    by_model[row["model"]].push_back(
        {row["preference"].get<double>() - 1, row["length_2"].get<double>() - row["length_1"].get<double>()});
  }
  std::string line;
  std::getline(board, line);
  int found = 0;
  while (std::getline(board, line)) {
    std::vector<std::string> fields;
    std::istringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    const auto duels = by_model.find(fields.at(0));
    if (duels == by_model.end()) continue;
    ++found;
    const auto value = win_rate(kSpec, duels->second);
    CHECK(100 * value.value == Approx(std::stod(fields.at(1))).margin(1e-6));
    CHECK(100 * value.std_error == Approx(std::stod(fields.at(2))).margin(1e-6));
  }
  CHECK(found == 8);
}

TEST_CASE("P-SAFE-05 a win rate on a broken join is refused with what is missing and repeated") {
  test::ScriptedContext context;
  for (const char* id : {"1", "2", "3"}) context.ask(id, "open");
  const auto questions = evaluators::collect_questions(context, {}, 0, [](const auto&, const auto&) { return true; });
  const std::string path = "/tmp/temper_test_win_rate.jsonl";
  std::ofstream(path) << R"({"item_id": "1", "response": "a"})"
                      << "\n"
                      << R"({"item_id": "2", "response": "b"})"
                      << "\n"
                      << R"({"item_id": "2", "response": "c"})"
                      << "\n";
  CHECK_THROWS_WITH(
      opponent_answers(context, path, "", questions, {}),
      ContainsSubstring("1 items have no answer (3)") && ContainsSubstring("1 items have several answers (2)"));
  std::ofstream(path) << R"({"item_id": "3", "response": "c"})"
                      << "\n"
                      << R"({"item_id": 2, "response": "b"})"
                      << "\n"
                      << R"({"prompt": "<1>", "response": "a"})"
                      << "\n";
  CHECK(opponent_answers(context, path, "", questions, {}) == std::vector<std::string>{"a", "b", "c"});
  CHECK_THROWS_WITH(opponent_answers(context, "reference", "", questions, {}),
                    ContainsSubstring("reference answer for each"));
  CHECK_THROWS_AS(opponent_answers(context, "/tmp/absent.jsonl", "", questions, {}), DataError);
}

TEST_CASE("rewards compare to won, lost and tied") {
  const auto preferences = compare_by_reward({1, 0, 2}, {0, 1, 2});
  CHECK(preferences[0].ours == 1);
  CHECK(preferences[1].ours == 0);
  CHECK(preferences[2].ours == 0.5);
}
