// Rungs, contenders and verdicts (see halving.h).
#include "host/sweep/halving.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <tuple>

#include "host/config/experiment.h"
#include "host/sweep/plan.h"
#include "host/util/files.h"
#include "host/util/json_seal.h"
#include "host/util/split.h"
#include "temper/error.h"
#include "temper/params.h"

namespace temper {
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

std::int64_t whole_number(const std::string& text, const std::string& where) {
  if (text.empty() || text.size() > 15 || text.find_first_not_of("0123456789") != std::string::npos) {
    throw ConfigError(where + ": '" + text + "' is not a whole number");
  }
  return std::stoll(text);
}

Rung parse_rung(const std::string& text, const std::string& where) {
  const auto at = text.rfind('@');
  Rung rung{text.substr(0, at), 0};
  if (at != std::string::npos) {
    rung.step = whole_number(text.substr(at + 1), where + ", rung " + text);
    if (rung.step < 1) throw ConfigError(where + ", rung " + text + ": the step must be 1 or more");
  }
  if (rung.stage.empty()) throw ConfigError(where + ": a rung is STAGE@STEP or STAGE, but found '" + text + "'");
  return rung;
}

bool parse_mode(const std::string& mode, const std::string& where) {
  if (mode != "max" && mode != "min") {
    throw ConfigError(where + ": whether more is better must be max or min, but found '" + mode + "'");
  }
  return mode == "max";
}

void check_factor(std::int64_t factor, const std::string& where) {
  if (factor < 2 || factor > 1000) {
    throw ConfigError(where + ": " + std::to_string(factor) + " must be from 2 to 1000 (3 keeps one contender in three)");
  }
}

std::size_t place_of(const Experiment& experiment, const std::string& stage) {
  std::string known;
  for (std::size_t s = 0; s < experiment.stages.size(); ++s) {
    if (experiment.stages[s].name == stage) return s;
    known += (known.empty() ? "" : ", ") + experiment.stages[s].name;
  }
  throw ConfigError("halving: rung " + stage + ": the experiment has no such stage; there are " + known);
}

/// "EVALUATOR.METRIC" names an evaluator of the experiment; other metrics are those of a stage's log.
const EvaluatorConfig* evaluator_of(const std::string& metric, const Experiment& experiment) {
  for (const auto& slot : experiment.evaluators) {
    if (metric.starts_with(slot.name + ".")) return &slot;
  }
  return nullptr;
}

bool is_ancestor(const Experiment& experiment, const std::string& stage, const std::string& of) {
  if (stage == of) return true;
  const auto& parents = experiment.stages[place_of(experiment, of)].parents;
  return std::any_of(parents.begin(), parents.end(),
                     [&](const StageLink& link) { return is_ancestor(experiment, stage, link.stage); });
}

void check_evaluator(const EvaluatorConfig& slot, const Rung& rung, const Experiment& experiment,
                     const std::vector<std::string>& axes) {
  const std::string where = "halving: rung " + rung.text();
  if (rung.step > 0) {
    throw ConfigError(where + ": evaluator " + slot.name + " measures complete stages; use the rung " + rung.stage +
                      ", or a metric of the stage's log such as validation_loss");
  }
  if (!slot.after.empty() && std::find(slot.after.begin(), slot.after.end(), rung.stage) == slot.after.end()) {
    throw ConfigError(where + ": evaluator " + slot.name + " does not measure this stage; add it to evaluators." +
                      slot.name + ".after");
  }
  for (const auto& link : slot.parents) {
    if (is_ancestor(experiment, link.stage, rung.stage)) continue;
    throw ConfigError(where + ": evaluator " + slot.name + " needs stage " + link.stage +
                      ", which this stage does not build on, so it cannot be measured there");
  }
  for (const auto& axis : axes) {
    if (!axis.starts_with("evaluators." + slot.name + ".")) continue;
    throw ConfigError("halving: the sweep varies " + axis + ", so " + slot.name +
                      " measures its cells in different ways and cannot judge them");
  }
}

std::string go_on_text(std::size_t count) { return std::to_string(count) + (count == 1 ? " goes on" : " go on"); }

std::string number_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.5g", value);
  return text;
}

}  // namespace

