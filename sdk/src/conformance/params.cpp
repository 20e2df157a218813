// Checks of a plugin's parameters, for every kind: the table is sound, and every allowed value builds or is refused
// politely.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "checks.h"
#include "fakes.h"
#include "temper/architecture.h"
#include "temper/dataset.h"
#include "temper/evaluator.h"
#include "temper/filter.h"
#include "temper/objective.h"
#include "temper/random.h"
#include "temper/stage.h"
#include "temper/tokenizer.h"

namespace temper {
namespace {

std::int64_t read_int(const ParamSpec& spec, const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(spec.name + " = " + text + ": must be a whole number (" + spec.doc + ")");
  }
  return value;
}

double read_float(const ParamSpec& spec, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw ConfigError(spec.name + " = " + text + ": must be a number (" + spec.doc + ")");
  }
  return value;
}

/// "[a, b]" or "a,b".
std::vector<std::string> read_list(std::string text) {
  if (text.size() >= 2 && text.front() == '[' && text.back() == ']') text = text.substr(1, text.size() - 2);
  std::vector<std::string> items;
  for (std::size_t start = 0; start < text.size();) {
    std::size_t end = std::min(text.find(',', start), text.size());
    std::size_t first = start;
    while (first < end && text[first] == ' ') ++first;
    std::size_t last = end;
    while (last > first && text[last - 1] == ' ') --last;
    items.push_back(text.substr(first, last - first));
    start = end + 1;
  }
  return items;
}

ParamValue read_value(const ParamSpec& spec, const std::string& text) {
  switch (spec.type) {
    case ParamType::kBool:
      if (text != "true" && text != "false") throw ConfigError(spec.name + " = " + text + ": must be true or false");
      return text == "true";
    case ParamType::kInt:
      return read_int(spec, text);
    case ParamType::kFloat:
      return read_float(spec, text);
    case ParamType::kTextList:
    case ParamType::kStages:
    case ParamType::kDatasets:
      return read_list(text);
    default:
      return text;
  }
}

}  // namespace

ParamValues values_from_text(const std::vector<ParamSpec>& specs, const std::map<std::string, std::string>& given) {
  ParamValues values = default_values(specs);
  std::vector<std::string> names;
  for (const auto& spec : specs) names.push_back(spec.name);
  for (const auto& [name, text] : given) {
    const auto spec = std::find_if(specs.begin(), specs.end(), [&](const ParamSpec& one) { return one.name == name; });
    if (spec == specs.end()) {
      const auto suggestion = nearest_name(name, names);
      throw ConfigError("there is no parameter '" + name + "'" +
                        (suggestion ? "; did you mean '" + *suggestion + "'?" : ""));
    }
    const ParamValue value = read_value(*spec, text);
    check_value(*spec, value);
    values.set(name, {value, ValueSource::kCommandLine, "conformance"});
  }
  return values;
}

