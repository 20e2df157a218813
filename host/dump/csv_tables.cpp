// CSV tables of records (see csv_tables.h).
#include "host/dump/csv_tables.h"

#include <unicode/utf8.h>

#include <charconv>
#include <cmath>
#include <fstream>
#include <map>

#include "host/compare/text_table.h"
#include "host/record/record_reader.h"
#include "temper/error.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

using Row = std::vector<std::string>;

/// Names and columns. Every table but `runs` begins with run_id.
const std::map<std::string, Row>& columns_of_tables() {
  static const std::map<std::string, Row> tables = {
      {"runs", {"run_id", "record", "attribute", "value"}},
      {"config", {"run_id", "key", "value", "source", "where"}},
      {"plugins", {"run_id", "slot", "kind", "id", "version", "sha256", "abi_tag"}},
      {"data", {"run_id", "name", "path", "sha256", "documents", "bytes", "tokens"}},
      {"ledger",
       {"run_id", "filter", "plugin", "documents", "dropped", "edited", "bytes_in", "bytes_out", "kind", "name", "value"}},
      {"stages",
       {"run_id", "order", "stage", "plugin", "parents", "status", "seconds", "tokens", "steps", "flops", "checkpoint",
        "checkpoint_sha256", "cache_key", "prompt_template"}},
      {"notes", {"run_id", "stage", "time", "text"}},
      {"sentinels", {"run_id", "stage", "name", "passed", "value", "limit", "evidence"}},
      {"logs", {"run_id", "stage", "metric", "unit", "better", "step", "value"}},
      {"samples", {"run_id", "stage", "step", "index", "prompt", "response"}},
      {"sample_scores", {"run_id", "stage", "step", "index", "score", "value"}},
      {"metrics", {"run_id", "stage", "evaluator", "metric", "unit", "better", "value", "stderr", "ci_low", "ci_high", "n"}},
      {"examples", {"run_id", "stage", "evaluator", "item_id", "prompt_sha", "cluster", "prompt", "response", "reference"}},
      {"scores", {"run_id", "stage", "evaluator", "item_id", "prompt_sha", "score", "value"}}};
  return tables;
}

std::string clean(const std::string& text) {
  std::string result;
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    UChar32 character = 0;
    const std::int32_t start = i;
    U8_NEXT_OR_FFFD(text.data(), i, size, character);
    if (character == 0xFFFD || character == 0) {
      result += "\xEF\xBF\xBD";
    } else {
      result.append(text, static_cast<std::size_t>(start), static_cast<std::size_t>(i - start));
    }
  }
  return result;
}

