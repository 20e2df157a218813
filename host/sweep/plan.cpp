// Planning a sweep (see plan.h).
#include "host/sweep/plan.h"

#include <algorithm>
#include <set>

#include "host/config/compose.h"
#include "host/config/yaml_write.h"
#include "host/record/record_reader.h"
#include "host/run/stage_keys.h"
#include "host/util/on_all_cores.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kLongestId = 100;

std::string shown(const std::vector<Assignment>& values) {
  std::string text;
  for (const auto& [key, value] : values) text += (text.empty() ? "" : ", ") + key + "=" + value;
  return text.empty() ? "the experiment as it is" : text;
}

/// The last part of each key, or more of it where two would be the same.
std::map<std::string, std::string> short_names(const std::vector<std::string>& keys) {
  std::map<std::string, std::string> names;
  for (const auto& key : keys) {
    for (auto dot = key.rfind('.');; dot = key.rfind('.', dot - 1)) {
      const std::string tail = dot == std::string::npos ? key : key.substr(dot);
      const bool clash =
          dot != std::string::npos && std::count_if(keys.begin(), keys.end(), [&](const std::string& other) {
                                        return other.size() >= tail.size() &&
                                               other.compare(other.size() - tail.size(), tail.size(), tail) == 0;
                                      }) > 1;
      if (clash && dot > 0) continue;
      names[key] = dot == std::string::npos ? key : tail.substr(1);
      break;
    }
  }
  return names;
}

/// What the resolved experiment says of a key: 1e-5 and 0.00001 are one value, 1 is the number and true the flag as the
/// parameter's type has it.
std::string resolved_value(const Experiment& experiment, const std::string& key, const std::string& given) {
  const std::string* value = value_of_key(experiment.resolved, key);
  return value == nullptr ? given : *value;
}

std::string identity_of(const SweepPlan& plan) {
  Sha256 hash;
  hash.update(plan.text);
  if (plan.halving) hash.update("\n" + plan.halving->text());
  for (const auto& run : plan.runs) hash.update("\n" + run.run_id + "\n" + std::to_string(run.seed) + shown(run.values));
  return hash.hex().substr(0, 8);
}

/// The experiment's tree with the command line's values, and its own sweep section taken out.
config::YamlNode compose(const SweepRequest& request, SweepSpec& spec) {
  const std::string text = config::read_text(request.experiment);
  config::YamlNode tree = config::compose(text, request.experiment).tree;
  if (const config::YamlNode* section = tree.find("sweep")) {
    SweepSpec own = read_spec(*section);
    std::erase_if(own.axes, [&](const Axis& axis) {
      return std::any_of(spec.axes.begin(), spec.axes.end(), [&](const Axis& given) { return given.key == axis.key; });
    });
    own.axes.insert(own.axes.end(), spec.axes.begin(), spec.axes.end());
    spec.axes = std::move(own.axes);
    for (auto& zip : own.zips) spec.zips.push_back(std::move(zip));
    for (auto& out : own.excludes) spec.excludes.push_back(std::move(out));
    if (spec.list.empty()) spec.list = std::move(own.list);
    if (spec.seeds.empty()) spec.seeds = std::move(own.seeds);
    if (spec.draws == 0) spec.draws = own.draws;
    if (!spec.halving) spec.halving = std::move(own.halving);
    std::erase_if(tree.children, [](const config::YamlNode& entry) { return entry.key == "sweep"; });
  }
  for (const auto& assignment : request.sets) config::apply_set(tree, assignment);
  return tree;
}

/// What a cell comes to.
struct MadeCell {
  struct Seed {
    std::string identity;
    std::vector<std::string> keys;  ///< of the stages
  };
  std::vector<std::string> resolved;  ///< the value of each of its assignments
  std::vector<std::string> stages;
  std::vector<Seed> seeds;
};