std::string Rung::text() const { return step > 0 ? stage + "@" + std::to_string(step) : stage; }

std::string Halving::text() const {
  std::string at;
  for (const auto& rung : rungs) at += (at.empty() ? "" : ", ") + rung.text();
  return metric + (higher_is_better ? ":max" : ":min") + ", the best 1 in " + std::to_string(factor) + " at " + at;
}

Halving parse_halving(const std::string& metric, const std::string& rungs, std::int64_t factor) {
  const std::string where = "--halving " + metric;
  const auto colon = metric.rfind(':');
  if (colon == std::string::npos || colon == 0) {
    throw ConfigError(where + ": expected METRIC:max or METRIC:min, e.g. validation_loss:min");
  }
  Halving halving;
  halving.metric = metric.substr(0, colon);
  halving.higher_is_better = parse_mode(metric.substr(colon + 1), where);
  check_factor(factor, "--halving-factor");
  halving.factor = factor;
  if (rungs.empty()) throw ConfigError(where + " needs rungs to judge at: --halving-rungs STAGE@STEP,STAGE");
  for (const auto& text : split(rungs, ',')) halving.rungs.push_back(parse_rung(text, "--halving-rungs " + rungs));
  return halving;
}

Halving read_halving(const config::YamlNode& section) {
  using config::fail;
  using config::YamlKind;
  if (section.kind != YamlKind::kMap) fail(section.place, "sweep.halving must be a map with metric, mode, rungs and factor");
  Halving halving;
  bool has_mode = false;
  for (const auto& entry : section.children) {
    const std::string where = entry.place.text() + ": sweep.halving." + entry.key;
    if (entry.key == "rungs") {
      if (entry.kind != YamlKind::kList) fail(entry.place, "sweep.halving.rungs must be a list of STAGE@STEP or STAGE");
      for (const auto& item : entry.children) halving.rungs.push_back(parse_rung(item.text, where));
    } else if (entry.key == "metric") {
      halving.metric = entry.text;
    } else if (entry.key == "mode") {
      halving.higher_is_better = parse_mode(entry.text, where);
      has_mode = true;
    } else if (entry.key == "factor") {
      halving.factor = whole_number(entry.text, where);
      check_factor(halving.factor, where);
    } else {
      fail(entry.key_place, "unknown key 'sweep.halving." + entry.key + "'. Allowed: metric, mode, rungs, factor");
    }
  }
  if (halving.metric.empty() || halving.rungs.empty() || !has_mode) {
    fail(section.place, "sweep.halving needs metric, mode (max or min) and rungs");
  }
  return halving;
}

void check_halving(const Halving& halving, const Experiment& experiment, const std::vector<std::string>& axes) {
  std::optional<std::pair<std::size_t, std::int64_t>> before;
  for (const auto& rung : halving.rungs) {
    const std::string where = "halving: rung " + rung.text();
    const std::size_t place = place_of(experiment, rung.stage);
    if (!experiment.stages[place].checkpoint.empty()) {
      throw ConfigError(where + ": this stage is a checkpoint that is there already; judge after a stage that is trained");
    }
    if (rung.step == 0 && place + 1 == experiment.stages.size()) {
      throw ConfigError(where + ": nothing comes after the last stage that could be saved; use one of its steps, " +
                        rung.stage + "@STEP, or an earlier stage");
    }
    // A stage's end comes behind all of its steps.
    const std::pair here{place, rung.step == 0 ? INT64_MAX : rung.step};
    if (before && !(*before < here)) {
      throw ConfigError(where + ": rungs must be in the order in which runs come to them, each once");
    }
    before = here;
    if (const auto* slot = evaluator_of(halving.metric, experiment)) check_evaluator(*slot, rung, experiment, axes);
  }
}

