// Parameter specs and values: checking, printing, suggestions. The host's config reader and plugins' tests call it.
#include "temper/params.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace temper {
namespace {

bool type_matches(ParamType type, const ParamValue& value) {
  switch (type) {
    case ParamType::kBool:
      return std::holds_alternative<bool>(value);
    case ParamType::kInt:
      return std::holds_alternative<std::int64_t>(value);
    case ParamType::kFloat:
      return std::holds_alternative<double>(value);
    case ParamType::kText:
    case ParamType::kPlugin:
    case ParamType::kStage:
      return std::holds_alternative<std::string>(value);
    case ParamType::kTextList:
    case ParamType::kStages:
    case ParamType::kDatasets:
      return std::holds_alternative<std::vector<std::string>>(value);
  }
  return false;
}

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text;
}

std::string range_text(const ParamSpec& spec) {
  const auto bound = [&](double value) {
    return spec.type == ParamType::kInt ? to_text(static_cast<std::int64_t>(value)) : to_text(value);
  };
  if (spec.min && spec.max) return "between " + bound(*spec.min) + " and " + bound(*spec.max);
  if (spec.min) return "at least " + bound(*spec.min);
  return "at most " + bound(*spec.max);
}

bool valid_name(std::string_view name) {
  if (name.empty() || name[0] < 'a' || name[0] > 'z') return false;
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_'; });
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t substitute = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({substitute, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

}  // namespace

std::string_view to_string(ParamType type) {
  switch (type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      return "whole number";
    case ParamType::kFloat:
      return "number";
    case ParamType::kText:
      return "text";
    case ParamType::kTextList:
      return "list of texts";
    case ParamType::kPlugin:
      return "plugin";
    case ParamType::kStage:
      return "stage";
    case ParamType::kStages:
      return "stages";
    case ParamType::kDatasets:
      return "datasets";
  }
  return "unknown";
}

std::string_view to_string(ValueSource source) {
  switch (source) {
    case ValueSource::kDefault:
      return "default";
    case ValueSource::kFile:
      return "file";
    case ValueSource::kCommandLine:
      return "command line";
  }
  return "unknown";
}

void ParamValues::set(const std::string& name, ResolvedValue value) { values_[name] = std::move(value); }
bool ParamValues::has(const std::string& name) const { return values_.count(name) > 0; }

const ResolvedValue& ParamValues::get(const std::string& name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) throw PluginError("parameter '" + name + "' was asked for but never declared");
  return found->second;
}

ParamValues ParamValues::sub(const std::string& slot) const {
  ParamValues part;
  const std::string prefix = slot + ".";
  for (const auto& [name, value] : values_) {
    if (name.rfind(prefix, 0) == 0) part.set(name.substr(prefix.size()), value);
  }
  return part;
}

std::string to_text(const ParamValue& value) {
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  if (const auto* number = std::get_if<double>(&value)) {
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, *number).ptr;
    return {buffer, end};
  }
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  std::string list = "[";
  list += join(std::get<std::vector<std::string>>(value));
  return list += "]";
}

void check_value(const ParamSpec& spec, const ParamValue& value) {
  const auto fail = [&](const std::string& allowed) {
    throw ConfigError(spec.name + " = " + to_text(value) + ": must be " + allowed + " (" + spec.doc + ")");
  };
  if (!type_matches(spec.type, value)) fail("a " + std::string(to_string(spec.type)));
  double number = 0;
  if (const auto* whole = std::get_if<std::int64_t>(&value)) number = static_cast<double>(*whole);
  if (const auto* real = std::get_if<double>(&value)) {
    number = *real;
    if (!std::isfinite(number)) fail("a finite number");
  }
  if ((spec.min && number < *spec.min) || (spec.max && number > *spec.max)) fail(range_text(spec));
  if (spec.choices.empty()) return;
  const auto allowed = [&](const std::string& word) {
    if (std::find(spec.choices.begin(), spec.choices.end(), word) != spec.choices.end()) return;
    const auto suggestion = nearest_name(word, spec.choices);
    fail("one of " + join(spec.choices) + (suggestion ? "; did you mean '" + *suggestion + "'?" : ""));
  };
  if (const auto* text = std::get_if<std::string>(&value)) allowed(*text);
  if (const auto* list = std::get_if<std::vector<std::string>>(&value)) {
    for (const auto& word : *list) allowed(word);
  }
}

void check_spec(const ParamSpec& spec) {
  if (!valid_name(spec.name)) {
    throw PluginError("parameter name '" + spec.name + "' is not allowed: use [a-z][a-z0-9_]*");
  }
  if (spec.doc.empty()) throw PluginError("parameter '" + spec.name + "' has no doc; write one sentence");
  if (spec.type == ParamType::kPlugin && spec.refers_to.empty()) {
    throw PluginError("parameter '" + spec.name + "' is a plugin slot without a kind");
  }
  if (spec.required) return;
  try {
    check_value(spec, spec.default_value);
  } catch (const ConfigError& error) {
    throw PluginError("the default of a parameter breaks its own rule: " + std::string(error.what()));
  }
}

std::optional<std::string> nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  if (best || word.size() < 3) return best;
  // A cut-off or extended word ("learning" for "learning_rate") is far by edits and still what was meant.
  for (const auto& candidate : candidates) {
    if (candidate.rfind(word, 0) == 0 || (candidate.size() >= 3 && word.rfind(candidate, 0) == 0)) return candidate;
  }
  return best;
}

ParamValues default_values(const std::vector<ParamSpec>& specs) {
  ParamValues values;
  for (const auto& spec : specs) values.set(spec.name, {spec.default_value, ValueSource::kDefault, ""});
  return values;
}

}  // namespace temper
