// Checks of an evaluator: sound numbers, rows that can be compared, the same result twice, a model left as it was.
// Evaluators that need items of a special form refuse the made-up ones with a DataError; then there is nothing to see and it
// is skipped. So it is where an evaluator needs what an earlier stage keeps (a reward model's head): nothing made up has it.
#include "temper/evaluator.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "eval_fakes.h"

namespace temper::conformance {
namespace {

bool same_number(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

bool good_name(const std::string& name) {
  return !name.empty() && name[0] >= 'a' && name[0] <= 'z' && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

/// Whether it has to be given an earlier stage.
bool needs_stage(const Subject& subject) {
  return std::any_of(subject.registration.specs.begin(), subject.registration.specs.end(), [](const ParamSpec& spec) {
    return spec.required && (spec.type == ParamType::kStage || spec.type == ParamType::kStages);
  });
}

/// Runs `body` with one result and the context that gave it.
template <class Body>
Outcome with_result(const Subject& subject, Body body) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  FakeEvalContext context(subject.seed);
  const auto evaluator = subject.plugin.make<Evaluator>(subject.registration.id, subject.values, {});
  if (!evaluator) return Outcome::fail("the factory gave no evaluator");
  EvalResult result;
  try {
    result = evaluator->evaluate(context);
  } catch (const DataError& error) {
    return Outcome::skip(std::string("it does not take the made-up documents and items: ") + error.what());
  } catch (const ConfigError& error) {
    if (!needs_stage(subject)) throw;
    return Outcome::skip(std::string("it needs what an earlier stage keeps: ") + error.what());
  }
  return body(result, context);
}

Outcome metrics_sound(const Subject& subject) {
  return with_result(subject, [](const EvalResult& result, FakeEvalContext&) {
    if (result.metrics.empty()) return Outcome::fail("it gives no metric");
    std::set<std::string> names;
    for (const auto& metric : result.metrics) {
      const auto& name = metric.spec.name;
      if (!good_name(name)) return Outcome::fail("the metric name '" + name + "' is not allowed; use [a-z][a-z0-9_]*");
      if (!names.insert(name).second) return Outcome::fail("the metric '" + name + "' is given twice");
      if (metric.spec.doc.empty()) return Outcome::fail("the metric '" + name + "' has no doc");
      if (!std::isfinite(metric.value)) return Outcome::fail("the metric '" + name + "' is not finite");
      if (metric.n < 1) return Outcome::fail("the metric '" + name + "' does not say how many items it rests on");
      if (metric.value < metric.ci_low || metric.value > metric.ci_high) {
        return Outcome::fail("the metric '" + name + "' is outside its own interval");
      }
    }
    return Outcome::pass();
  });
}

Outcome rows_sound(const Subject& subject) {
  return with_result(subject, [](const EvalResult& result, FakeEvalContext&) {
    if (result.examples.empty()) return Outcome::fail("it gives no rows; stages cannot be compared item by item");
    std::set<std::string> ids;
    for (const auto& row : result.examples) {
      if (row.item_id.empty() || !ids.insert(row.item_id).second) {
        return Outcome::fail("the item id '" + row.item_id + "' is empty or there twice");
      }
      if (row.prompt_sha.size() != 64) return Outcome::fail("row '" + row.item_id + "' has no prompt_sha");
      if (row.scores.size() != result.score_names.size()) {
        return Outcome::fail("row '" + row.item_id + "' has " + std::to_string(row.scores.size()) + " scores for " +
                             std::to_string(result.score_names.size()) + " score names");
      }
    }
    return Outcome::pass();
  });
}

Outcome same_result_twice(const Subject& subject) {
  return with_result(subject, [&](const EvalResult& first, FakeEvalContext&) {
    FakeEvalContext context(subject.seed);
    const EvalResult second = subject.plugin.make<Evaluator>(subject.registration.id, subject.values, {})->evaluate(context);
    if (first.metrics.size() != second.metrics.size() || first.examples.size() != second.examples.size()) {
      return Outcome::fail("a second run gives another number of metrics or rows");
    }
    for (std::size_t i = 0; i < first.metrics.size(); ++i) {
      const auto &a = first.metrics[i], &b = second.metrics[i];
      if (!same_number(a.value, b.value) || !same_number(a.ci_low, b.ci_low) || !same_number(a.ci_high, b.ci_high)) {
        return Outcome::fail("a second run gives another value of '" + a.spec.name + "': " + std::to_string(a.value) +
                             " and " + std::to_string(b.value));
      }
    }
    for (std::size_t i = 0; i < first.examples.size(); ++i) {
      const auto &a = first.examples[i], &b = second.examples[i];
      const bool same_scores = std::equal(a.scores.begin(), a.scores.end(), b.scores.begin(), b.scores.end(), same_number);
      if (a.item_id != b.item_id || a.response != b.response || !same_scores) {
        return Outcome::fail("a second run gives another row for '" + a.item_id + "'");
      }
    }
    return Outcome::pass();
  });
}

Outcome model_unchanged(const Subject& subject) {
  return with_result(subject, [](const EvalResult&, FakeEvalContext& context) {
    const LookupModel untouched(false, 5);
    if (!context.lookup.embedding_VD.equal(untouched.embedding_VD) || !context.lookup.head_VD.equal(untouched.head_VD)) {
      return Outcome::fail("evaluating changed the model's weights");
    }
    if (context.lookup.is_training()) return Outcome::fail("evaluating left the model in training mode");
    return Outcome::pass();
  });
}

Outcome empty_refused(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  FakeEvalContext context(subject.seed, true);
  try {
    subject.plugin.make<Evaluator>(subject.registration.id, subject.values, {})->evaluate(context);
  } catch (const DataError&) {
    return Outcome::pass();
  }
  return Outcome::fail("an empty set of documents and items gave a result; it has to be a DataError");
}

}  // namespace

void add_evaluator_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("evaluator.") + id, "evaluator", 1, sentence, run});
  };
  add("metrics", "Metrics have a name and a doc, are finite and within their interval.", metrics_sound);
  add("rows", "Rows have unique ids, a prompt hash and one score a name.", rows_sound);
  add("deterministic", "The same seed gives the same result.", same_result_twice);
  add("model", "Evaluating leaves the model's weights and mode as they were.", model_unchanged);
  add("empty", "An empty set is a DataError.", empty_refused);
}

}  // namespace temper::conformance