std::vector<Contender> contenders_at(const Rung& rung, const SweepPlan& plan, const std::vector<bool>& alive) {
  // Cells first, so that the seeds of one stay together; then cells whose keys are the same.
  std::map<std::vector<Assignment>, std::size_t> cell_of;
  std::vector<std::vector<std::size_t>> cells;
  std::vector<std::vector<std::string>> keys;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    if (!alive[r]) continue;
    const PlannedRun& run = plan.runs[r];
    const auto [found, is_new] = cell_of.emplace(run.values, cells.size());
    if (is_new) {
      cells.emplace_back();
      keys.emplace_back();
    }
    const auto stage = std::find(run.stages.begin(), run.stages.end(), rung.stage);
    if (stage == run.stages.end()) throw DataError("run " + run.run_id + " of the sweep has no stage " + rung.stage);
    cells[found->second].push_back(r);
    keys[found->second].push_back(std::to_string(run.seed) + ":" +
                                  run.keys[static_cast<std::size_t>(stage - run.stages.begin())]);
  }
  std::map<std::vector<std::string>, std::size_t> same;
  std::vector<Contender> contenders;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    const auto [found, is_new] = same.emplace(keys[c], contenders.size());
    if (is_new) contenders.emplace_back();
    auto& runs = contenders[found->second].runs;
    runs.insert(runs.end(), cells[c].begin(), cells[c].end());
  }
  return contenders;
}

std::vector<Contender> rank_contenders(std::vector<Contender> contenders, const Halving& halving, const SweepPlan& plan) {
  std::vector<std::tuple<std::size_t, double, std::string, std::size_t>> order;
  for (std::size_t c = 0; c < contenders.size(); ++c) {
    Contender& one = contenders[c];
    double sum = 0;
    std::size_t known = 0;
    for (const auto& value : one.values) {
      if (!value) continue;
      sum += *value;
      ++known;
    }
    const std::size_t missing = one.values.size() - known;
    one.mean = known == 0 ? std::nullopt : std::optional<double>(sum / static_cast<double>(known));
    // Without any value behind all others, however many seeds those lack.
    const double signed_mean = one.mean ? (halving.higher_is_better ? -*one.mean : *one.mean) : 0;
    order.emplace_back(one.mean ? missing : SIZE_MAX, signed_mean, plan.runs[one.runs.front()].run_id, c);
  }
  std::sort(order.begin(), order.end());
  const auto factor = static_cast<std::size_t>(halving.factor);
  const std::size_t room = (contenders.size() + factor - 1) / factor;
  std::vector<Contender> ranked;
  for (const auto& [missing, value, id, place] : order) {
    Contender& one = contenders[place];
    one.goes_on = ranked.size() < room && one.mean.has_value();
    ranked.push_back(std::move(one));
  }
  return ranked;
}

std::vector<Verdict> load_verdicts(const SweepPlan& plan, const fs::path& sweep) {
  std::vector<Verdict> verdicts;
  const fs::path path = sweep / "halving.json";
  if (!plan.halving || !fs::exists(path)) return verdicts;
  std::map<std::string, std::size_t> run_of;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) run_of[plan.runs[r].run_id] = r;
  try {
    const Json json = Json::parse(read_text_file(path));
    for (const auto& rung : json.at("rungs")) {
      Verdict verdict{plan.halving->rungs.at(verdicts.size()), {}};
      if (rung.at("rung") != verdict.rung.text()) throw DataError("it is of the rung " + rung.at("rung").dump());
      for (const auto& entry : rung.at("contenders")) {
        Contender one;
        for (const auto& run : entry.at("runs")) one.runs.push_back(run_of.at(run.get<std::string>()));
        for (const auto& value : entry.at("values")) {
          one.values.push_back(value.is_null() ? std::nullopt : std::optional<double>(value.get<double>()));
        }
        if (!entry.at("mean").is_null()) one.mean = entry.at("mean").get<double>();
        one.goes_on = entry.at("goes_on");
        verdict.ranked.push_back(std::move(one));
      }
      verdicts.push_back(std::move(verdict));
    }
  } catch (const std::exception& error) {
    throw DataError("'" + path.string() + "' does not say what the sweep's rungs decided (" + error.what() +
                    "); without it, all rungs are judged again: remove it for that");
  }
  return verdicts;
}