MadeCell make_cell(const SweepPlan& plan, const config::YamlNode& tree, const std::vector<Assignment>& cell,
                   const std::vector<std::uint64_t>& seeds, const Registry& registry) {
  Experiment experiment;
  try {
    experiment = experiment_of(plan, tree, cell, registry);
  } catch (const ConfigError& error) {
    throw ConfigError("cell " + shown(cell) + ": " + error.what());
  }
  MadeCell made;
  for (const auto& [key, value] : cell) made.resolved.push_back(resolved_value(experiment, key, value));
  for (const auto& stage : experiment.stages) made.stages.push_back(stage.name);
  for (const std::uint64_t seed : seeds) {
    experiment.seed = seed;
    MadeCell::Seed one{resolved_hash(experiment), {}};
    StageKeys keys(experiment, registry, experiment.threads, 1,
                   [&](const std::string& name) { return dataset_identity(experiment, name); });
    for (const auto& stage : experiment.stages) {
      one.keys.push_back(stage.checkpoint.empty() ? keys.stage(stage.name) : "");
    }
    made.seeds.push_back(std::move(one));
  }
  return made;
}

/// All cells, on all cores. What a cell throws is thrown here, that of the first one.
std::vector<MadeCell> make_cells(const SweepPlan& plan, const std::vector<std::vector<Assignment>>& cells,
                                 const std::vector<std::uint64_t>& seeds, const Registry& registry) {
  const config::YamlNode tree = config::compose(plan.text, plan.origin).tree;
  std::vector<MadeCell> made(cells.size());
  on_all_cores(cells.size(), [&](std::size_t c) { made[c] = make_cell(plan, tree, cells[c], seeds, registry); });
  return made;
}

}  // namespace

Experiment experiment_of(const SweepPlan& plan, const config::YamlNode& tree, const std::vector<Assignment>& cell,
                         const Registry& registry) {
  Overrides overrides;
  for (const auto& [key, value] : cell) overrides.sets.push_back(key + "=" + value);
  config::YamlNode own = tree;
  return resolve_experiment(own, plan.origin, overrides, registry);
}

std::string dataset_identity(const Experiment& experiment, const std::string& name) {
  const auto text_of = [](const SlotConfig& slot) {
    std::string text = slot.plugin;
    for (const auto& [param, value] : slot.values.all()) text += "\n" + param + "=" + to_text(value.value);
    return text;
  };
  for (const auto& slot : experiment.datasets) {
    if (slot.name != name) continue;
    std::string text = text_of(slot);
    const auto& data = experiment.corpus.data;
    if (std::find(data.begin(), data.end(), name) != data.end()) {
      for (const auto& filter : experiment.corpus.filters) text += "\nfilter " + filter.name + " " + text_of(filter);
    }
    return sha256_hex(text);
  }
  return "";
}

std::string name_part(const std::string& value) {
  std::string part;
  for (const char c : value) {
    const bool keeps = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' ||
                       c == '+' || c == '-';
    part += keeps ? c : '_';
  }
  return part;
}

