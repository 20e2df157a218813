// Where the numbers come from: machines, plugins, seeds, values that differ, and the command that makes each run again.
#include <algorithm>

#include "host/report/html.h"
#include "host/report/sections.h"

namespace temper::report {
namespace {

constexpr std::size_t kMostKeys = 40, kMostRuns = 2000, kMostConfigs = 20;
constexpr std::size_t kConfigLength = 60'000;

std::string shell_quoted(const std::string& text) {
  const bool is_plain = !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string("._-/=+,:@").find(c) != std::string::npos;
  });
  if (is_plain) return text;
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

std::string attribute(const Run& run, const std::string& name) {
  const auto found = run.attributes.find(name);
  return found == run.attributes.end() ? "" : found->second;
}

std::string command_of(const Data& data, const Run& run) {
  const std::string& file = data.configs[run.config].file;
  std::string text = "temper run " + (file.empty() ? "EXPERIMENT.yaml" : shell_quoted(file));
  for (const auto& row : run.resolved) {
    if (row.source != "command line" || row.key == "seed") continue;
    text += row.where.starts_with("--device") ? " --device " + shell_quoted(row.value)
                                              : " --set " + shell_quoted(row.key + "=" + row.value);
  }
  return text + " --seed " + attribute(run, "seed");
}

std::string runs_table(const Data& data) {
  std::string head, body;
  for (const char* name : {"run", "state", "seed", "begun", "ended", "temper"}) head += head_cell(name, "col");
  head += head_cell("command", "col");
  std::size_t shown = 0;
  for (const auto& run : data.runs) {
    if (++shown > kMostRuns) break;
    body += "<tr>" + head_cell(run.id, "row") + cell(run.status);
    for (const char* name : {"seed", "created", "finished", "temper_version"}) body += cell(attribute(run, name));
    body += "<td class=\"text\"><code>" + escape(command_of(data, run)) + "</code></td></tr>\n";
  }
  std::string text = table("Runs and the commands that make them again", head, body);
  if (data.runs.size() > kMostRuns) {
    text +=
        "<p>The first " + std::to_string(kMostRuns) + " of " + std::to_string(data.runs.size()) + " runs are shown.</p>\n";
  }
  return text;
}

std::string hosts_table(const Data& data) {
  std::vector<std::string> names;
  std::map<std::map<std::string, std::string>, std::size_t> hosts;
  for (const auto& run : data.runs) {
    std::map<std::string, std::string> facts;
    for (const auto& [name, value] : run.attributes) {
      // Who the run is and where its file lay are not the machine's.
      if (!name.starts_with("host_") || name == "host_identity" || name == "host_experiment_file") continue;
      facts[name.substr(5)] = value;
      if (std::find(names.begin(), names.end(), name.substr(5)) == names.end()) names.push_back(name.substr(5));
    }
    if (!facts.empty()) ++hosts[facts];
  }
  if (hosts.empty()) return "<p>The records hold no facts about the machine.</p>\n";
  std::string head = head_cell("runs", "col"), body;
  for (const auto& name : names) head += head_cell(name, "col");
  for (const auto& [facts, count] : hosts) {
    body += "<tr>" + head_cell(std::to_string(count), "row");
    for (const auto& name : names) body += cell(facts.count(name) > 0 ? facts.at(name) : "");
    body += "</tr>\n";
  }
  return table("Machines", head, body);
}

std::string plugins_table(const Data& data) {
  std::map<std::vector<std::string>, std::size_t> plugins;
  for (const auto& run : data.runs) {
    for (const auto& row : run.plugins) ++plugins[{row.slot, row.kind, row.id, row.version, row.sha256}];
  }
  if (plugins.empty()) return "";
  std::string head, body;
  for (const char* name : {"slot", "kind", "plugin", "version", "sha256", "runs"}) head += head_cell(name, "col");
  for (const auto& [row, count] : plugins) {
    body += "<tr>" + head_cell(row[0], "row") + cell(row[1]) + cell(row[2]) + cell(row[3]) + "<td><code>" + escape(row[4]) +
            "</code></td>" + cell(std::to_string(count)) + "</tr>\n";
  }
  return details("Plugins (" + std::to_string(plugins.size()) + ")", table("Plugins and their hashes", head, body));
}

std::string differences_table(const Data& data) {
  if (data.runs.size() < 2) return "";
  if (data.differing.empty()) return "<p>All runs have the same values, but for their seeds.</p>\n";
  const std::size_t keys = std::min(data.differing.size(), kMostKeys);
  std::string head = head_cell("run", "col"), body;
  for (std::size_t k = 0; k < keys; ++k) head += head_cell(data.differing[k], "col");
  for (std::size_t r = 0; r < std::min(data.runs.size(), kMostRuns); ++r) {
    body += "<tr>" + head_cell(data.runs[r].id, "row");
    for (std::size_t k = 0; k < keys; ++k) {
      const auto found = data.runs[r].values.find(data.differing[k]);
      body += found == data.runs[r].values.end() ? "<td>none</td>" : "<td>" + escape_cut(found->second, 200) + "</td>";
    }
    body += "</tr>\n";
  }
  std::string text = table("Values that differ between runs", head, body);
  if (data.differing.size() > keys) {
    text +=
        "<p>The first " + std::to_string(keys) + " of " + std::to_string(data.differing.size()) + " values are shown.</p>\n";
  }
  return details("Values that differ between runs (" + std::to_string(data.differing.size()) + ")", text);
}

std::string configs_part(const Data& data) {
  std::string text;
  for (std::size_t i = 0; i < std::min(data.configs.size(), kMostConfigs); ++i) {
    const Config& config = data.configs[i];
    text += details("Experiment " + (config.file.empty() ? std::to_string(i + 1) : config.file),
                    "<pre tabindex=\"0\">" + escape_cut(config.text, kConfigLength) + "</pre>\n");
  }
  if (data.configs.size() > kMostConfigs) {
    text += "<p>The first " + std::to_string(kMostConfigs) + " of " + std::to_string(data.configs.size()) +
            " experiments are shown.</p>\n";
  }
  return text;
}

}  // namespace

std::string environment_section(const Data& data) {
  return "<section id=\"environment\"><h2>Environment</h2>\n" + hosts_table(data) + plugins_table(data) +
         differences_table(data) +
         details("Runs, seeds and commands (" + std::to_string(data.runs.size()) + ")", runs_table(data)) +
         configs_part(data) + "</section>\n";
}

}  // namespace temper::report
