// Parameters: declared once by a plugin, bound to the members of a plain struct, and from that one table come --help,
// validation of the experiment file, the README table, the resolved values with their sources, and the record.
// The host sees only ParamSpec and ParamValues; the plugin sees only its own struct.
//
//   struct GptParams { std::int64_t d_model = 256; double dropout = 0.0; };
//   ParamTable<GptParams> gpt_params() {
//     ParamTable<GptParams> table;
//     table.add("d_model", &GptParams::d_model, "Width of the residual stream.", {.min = 8, .max = 16384, .unit =
//     "channels"}); table.add("dropout", &GptParams::dropout, "Probability of dropping an activation.", {.min = 0, .max =
//     1}); table.require([](const GptParams& p) { return p.d_model % 8 == 0; }, "d_model must be a multiple of 8"); return
//     table;
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "temper/error.h"

namespace temper {

using ParamValue = std::variant<bool, std::int64_t, double, std::string, std::vector<std::string>>;

/// What a parameter means to the host. The last four are texts with a meaning of their own:
/// kPlugin names a plugin of kind `refers_to`, whose own parameters sit beside it (`objective: {plugin: x, ...}`);
/// kStage names an earlier stage, kStages lists some; kDatasets lists datasets of the experiment.
enum class ParamType { kBool, kInt, kFloat, kText, kTextList, kPlugin, kStage, kStages, kDatasets };
TEMPER_API std::string_view to_string(ParamType type);

struct ParamSpec {
  std::string name;  ///< [a-z][a-z0-9_]*; never changes its meaning
  ParamType type = ParamType::kText;
  ParamValue default_value;
  std::string doc;  ///< one sentence, never empty
  std::string unit;
  std::optional<double> min, max;    ///< both inclusive
  std::vector<std::string> choices;  ///< empty: any
  std::string refers_to;             ///< kPlugin: the kind
  bool required = false;             ///< the user has to give it; default_value is then only a placeholder
};

/// Where a resolved value came from, for people and for the record.
enum class ValueSource { kDefault, kFile, kCommandLine };
TEMPER_API std::string_view to_string(ValueSource source);

struct ResolvedValue {
  ParamValue value;
  ValueSource source = ValueSource::kDefault;
  std::string where;  ///< "experiment.yaml:12" or "--set"; empty for a default
};

/// Values of one plugin, complete (defaults filled in) and checked. Parameters of a nested plugin slot `objective` are
/// found under "objective.NAME"; `sub("objective")` gives them as a set of their own.
class TEMPER_API ParamValues {
 public:
  void set(const std::string& name, ResolvedValue value);
  bool has(const std::string& name) const;
  const ResolvedValue& get(const std::string& name) const;  ///< throws PluginError if absent
  template <class T>
  const T& as(const std::string& name) const {
    if (const T* value = std::get_if<T>(&get(name).value)) return *value;
    throw PluginError("parameter '" + name + "' was asked for with a type it does not have");
  }
  ParamValues sub(const std::string& slot) const;
  const std::map<std::string, ResolvedValue>& all() const { return values_; }

