// Effects of axes as text: for the terminal, Markdown, CSV, LaTeX and JSON.
#include <nlohmann/json.hpp>

#include "host/compare/effects.h"
#include "host/compare/json_number.h"
#include "host/compare/text_table.h"
#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::ordered_json;

std::string shown_level(const std::string& level) { return level.empty() ? "(not set)" : level; }

const char* better_word(Better better) {
  return better == Better::kHigher ? "higher" : better == Better::kLower ? "lower" : "neither";
}

std::string effect_line(const Contrast& effect, double p_holm) {
  std::string line = number_text(effect.value, "%+.4g") + " [" + number_text(effect.ci_low, "%+.3g") + ", " +
                     number_text(effect.ci_high, "%+.3g") + "] p " + p_value_text(p_holm) + (p_holm < 0.05 ? " *" : "");
  return line + "  over " + std::to_string(effect.terms) + (effect.terms == 1 ? " comparison of " : " comparisons of ") +
         std::to_string(effect.seeds) + (effect.seeds == 1 ? " seed" : " seeds");
}

std::string effects_table(const AxisEffects& effects) {
  std::size_t width = 8;
  for (const auto& metric : effects.metrics) {
    for (const auto& level : metric.levels) width = std::max(width, shown_level(level.level).size());
  }
  std::string text;
  for (const auto& metric : effects.metrics) {
    text += (text.empty() ? "" : "\n") + metric.evaluator + "." + metric.spec.name + " (" +
            (metric.spec.better == Better::kNeither ? "neither is better"
                                                    : std::string(better_word(metric.spec.better)) + " is better") +
            ")\n";
    std::string axis;
    for (const auto& level : metric.levels) {
      if (level.axis != axis) text += "  " + level.axis + "\n";
      const bool is_first = level.axis != axis;
      axis = level.axis;
      std::string runs = std::to_string(level.runs) + (level.runs == 1 ? " run" : " runs");
      if (level.missing > 0) runs += ", " + std::to_string(level.missing) + " missing";
      text += "    " + padded(shown_level(level.level), width) + "  mean " + padded(number_text(level.mean), 9) +
              padded(runs, 20) +
              (level.effect ? effect_line(*level.effect, level.p_holm)
               : is_first   ? "the others' effects are differences to this one"
                            : "no two runs make a pair") +
              "\n";
    }
    for (const auto& one : metric.interactions) {
      text += "  interaction " + one.axis + "=" + shown_level(one.level) + " with " + one.other_axis + "=" +
              shown_level(one.other_level) + "  " + effect_line(one.effect, one.p_holm) + "\n";
    }
  }
  text +=
      "\neffect: the mean difference between runs that are alike in all other axes and the seed [95% interval over items "
      "and seeds],\np after Holm's correction; interaction: how much an effect differs between the other axis's value and "
      "its first\n* p < 0.05\n";
  for (const auto& note : effects.notes) text += "note: " + note + "\n";
  return text;
}

TextTable flat_effects(const AxisEffects& effects, const char* format) {
  TextTable table;
  table.header = {"evaluator",   "metric", "better", "kind",        "axis",   "level",  "other_axis",
                  "other_level", "mean",   "runs",   "missing",     "effect", "ci_low", "ci_high",
                  "stderr",      "p",      "p_holm", "comparisons", "seeds",  "items"};
  table.is_text.assign(table.header.size(), false);
  std::fill_n(table.is_text.begin(), 8, true);
  const auto add = [&](const MetricEffects& metric, std::vector<std::string> row, const Contrast* effect, double p_holm) {
    row.insert(row.begin(), {metric.evaluator, metric.spec.name, better_word(metric.spec.better)});
    if (effect == nullptr) {
      row.resize(table.header.size());
    } else {
      for (const double value :
           {effect->value, effect->ci_low, effect->ci_high, effect->std_error, effect->p_value, p_holm}) {
        row.push_back(number_text(value, format));
      }
      row.push_back(std::to_string(effect->terms));
      row.push_back(std::to_string(effect->seeds));
      row.push_back(metric.has_items ? std::to_string(effect->items) : "0");
    }
    table.rows.push_back(std::move(row));
  };
  for (const auto& metric : effects.metrics) {
    for (const auto& level : metric.levels) {
      add(metric,
          {"level", level.axis, level.level, "", "", number_text(level.mean, format), std::to_string(level.runs),
           std::to_string(level.missing)},
          level.effect ? &*level.effect : nullptr, level.p_holm);
    }
    for (const auto& one : metric.interactions) {
      add(metric, {"interaction", one.axis, one.level, one.other_axis, one.other_level, "", "", ""}, &one.effect,
          one.p_holm);
    }
  }
  return table;
}

Json contrast_json(const Contrast& effect, double p_holm, bool has_items) {
  return {{"value", json_number(effect.value)},
          {"ci_low", json_number(effect.ci_low)},
          {"ci_high", json_number(effect.ci_high)},
          {"stderr", json_number(effect.std_error)},
          {"p", json_number(effect.p_value)},
          {"p_holm", json_number(p_holm)},
          {"comparisons", effect.terms},
          {"seeds", effect.seeds},
          {"items", has_items ? effect.items : 0}};
}

std::string effects_json(const AxisEffects& effects) {
  Json metrics = Json::array();
  for (const auto& metric : effects.metrics) {
    Json levels = Json::array(), interactions = Json::array();
    for (const auto& level : metric.levels) {
      levels.push_back({{"axis", level.axis},
                        {"level", level.level},
                        {"mean", json_number(level.mean)},
                        {"runs", level.runs},
                        {"missing", level.missing},
                        {"effect", level.effect ? contrast_json(*level.effect, level.p_holm, metric.has_items) : Json()}});
    }
    for (const auto& one : metric.interactions) {
      interactions.push_back({{"axis", one.axis},
                              {"level", one.level},
                              {"other_axis", one.other_axis},
                              {"other_level", one.other_level},
                              {"effect", contrast_json(one.effect, one.p_holm, metric.has_items)}});
    }
    metrics.push_back({{"evaluator", metric.evaluator},
                       {"metric", metric.spec.name},
                       {"better", better_word(metric.spec.better)},
                       {"levels", levels},
                       {"interactions", interactions}});
  }
  return Json{{"axes", effects.axes}, {"first_levels", effects.first_levels}, {"metrics", metrics}, {"notes", effects.notes}}
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

std::string format_effects(const AxisEffects& effects, const std::string& format) {
  if (format == "table") return effects_table(effects);
  if (format == "json") return effects_json(effects);
  if (format == "csv") return as_csv(flat_effects(effects, "%.17g"));
  if (format == "latex") return as_latex(flat_effects(effects, "%.4g"));
  if (format != "md") throw ConfigError("--format " + format + ": must be one of table, md, csv, latex, json");
  std::string text = as_markdown(flat_effects(effects, "%.4g"));
  for (const auto& note : effects.notes) text += "\n" + note + "\n";
  return text;
}

}  // namespace temper