void save_verdicts(const std::vector<Verdict>& verdicts, const SweepPlan& plan, const fs::path& sweep) {
  Json rungs = Json::array();
  for (const auto& verdict : verdicts) {
    Json contenders = Json::array();
    for (const auto& one : verdict.ranked) {
      Json runs = Json::array(), values = Json::array();
      for (const std::size_t run : one.runs) runs.push_back(plan.runs[run].run_id);
      for (const auto& value : one.values) values.push_back(value ? Json(*value) : Json());
      contenders.push_back(
          {{"runs", runs}, {"values", values}, {"mean", one.mean ? Json(*one.mean) : Json()}, {"goes_on", one.goes_on}});
    }
    rungs.push_back({{"rung", verdict.rung.text()}, {"contenders", contenders}});
  }
  Json json = {{"halving", plan.halving->text()}, {"rungs", rungs}};
  seal_json(json);
  write_file_atomically(sweep / "halving.json", json.dump(1) + "\n");
}

std::string reason_to_stop(const Verdict& verdict, std::size_t place, const Halving& halving) {
  const Contender& one = verdict.ranked[place];
  const auto kept = static_cast<std::size_t>(
      std::count_if(verdict.ranked.begin(), verdict.ranked.end(), [](const Contender& each) { return each.goes_on; }));
  const auto known =
      std::count_if(one.values.begin(), one.values.end(), [](const auto& value) { return value.has_value(); });
  std::string text = "halving at " + verdict.rung.text() + ": " + halving.metric + " is ";
  text += one.mean ? number_text(*one.mean) : "not known";
  if (one.mean && one.values.size() > 1) text += " (mean of " + std::to_string(known) + " runs)";
  return text + ", rank " + std::to_string(place + 1) + " of " + std::to_string(verdict.ranked.size()) + "; " +
         go_on_text(kept);
}

std::string summary_of(const Verdict& verdict, const Halving& halving) {
  std::string text;
  std::size_t kept = 0;
  std::optional<double> first, last;
  for (const auto& one : verdict.ranked) {
    if (!one.goes_on) continue;
    ++kept;
    if (!first) first = one.mean;
    last = one.mean;
  }
  text = "rung " + verdict.rung.text() + ": of " + std::to_string(verdict.ranked.size()) + " cells " + go_on_text(kept);
  if (first) text += ", " + halving.metric + " " + number_text(*first);
  if (kept > 1) text += " to " + number_text(*last);
  if (kept < verdict.ranked.size() && verdict.ranked[kept].mean) {
    text += "; the next had " + number_text(*verdict.ranked[kept].mean);
  }
  return text;
}

HalvingForecast forecast(const SweepPlan& plan) {
  HalvingForecast result;
  std::vector<bool> alive(plan.runs.size(), true);
  const auto factor = static_cast<std::size_t>(plan.halving->factor);
  for (const auto& rung : plan.halving->rungs) {
    auto contenders = contenders_at(rung, plan, alive);
    // At most: those with the most runs go on.
    std::stable_sort(contenders.begin(), contenders.end(),
                     [](const Contender& a, const Contender& b) { return a.runs.size() > b.runs.size(); });
    const std::size_t room = (contenders.size() + factor - 1) / factor;
    result.contenders.push_back(contenders.size());
    result.go_on.push_back(room);
    alive.assign(plan.runs.size(), false);
    for (std::size_t c = 0; c < room; ++c) {
      for (const std::size_t run : contenders[c].runs) alive[run] = true;
    }
  }
  result.runs_at_end = static_cast<std::size_t>(std::count(alive.begin(), alive.end(), true));
  return result;
}

}  // namespace temper