 private:
  std::map<std::string, ResolvedValue> values_;
};

/// `3`, `0.1` (shortest text that reads back as the same double), `true`, `text`, `[a, b]`.
TEMPER_API std::string to_text(const ParamValue& value);
/// Throws ConfigError with name, value, what is allowed, and the doc.
TEMPER_API void check_value(const ParamSpec& spec, const ParamValue& value);
/// Throws PluginError if the spec itself is bad: name pattern, empty doc, default outside its range or choices.
TEMPER_API void check_spec(const ParamSpec& spec);
/// The candidate nearest to `word` if it is near enough to suggest, else nothing.
TEMPER_API std::optional<std::string> nearest_name(std::string_view word, const std::vector<std::string>& candidates);
/// `specs` as defaults, for tests and for tools that build a plugin without an experiment.
TEMPER_API ParamValues default_values(const std::vector<ParamSpec>& specs);

/// Optional facts of one parameter.
struct ParamOptions {
  std::optional<double> min = std::nullopt, max = std::nullopt;
  std::string unit = {};
  std::vector<std::string> choices = {};
  bool required = false;
};

/// Binds names to the members of `Params`.
template <class Params>
class ParamTable {
 public:
  ParamTable& add(std::string name, bool Params::*member, std::string doc) {
    return bind(std::move(name), ParamType::kBool, member, std::move(doc), {}, {});
  }
  ParamTable& add(std::string name, std::int64_t Params::*member, std::string doc, ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kInt, member, std::move(doc), std::move(options), {});
  }
  ParamTable& add(std::string name, double Params::*member, std::string doc, ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kFloat, member, std::move(doc), std::move(options), {});
  }
  ParamTable& add(std::string name, std::string Params::*member, std::string doc, ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kText, member, std::move(doc), std::move(options), {});
  }
  ParamTable& add(std::string name, std::vector<std::string> Params::*member, std::string doc, ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kTextList, member, std::move(doc), std::move(options), {});
  }
  /// A nested plugin of `kind`; the member holds its id.
  ParamTable& plugin(std::string name, std::string Params::*member, std::string kind, std::string doc) {
    return bind(std::move(name), ParamType::kPlugin, member, std::move(doc), {}, std::move(kind));
  }
  /// The stage this one starts from; "" as default means "none".
  ParamTable& stage(std::string name, std::string Params::*member, std::string doc, ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kStage, member, std::move(doc), std::move(options), {});
  }
  /// Several earlier stages, an ensemble of reward models for instance.
  ParamTable& stages(std::string name, std::vector<std::string> Params::*member, std::string doc,
                     ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kStages, member, std::move(doc), std::move(options), {});
  }
  ParamTable& datasets(std::string name, std::vector<std::string> Params::*member, std::string doc,
                       ParamOptions options = {}) {
    return bind(std::move(name), ParamType::kDatasets, member, std::move(doc), std::move(options), {});
  }
  /// Takes over all parameters of a struct that is a member of this one (flat, no prefix).
  template <class Part>
  ParamTable& include(Part Params::*member, const ParamTable<Part>& part) {
    const Part defaults = Params{}.*member;
    for (const auto& spec : part.specs_of(defaults)) specs_.push_back(spec);
    setters_.push_back([member, part](Params& params, const ParamValues& values) { params.*member = part.parse(values); });
    return *this;
  }
  /// A rule over several parameters; `message` completes the sentence "cannot use these values: ...".
  ParamTable& require(std::function<bool(const Params&)> rule, std::string message) {
    rules_.emplace_back(std::move(rule), std::move(message));
    return *this;
  }

  const std::vector<ParamSpec>& specs() const { return specs_; }
  /// The specs with the defaults taken from `defaults` (an including struct may set its own).
  std::vector<ParamSpec> specs_of(const Params& defaults) const {
    std::vector<ParamSpec> specs = specs_;
    for (std::size_t i = 0; i < getters_.size(); ++i) specs[getters_[i].first].default_value = getters_[i].second(defaults);
    return specs;
  }
  /// Throws ConfigError where a rule is broken.
  Params parse(const ParamValues& values) const {
    Params params{};
    for (const auto& setter : setters_) setter(params, values);
    for (const auto& [rule, message] : rules_) {
      if (!rule(params)) throw ConfigError("cannot use these values: " + message);
    }
    return params;
  }

 private:
  template <class T>
  ParamTable& bind(std::string name, ParamType type, T Params::*member, std::string doc, ParamOptions options,
                   std::string refers_to) {
    ParamSpec spec;
    spec.name = name;
    spec.type = type;
    spec.default_value = Params{}.*member;
    spec.doc = std::move(doc);
    spec.unit = std::move(options.unit);
    spec.min = options.min;
    spec.max = options.max;
    spec.choices = std::move(options.choices);
    spec.refers_to = std::move(refers_to);
    spec.required = options.required;
    getters_.emplace_back(specs_.size(), [member](const Params& params) { return ParamValue(params.*member); });
    specs_.push_back(std::move(spec));
    setters_.push_back([member, name = std::move(name)](Params& params, const ParamValues& values) {
      params.*member = values.as<T>(name);
    });
    return *this;
  }

  std::vector<ParamSpec> specs_;
  std::vector<std::pair<std::size_t, std::function<ParamValue(const Params&)>>> getters_;
  std::vector<std::function<void(Params&, const ParamValues&)>> setters_;
  std::vector<std::pair<std::function<bool(const Params&)>, std::string>> rules_;
};

}  // namespace temper
