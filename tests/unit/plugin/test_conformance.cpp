// The conformance checks are checked themselves: each has a broken plugin that fails it and no other.
#include <catch.h>

#include <map>
#include <set>

#include "support.h"
#include "temper/testing.h"

using namespace temper;
using namespace temper::test;

namespace {

using Names = std::set<std::string>;

struct Found {
  Names failed, warned, passed;
  std::string texts;
};

/// By registered id; a library that does not open has its one report under "".
std::map<std::string, Found> check(const std::string& name, double timeout = 60) {
  CheckOptions options;
  options.level = 3;
  options.timeout_seconds = timeout;
  std::map<std::string, Found> found;
  for (const auto& report : check_plugin(fixture(name), options)) {
    Found& one = found[report.id];
    if (report.outcome.kind == Outcome::Kind::kFail) one.failed.insert(report.check);
    if (report.outcome.kind == Outcome::Kind::kWarn) one.warned.insert(report.check);
    if (report.outcome.kind == Outcome::Kind::kPass) one.passed.insert(report.check);
    if (!report.outcome.text.empty()) one.texts += report.check + ": " + report.outcome.text + "\n";
  }
  return found;
}

/// Class <id> of the library has to fail the check <prefix><id> and no other, class `good` none; every check of the prefix
/// needs such a class. Checks in `warnings` warn instead.
void expect_each(const std::string& library, const std::string& prefix, const Names& warnings = {}) {
  auto found = check(library);
  found.erase("");
  for (const auto& [id, one] : found) {
    INFO(library << " " << id << ":\n" << one.texts);
    const std::string want = prefix + id;
    const bool warns = warnings.count(want) != 0;
    CHECK(one.failed == (id == "good" || warns ? Names{} : Names{want}));
    if (warns) CHECK(one.warned == Names{want});
    if (id == "good") CHECK(one.warned == Names{});
    CHECK(one.passed.size() > 5);
  }
  for (const auto& each : conformance_checks()) {
    if (each.id.rfind(prefix, 0) != 0) continue;
    INFO("check " << each.id << " has no broken plugin");
    CHECK(found.count(each.id.substr(prefix.size())) == 1);
  }
}

}  // namespace

TEST_CASE("each architecture check is failed by one broken architecture (P-LOSS-05)") {
  expect_each("broken_architectures", "architecture.", {"architecture.context"});
}

TEST_CASE("each objective check is failed by one broken objective") {
  expect_each("broken_objectives", "objective.", {"objective.uniform"});
}

TEST_CASE("each dataset check is failed by one broken dataset") { expect_each("broken_datasets", "dataset."); }

TEST_CASE("each filter check is failed by one broken filter") { expect_each("broken_filters", "filter."); }

TEST_CASE("each tokenizer check is failed by one broken tokenizer (P-TOK-09)") {
  expect_each("broken_tokenizers", "tokenizer.");
}

TEST_CASE("each evaluator check is failed by one broken evaluator") { expect_each("broken_evaluators", "evaluator."); }

TEST_CASE("each parameter check is failed by one broken table") { expect_each("broken_params", "params."); }

TEST_CASE("each library check is failed by one broken library") {
  const std::map<std::string, std::string> expected = {{"good", ""},
                                                       {"two_tags", "library.tag"},
                                                       {"no_source", "library.descriptor"},
                                                       {"sleeps", "library.quick"},
                                                       {"prints", "library.quiet"},
                                                       {"no_summary", "library.registrations"},
                                                       {"starts_thread", "library.threads"},
                                                       {"changes_seed", "library.globals"}};
  Names proven;
  for (const auto& [name, want] : expected) {
    const auto found = check(name);
    const std::string id = name == "two_tags" ? "hand_written" : name;
    REQUIRE(found.count(id) == 1);
    INFO(name << ":\n" << found.at(id).texts);
    CHECK(found.at(id).failed == (want.empty() ? Names{} : Names{want}));
    CHECK(found.at(id).passed.size() > 5);
    proven.insert(want);
  }
  for (const auto& each : conformance_checks()) {
    if (each.id.rfind("library.", 0) == 0) CHECK(proven.count(each.id) == 1);
  }
}

TEST_CASE("a library that cannot be opened, crashes or hangs is one failed report") {
  const std::pair<const char*, const char*> cases[] = {{"no_symbol", "does not export the symbol"},
                                                       {"throws_in_register", "tables are not ready"},
                                                       {"crashes", "signal 6"},
                                                       {"hangs", "did not end within 1 s"}};
  for (const auto& [name, text] : cases) {
    const auto found = check(name, 1);
    REQUIRE(found.size() == 1);
    CHECK(found.begin()->second.failed == Names{"library.opens"});
    CHECK_THAT(found.begin()->second.texts, ContainsSubstring(text));
  }
}

TEST_CASE("checks have unique ids, a sentence and a known level") {
  Names ids;
  for (const auto& each : conformance_checks()) {
    CHECK(ids.insert(each.id).second);
    CHECK_FALSE(each.sentence.empty());
    CHECK(each.level >= 1);
    CHECK(each.level <= 3);
  }
  CHECK(ids.size() > 40);
}
