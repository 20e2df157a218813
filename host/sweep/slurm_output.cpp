// Reading Slurm's output (see slurm_output.h).
#include "host/sweep/slurm_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <sstream>

#include "host/sweep/worker.h"

namespace temper {
namespace {

std::optional<int> number_in(const std::string& text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == at) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

/// "3:0": exit code and signal.
void read_exit_code(const std::string& text, SlurmTask& task) {
  const auto parts = split(text, ':');
  task.code = number_in(parts[0]).value_or(0);
  if (parts.size() > 1) task.signal = number_in(parts[1]).value_or(0);
}

/// Of "Key=value Key=value": values that are asked for here have no blanks.
std::string field(const std::string& line, const std::string& key) {
  const std::string wanted = " " + key + "=";
  const std::string padded = " " + line;
  const auto at = padded.find(wanted);
  if (at == std::string::npos) return "";
  const auto begin = at + wanted.size();
  const std::string value = padded.substr(begin, padded.find(' ', begin) - begin);
  return value == "(null)" ? "" : value;
}

std::string first_word(const std::string& text) { return text.substr(0, text.find(' ')); }

/// Nodes as sacct and squeue have them: there may be none.
std::string node_of(const std::string& text) { return text == "None assigned" || text == "(null)" ? "" : text; }

constexpr std::array kOver = {"BOOT_FAIL",     "CANCELLED",     "COMPLETED", "DEADLINE", "FAILED", "NODE_FAIL",
                              "LAUNCH_FAILED", "OUT_OF_MEMORY", "PREEMPTED", "REVOKED",  "TIMEOUT"};

std::string why_ended(const SlurmTask& task) {
  const std::string on = task.node.empty() ? "" : " on " + task.node;
  if (task.state == "TIMEOUT") return "took longer than its time limit" + on + " and was stopped by Slurm (TIMEOUT)";
  if (task.state == "OUT_OF_MEMORY") {
    return "needed more memory than it had" + on + " (OUT_OF_MEMORY); --slurm-mem asks for more";
  }
  if (task.state == "NODE_FAIL") return "lost its node" + (task.node.empty() ? "" : " " + task.node) + " (NODE_FAIL)";
  if (task.state == "CANCELLED") return "was cancelled in Slurm (CANCELLED)";
  if (task.state == "PREEMPTED") return "had to make way for another job (PREEMPTED)";
  return "was ended by Slurm" + on + " (" + task.state + (task.reason.empty() ? "" : ", " + task.reason) + ")";
}

}  // namespace

std::vector<SlurmTask> parse_squeue(const std::string& text) {
  std::vector<SlurmTask> tasks;
  for (const auto& line : lines_of(text)) {
    const auto parts = split(line, '|');
    if (parts.size() != 6) continue;
    const auto index = number_in(parts[1]);
    if (index) tasks.push_back({parts[0], *index, parts[2], parts[3], node_of(parts[4]), parts[5]});
  }
  return tasks;
}

std::vector<SlurmTask> parse_scontrol(const std::string& text) {
  std::vector<SlurmTask> tasks;
  for (const auto& line : lines_of(text)) {
    SlurmTask task{field(line, "ArrayJobId"), 0, field(line, "JobState"), field(line, "Reason"), field(line, "NodeList")};
    if (task.job.empty()) continue;
    read_exit_code(field(line, "ExitCode"), task);
    for (const int index : parse_indices(field(line, "ArrayTaskId"))) {
      task.index = index;
      tasks.push_back(task);
    }
  }
  return tasks;
}

std::vector<SlurmTask> parse_sacct(const std::string& text) {
  std::vector<SlurmTask> tasks;
  for (const auto& line : lines_of(text)) {
    const auto parts = split(line, '|');
    const auto underscore = parts[0].find('_');
    if (parts.size() != 4 || underscore == std::string::npos) continue;
    // "CANCELLED by 1000"
    SlurmTask task{parts[0].substr(0, underscore), 0, first_word(parts[1]), "", node_of(parts[3])};
    read_exit_code(parts[2], task);
    std::string which = parts[0].substr(underscore + 1);
    std::erase_if(which, [](char c) { return c == '[' || c == ']'; });
    for (const int index : parse_indices(which)) {
      task.index = index;
      tasks.push_back(task);
    }
  }
  return tasks;
}

std::string parse_submitted(const std::string& text) {
  const std::string id = text.substr(0, text.find_first_of(";\n"));
  return number_in(id) ? id : "";
}

std::vector<int> parse_indices(const std::string& text) {
  std::vector<int> all;
  for (const auto& part : split(text.substr(0, text.find('%')), ',')) {
    const auto colon = part.find(':');
    const auto ends = split(part.substr(0, colon), '-');
    const auto first = number_in(ends[0]);
    const auto last = ends.size() > 1 ? number_in(ends[1]) : first;
    const int step = colon == std::string::npos ? 1 : number_in(part.substr(colon + 1)).value_or(0);
    if (!first || !last || step < 1) return {};
    for (int index = *first; index <= *last; index += step) all.push_back(index);
  }
  return all;
}

std::string indices_text(const std::vector<int>& sorted) {
  std::string text;
  for (std::size_t i = 0; i < sorted.size();) {
    std::size_t end = i + 1;
    while (end < sorted.size() && sorted[end] == sorted[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(sorted[i]);
    if (end - i > 1) text += "-" + std::to_string(sorted[end - 1]);
    i = end;
  }
  return text;
}

std::string config_value(const std::string& text, const std::string& name) {
  for (const auto& line : lines_of(text)) {
    const auto equals = line.find(" = ");
    if (equals != std::string::npos && first_word(line) == name) return first_word(line.substr(equals + 3));
  }
  return "";
}

std::optional<OwnEnd> parse_own_end(const std::string& text) {
  std::istringstream stream(text);
  OwnEnd end;
  if (!(stream >> end.code >> end.seconds >> end.job)) return std::nullopt;
  return end;
}

bool is_over(const std::string& state) { return std::find(kOver.begin(), kOver.end(), state) != kOver.end(); }

bool is_put_off(const SlurmTask& task) { return task.state == "CANCELLED" && task.reason == "DependencyNeverSatisfied"; }

std::optional<TaskEnd> end_in_slurm(const std::optional<SlurmTask>& slurm, const std::optional<OwnEnd>& own) {
  if (slurm && !is_over(slurm->state)) return std::nullopt;
  if (!slurm && !own) return std::nullopt;
  TaskEnd end;
  // What is done is done, whatever Slurm did to the job a moment later.
  const bool well = own ? own->code == 0 : slurm->state == "COMPLETED";
  if (!well && slurm && slurm->state != "FAILED") {
    end.code = -1;
    end.reason = why_ended(*slurm);
    end.stopped = slurm->state == "CANCELLED";
  } else if (!well) {
    int code = own ? own->code : slurm->code;
    int signal = own ? 0 : slurm->signal;
    constexpr int kStopped = 130;  // temper's own code, not SIGINT's
    if (code > 128 && code != kStopped) signal = code - 128;
    end = end_of_process(code, signal);
    if (end.reason.empty()) end.reason = why_ended(*slurm);
  }
  if (own) end.seconds = own->seconds;
  return end;
}

}  // namespace temper