SweepPlan plan_sweep(const SweepRequest& request, const Registry& registry) {
  SweepPlan plan;
  SweepSpec spec = request.spec;
  plan.origin = fs::absolute(request.experiment).lexically_normal();
  const config::YamlNode tree = compose(request, spec);
  plan.text = config::write_yaml(tree);
  const Experiment base = parse_experiment(plan.text, plan.origin, {}, registry);
  plan.experiment = base.name;
  if (request.threads > 0 && base.threads == 0) {
    config::YamlNode with_threads = tree;
    config::apply_option(with_threads, "threads", std::to_string(request.threads));
    plan.text = config::write_yaml(with_threads);
  }
  plan.threads = base.threads > 0 ? base.threads : request.threads;
  const auto cells = expand(spec, base.seed);
  const std::vector<std::uint64_t> seeds = spec.seeds.empty() ? std::vector<std::uint64_t>{base.seed} : spec.seeds;
  for (const auto& cell : cells) {
    for (const auto& [key, value] : cell) {
      if (std::find(plan.axes.begin(), plan.axes.end(), key) == plan.axes.end()) plan.axes.push_back(key);
    }
  }
  if (spec.halving && !spec.halving->rungs.empty()) {
    check_halving(*spec.halving, base, plan.axes);
    plan.halving = spec.halving;
  }
  const auto names = short_names(plan.axes);
  auto made = make_cells(plan, cells, seeds, registry);
  std::set<std::string> ids, identities;
  std::size_t merged = 0;
  for (std::size_t c = 0; c < cells.size(); ++c) {
    std::string name;
    bool exact = true;
    for (std::size_t k = 0; k < cells[c].size(); ++k) {
      const std::string& resolved = made[c].resolved[k];
      exact &= name_part(resolved) == resolved;
      name += names.at(cells[c][k].first) + "=" + name_part(resolved) + "-";
    }
    for (std::size_t s = 0; s < seeds.size(); ++s) {
      const std::string& identity = made[c].seeds[s].identity;
      if (!identities.insert(identity).second) {
        ++merged;  // the same settings in another spelling
        continue;
      }
      PlannedRun run{name + "s" + std::to_string(seeds[s]), cells[c], made[c].resolved, seeds[s], made[c].stages,
                     std::move(made[c].seeds[s].keys)};
      if (!exact || run.run_id.size() > kLongestId) {
        run.run_id = run.run_id.substr(0, kLongestId - 10) + "-" + identity.substr(0, 8);
      }
      if (!ids.insert(run.run_id).second) {
        run.run_id += "-" + identity.substr(0, 8);
        ids.insert(run.run_id);
      }
      plan.runs.push_back(std::move(run));
    }
  }
  if (merged > 0) {
    plan.notes.push_back(std::to_string(merged) +
                         " runs have the same settings as another one in another spelling and are "
                         "not run again");
  }
  plan.name = request.name.empty() ? base.name + "-sweep-" + identity_of(plan) : request.name;
  plan_tasks(plan);
  return plan;
}

void plan_tasks(SweepPlan& plan) {
  plan.tasks.clear();
  plan.all_stages = 0;
  const std::vector<Rung> rungs = plan.halving ? plan.halving->rungs : std::vector<Rung>{};
  plan.rung_tasks.assign(rungs.size(), std::vector<std::size_t>(plan.runs.size(), 0));
  std::map<std::string, std::size_t> task_of;  // by the stage's key, or "KEY@STEP"
  std::set<std::string> stages;
  for (std::size_t r = 0; r < plan.runs.size(); ++r) {
    const PlannedRun& run = plan.runs[r];
    std::vector<std::size_t> so_far;
    std::size_t passed = 0;  // rungs
    const auto need = [&](const std::string& key, const std::string& stage, std::optional<std::size_t> rung) {
      const auto [found, is_new] = task_of.emplace(key, plan.tasks.size());
      if (is_new) plan.tasks.push_back({r, stage, so_far, passed, rung});
      so_far.push_back(found->second);
      if (!rung) return;
      plan.rung_tasks[*rung][r] = found->second;
      ++passed;
    };
    std::string own_last;  // a last stage that no earlier run has is computed with the rest of the run
    for (std::size_t s = 0; s < run.stages.size(); ++s) {
      if (run.keys[s].empty()) continue;
      ++plan.all_stages;
      stages.insert(run.keys[s]);
      while (passed < rungs.size() && rungs[passed].stage == run.stages[s] && rungs[passed].step > 0) {
        need(run.keys[s] + rungs[passed].text(), run.stages[s], passed);
      }
      if (s + 1 == run.stages.size() && task_of.count(run.keys[s]) == 0) {
        own_last = run.keys[s];
        continue;
      }
      const bool ends_at_rung = passed < rungs.size() && rungs[passed].stage == run.stages[s];
      need(run.keys[s], run.stages[s], ends_at_rung ? std::optional(passed) : std::nullopt);
    }
    if (!own_last.empty()) task_of[own_last] = plan.tasks.size();
    plan.tasks.push_back({r, "", std::move(so_far), passed, std::nullopt});
  }
  plan.distinct_stages = stages.size();
}

std::vector<bool> tasks_of(const SweepPlan& plan, const std::vector<bool>& runs) {
  std::vector<bool> needed(plan.tasks.size(), false);
  for (std::size_t t = plan.tasks.size(); t-- > 0;) {
    const Task& task = plan.tasks[t];
    if (task.stage.empty()) needed[t] = runs[task.run];
    if (!needed[t]) continue;
    for (const std::size_t need : task.needs) needed[need] = true;
  }
  return needed;
}

}  // namespace temper