/// The shortest text that reads as the same number.
std::string exact(double value) {
  if (std::isnan(value)) return "";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  char text[40];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

class Tables {
 public:
  explicit Tables(const fs::path& folder) : folder_(folder) {
    for (const auto& [name, columns] : columns_of_tables()) {
      files_[name].open(folder / (name + ".csv"), std::ios::binary);
      add(name, columns);
    }
  }

  void add(const std::string& table, const Row& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += (i > 0 ? "," : "") + csv_field(clean(row[i]));
    files_.at(table) << line << "\n";
  }

  void close() {
    for (auto& [name, file] : files_) {
      file.close();
      if (!file) {
        throw DataError("cannot write '" + (folder_ / (name + ".csv")).string() +
                        "'; is there room, and may this folder be written?");
      }
    }
  }

 private:
  fs::path folder_;
  std::map<std::string, std::ofstream> files_;
};

void add_run(Tables& tables, const RecordReader& reader, const std::string& run) {
  for (const auto& [name, value] : reader.attributes()) tables.add("runs", {run, reader.path().string(), name, value});
  for (const auto& row : reader.resolved()) tables.add("config", {run, row.key, row.value, row.source, row.where});
  for (const auto& row : reader.plugins()) {
    tables.add("plugins", {run, row.slot, row.kind, row.id, row.version, row.sha256, row.abi_tag});
  }
  for (const auto& row : reader.data()) {
    tables.add("data", {run, row.name, row.path, row.sha256, std::to_string(row.documents), std::to_string(row.bytes),
                        std::to_string(row.tokens)});
  }
  for (const auto& filter : reader.ledger()) {
    const Row start = {run,
                       filter.name,
                       filter.plugin,
                       std::to_string(filter.documents),
                       std::to_string(filter.dropped),
                       std::to_string(filter.edited),
                       std::to_string(filter.bytes_in),
                       std::to_string(filter.bytes_out)};
    const auto with = [&](const Row& rest) {
      Row row = start;
      row.insert(row.end(), rest.begin(), rest.end());
      tables.add("ledger", row);
    };
    if (filter.reasons.empty()) with({"", "", ""});
    for (const auto& reason : filter.reasons) with({reason.kind, reason.name, exact(reason.value)});
  }
}

void add_stage(Tables& tables, const RecordReader& reader, const std::string& run, const std::string& stage) {
  for (const auto& note : reader.notes(stage)) tables.add("notes", {run, stage, note.time, note.text});
  for (const auto& one : reader.sentinels(stage)) {
    tables.add("sentinels",
               {run, stage, one.name, one.passed ? "1" : "0", exact(one.value), exact(one.limit), one.evidence});
  }
  for (const auto& metric : reader.log_names(stage)) {
    const MetricSpec spec = reader.log_spec(stage, metric);
    for (const auto& point : reader.log(stage, metric)) {
      tables.add("logs",
                 {run, stage, metric, spec.unit, better_text(spec.better), std::to_string(point.step), exact(point.value)});
    }
  }
  const StageSamples samples = reader.samples(stage);
  std::map<std::int64_t, std::size_t> counts;
  for (const auto& sample : samples.samples) {
    const std::string step = std::to_string(sample.step), index = std::to_string(counts[sample.step]++);
    tables.add("samples", {run, stage, step, index, sample.row.prompt, sample.row.response});
    for (std::size_t i = 0; i < samples.score_names.size(); ++i) {
      tables.add("sample_scores", {run, stage, step, index, samples.score_names[i], exact(sample.row.scores[i])});
    }
  }
}

void add_eval(Tables& tables, const EvalResult& result, const Row& start) {
  const auto add = [&](const std::string& table, const Row& rest) {
    Row row = start;
    row.insert(row.end(), rest.begin(), rest.end());
    tables.add(table, row);
  };
  for (const auto& metric : result.metrics) {
    add("metrics", {metric.spec.name, metric.spec.unit, better_text(metric.spec.better), exact(metric.value),
                    exact(metric.std_error), exact(metric.ci_low), exact(metric.ci_high), std::to_string(metric.n)});
  }
  for (const auto& example : result.examples) {
    add("examples",
        {example.item_id, example.prompt_sha, example.cluster, example.prompt, example.response, example.reference});
    for (std::size_t i = 0; i < result.score_names.size(); ++i) {
      add("scores", {example.item_id, example.prompt_sha, result.score_names[i], exact(example.scores[i])});
    }
  }
}

}  // namespace

void write_csv_tables(const std::vector<fs::path>& records, const fs::path& folder) {
  Tables tables(folder);
  for (const auto& path : records) {
    const RecordReader reader(path);
    const std::string run = reader.attribute("run_id");
    add_run(tables, reader, run);
    int order = 0;
    for (const auto& stage : reader.stage_names()) {
      const StageSummary summary = reader.stage(stage);
      std::string parents;
      for (const auto& parent : summary.parents) parents += (parents.empty() ? "" : " ") + parent;
      tables.add("stages",
                 {run, std::to_string(order++), stage, summary.plugin, parents, summary.status, exact(summary.seconds),
                  std::to_string(summary.tokens), std::to_string(summary.steps), exact(summary.flops), summary.checkpoint,
                  summary.checkpoint_sha256, summary.cache_key, summary.prompt_template});
      add_stage(tables, reader, run, stage);
      for (const auto& evaluator : reader.evaluators(stage)) {
        add_eval(tables, reader.eval(stage, evaluator), {run, stage, evaluator});
      }
    }
  }
  tables.close();
}

}  // namespace temper