namespace conformance {

void build_once(const Subject& subject, const ParamValues& values) {
  const auto& plugin = subject.plugin;
  const auto& id = subject.registration.id;
  const auto& kind = subject.registration.kind;
  const auto made = [&](const auto& instance) {
    if (!instance) throw PluginError("the factory of " + kind + " '" + id + "' gave nothing");
  };
  if (kind == Architecture::kKind) return made(plugin.make<Architecture>(id, values, {kVocabulary, subject.seed}));
  if (kind == Tokenizer::kKind) return made(plugin.make<Tokenizer>(id, values, {"."}));
  if (kind == Dataset::kKind) return made(plugin.make<Dataset>(id, values, {".", subject.seed}));
  if (kind == Filter::kKind) return made(plugin.make<Filter>(id, values, {"."}));
  if (kind == Stage::kKind) return made(plugin.make<Stage>(id, values, {}));
  if (kind == Evaluator::kKind) return made(plugin.make<Evaluator>(id, values, {}));
  if (kind == Objective::kKind) {
    const ByteTokenizer tokenizer;
    try {
      return made(plugin.make<Objective>(id, values, {&tokenizer, false}));
    } catch (const ConfigError&) {
      return made(plugin.make<Objective>(id, values, {&tokenizer, true}));
    }
  }
  throw PluginError("registers the unknown kind '" + kind + "'");
}

std::string missing_text(const Subject& subject) {
  std::string text;
  for (const auto& name : subject.missing) text += (text.empty() ? "" : ", ") + name;
  return text.empty() ? "" : "needs a value for the required parameter(s) " + text + "; give one with --set NAME=VALUE";
}

namespace {

Outcome specs_sound(const Subject& subject) {
  std::set<std::string> names;
  for (const auto& spec : subject.registration.specs) {
    check_spec(spec);
    if (!names.insert(spec.name).second) return Outcome::fail("parameter '" + spec.name + "' is declared twice");
  }
  return Outcome::pass();
}

Outcome defaults_survive(const Subject& subject) {
  for (const auto& spec : subject.registration.specs) {
    const std::string text = to_text(spec.default_value);
    if (!(read_value(spec, text) == spec.default_value)) {
      return Outcome::fail("the default of '" + spec.name + "' is written " + text + ", which reads back as another value");
    }
  }
  return Outcome::pass();
}

Outcome defaults_build(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  build_once(subject, subject.values);
  return Outcome::pass();
}

/// "" if the values build, or are refused by an error that the user can act on.
std::string refused_badly(const Subject& subject, const ParamValues& values) {
  try {
    build_once(subject, values);
  } catch (const ConfigError&) {
  } catch (const DataError&) {
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

ParamValues with(const ParamValues& values, const std::string& name, ParamValue value) {
  ParamValues changed = values;
  changed.set(name, {std::move(value), ValueSource::kCommandLine, "conformance"});
  return changed;
}

/// Numbers the size of which costs memory are tried up to 16 times the small preset only.
double sane_max(const ParamSpec& spec, const ParamValues& values) {
  double max = spec.max.value_or(1e6);
  if (spec.type != ParamType::kInt) return max;
  const auto now = static_cast<double>(values.as<std::int64_t>(spec.name));
  return std::min(max, std::max({16 * std::abs(now), spec.min.value_or(0), 16.0}));
}

ParamValue number(const ParamSpec& spec, double value) {
  if (spec.type == ParamType::kInt) return static_cast<std::int64_t>(value);
  return value;
}

Outcome bounds(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  for (const auto& spec : subject.registration.specs) {
    std::vector<ParamValue> tried;
    if (spec.type == ParamType::kInt || spec.type == ParamType::kFloat) {
      if (spec.min) tried.push_back(number(spec, *spec.min));
      if (spec.max && sane_max(spec, subject.values) >= *spec.max) tried.push_back(number(spec, *spec.max));
    }
    if (spec.type == ParamType::kText) {
      for (const auto& choice : spec.choices) tried.emplace_back(choice);
    }
    if (spec.type == ParamType::kBool) tried = {true, false};
    for (const auto& value : tried) {
      const std::string why = refused_badly(subject, with(subject.values, spec.name, value));
      if (!why.empty()) {
        return Outcome::fail("the allowed value " + spec.name + " = " + to_text(value) +
                             " neither builds nor is refused with a ConfigError: " + why);
      }
    }
  }
  return Outcome::pass();
}

Outcome random_sets(const Subject& subject) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  Rng rng(derive_seed(subject.seed, {"conformance", "params"}));
  for (int round = 0; round < 12; ++round) {
    ParamValues values = subject.values;
    std::string shown;
    for (const auto& spec : subject.registration.specs) {
      ParamValue value = subject.values.get(spec.name).value;
      const double low = spec.min.value_or(0);
      if (spec.type == ParamType::kInt || spec.type == ParamType::kFloat) {
        value =
            number(spec, low + rng.uniform() * (std::max(low, std::min(sane_max(spec, subject.values), low + 64)) - low));
      } else if (spec.type == ParamType::kText && !spec.choices.empty()) {
        value = spec.choices[rng.below(spec.choices.size())];
      } else if (spec.type == ParamType::kBool) {
        value = rng.below(2) == 1;
      } else {
        continue;
      }
      values = with(values, spec.name, value);
      shown += " " + spec.name + "=" + to_text(value);
    }
    const std::string why = refused_badly(subject, values);
    if (!why.empty()) return Outcome::fail("seed " + std::to_string(subject.seed) + ", values" + shown + ": " + why);
  }
  return Outcome::pass();
}

}  // namespace

void add_params_checks(std::vector<Check>& checks) {
  checks.push_back({"params.sound", "", 1, "Names, docs, ranges and defaults of the parameters are sound.", specs_sound});
  checks.push_back(
      {"params.round_trip", "", 1, "Every default survives being written as text and read again.", defaults_survive});
  checks.push_back({"params.defaults", "", 1, "The defaults build an instance.", defaults_build});
  checks.push_back({"params.bounds", "", 2, "Each bound and choice builds, or is refused with a ConfigError.", bounds});
  checks.push_back({"params.random", "", 2, "Random allowed values build, or are refused with a ConfigError.", random_sets});
}

}  // namespace conformance
}  // namespace temper
