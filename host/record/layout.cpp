// Reading parts of a record, and the tables of an evaluation (see layout.h).
#include "host/record/layout.h"

#include <algorithm>
#include <set>

#include "host/record/names.h"

namespace temper::layout {
namespace {

const std::vector<std::string> kExampleTexts = {"item_id", "prompt_sha", "prompt", "response", "reference"};
const std::vector<std::string> kLongTexts = {"prompt", "response", "reference"};
const std::string kCluster = "cluster";

std::string join(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : ", ") + word;
  return text.empty() ? "none" : text;
}

std::string exact_name(hid_t object, const std::string& link) {
  return h5::has_attribute(object, "name") ? h5::attribute_text(object, "name") : from_link_name(link);
}

}  // namespace

int to_code(Better better) {
  if (better == Better::kNeither) return -1;
  return better == Better::kHigher ? 1 : 0;
}

Better to_better(std::int64_t code) {
  if (code == 1) return Better::kHigher;
  return code == 0 ? Better::kLower : Better::kNeither;
}

h5::Handle open_group(hid_t parent, const std::string& name) {
  if (!h5::has_link(parent, name)) throw DataError("the record has no group '" + name + "'");
  return h5::own(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), "open group '" + name + "'");
}

h5::Handle open_stage(hid_t file, const std::string& name) {
  const h5::Handle stages = open_group(file, "stages");
  const std::string link = to_link_name(name);
  if (!h5::has_link(stages, link)) {
    throw DataError("the record has no stage '" + name + "'; it has: " + join(stage_names(file)));
  }
  return open_group(stages, link);
}

void check_schema(hid_t file, const std::string& path) {
  if (!h5::has_attribute(file, "schema_version")) {
    throw DataError("'" + path + "' is a HDF5 file but not a record of temper (it has no attribute schema_version)");
  }
  const std::int64_t version = h5::attribute_integer(file, "schema_version");
  if (version != kSchemaVersion) {
    throw DataError("record '" + path + "' has schema_version " + std::to_string(version) + ", this program reads version " +
                    std::to_string(kSchemaVersion) + "; use the temper that wrote it (" +
                    (h5::has_attribute(file, "temper_version") ? h5::attribute_text(file, "temper_version") : "unknown") +
                    ")");
  }
  for (const char* group : {"stages", "config"}) {
    if (!h5::has_link(file, group)) throw DataError("record '" + path + "' is incomplete: it has no group '" + group + "'");
  }
}

std::vector<std::string> stage_names(hid_t file) {
  const h5::Handle stages = open_group(file, "stages");
  std::vector<std::pair<std::int64_t, std::string>> found;
  for (const auto& link : h5::link_names(stages)) {
    const h5::Handle stage = open_group(stages, link);
    found.emplace_back(h5::attribute_integer(stage, "order"), exact_name(stage, link));
  }
  std::sort(found.begin(), found.end());
  std::vector<std::string> names;
  for (auto& [order, name] : found) names.push_back(std::move(name));
  return names;
}

bool has_stage(hid_t file, const std::string& name) { return h5::has_link(open_group(file, "stages"), to_link_name(name)); }

StageSummary read_stage(hid_t file, const std::string& name) {
  const h5::Handle stage = open_stage(file, name);
  StageSummary summary;
  summary.plugin = h5::attribute_text(stage, "plugin");
  summary.status = h5::attribute_text(stage, "status");
  summary.parents = h5::attribute_texts(stage, "parents");
  // A stage that has not ended has only the attributes above.
  const auto text = [&](const char* key, std::string& value) {
    if (h5::has_attribute(stage, key)) value = h5::attribute_text(stage, key);
  };
  text("cache_key", summary.cache_key);
  text("checkpoint", summary.checkpoint);
  text("checkpoint_sha256", summary.checkpoint_sha256);
  text("prompt_template", summary.prompt_template);
  if (h5::has_attribute(stage, "seconds")) summary.seconds = h5::attribute_number(stage, "seconds");
  if (h5::has_attribute(stage, "flops")) summary.flops = h5::attribute_number(stage, "flops");
  if (h5::has_attribute(stage, "tokens")) summary.tokens = h5::attribute_integer(stage, "tokens");
  if (h5::has_attribute(stage, "steps")) summary.steps = h5::attribute_integer(stage, "steps");
  return summary;
}

void write_stage(hid_t stage, const StageSummary& summary) {
  h5::set_attribute(stage, "plugin", summary.plugin);
  h5::set_attribute(stage, "parents", summary.parents);
  h5::set_attribute(stage, "status", summary.status);
  h5::set_attribute(stage, "cache_key", summary.cache_key);
  h5::set_attribute(stage, "checkpoint", summary.checkpoint);
  h5::set_attribute(stage, "checkpoint_sha256", summary.checkpoint_sha256);
  h5::set_attribute(stage, "prompt_template", summary.prompt_template);
  h5::set_attribute(stage, "seconds", summary.seconds);
  h5::set_attribute(stage, "flops", summary.flops);
  h5::set_attribute(stage, "tokens", summary.tokens);
  h5::set_attribute(stage, "steps", summary.steps);
}

std::vector<std::string> names_in(hid_t stage, const std::string& group_name) {
  std::vector<std::string> names;
  if (!h5::has_link(stage, group_name)) return names;
  const h5::Handle group = open_group(stage, group_name);
  for (const auto& link : h5::link_names(group)) {
    names.push_back(exact_name(h5::own(H5Oopen(group, link.c_str(), H5P_DEFAULT), "open '" + link + "'"), link));
  }
  return names;
}

bool has_eval(hid_t file, const std::string& stage, const std::string& evaluator) {
  if (!has_stage(file, stage)) return false;
  const h5::Handle group = open_stage(file, stage);
  return h5::has_link(group, "evals") && h5::has_link(open_group(group, "evals"), to_link_name(evaluator));
}

EvalResult read_eval(hid_t file, const std::string& stage, const std::string& evaluator, bool with_texts) {
  const h5::Handle evals = open_group(open_stage(file, stage), "evals");
  const h5::Handle group = open_group(evals, to_link_name(evaluator));
  EvalResult result;
  const Table metrics = h5::read_table(group, "metrics");
  for (std::size_t i = 0; i < metrics.rows(); ++i) {
    MetricValue value;
    value.spec = {metrics.texts("name")[i], metrics.texts("unit")[i], metrics.texts("doc")[i],
                  to_better(metrics.integers("higher_is_better")[i])};
    value.value = metrics.numbers("value")[i];
    value.std_error = metrics.numbers("stderr")[i];
    value.ci_low = metrics.numbers("ci_low")[i];
    value.ci_high = metrics.numbers("ci_high")[i];
    value.n = metrics.integers("n")[i];
    result.metrics.push_back(std::move(value));
  }
  const Table examples = h5::read_table(group, "examples", with_texts ? std::vector<std::string>{} : kLongTexts);
  const std::size_t fixed = kExampleTexts.size() - (with_texts ? 0 : kLongTexts.size());
  const bool clustered = examples.columns.size() > fixed && examples.columns[fixed].name == kCluster;
  for (std::size_t c = fixed + (clustered ? 1 : 0); c < examples.columns.size(); ++c) {
    result.score_names.push_back(examples.columns[c].name);
  }
  result.examples.resize(examples.rows());
  const auto &item_ids = examples.texts("item_id"), &prompt_shas = examples.texts("prompt_sha");
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    auto& row = result.examples[i];
    row.item_id = item_ids[i];
    row.prompt_sha = prompt_shas[i];
    if (clustered) row.cluster = examples.texts(kCluster)[i];
    row.scores.reserve(result.score_names.size());
  }
  for (std::size_t i = 0; with_texts && i < examples.rows(); ++i) {
    auto& row = result.examples[i];
    row.prompt = examples.texts("prompt")[i];
    row.response = examples.texts("response")[i];
    row.reference = examples.texts("reference")[i];
  }
  for (const auto& name : result.score_names) {
    const auto& scores = examples.numbers(name);
    for (std::size_t i = 0; i < scores.size(); ++i) result.examples[i].scores.push_back(scores[i]);
  }
  return result;
}

std::vector<PluginRow> read_plugins(hid_t file) {
  const Table table = h5::read_table(file, "plugins");
  std::vector<PluginRow> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({table.texts("slot")[i], table.texts("kind")[i], table.texts("id")[i], table.texts("version")[i],
                    table.texts("sha256")[i], table.texts("abi_tag")[i]});
  }
  return rows;
}

Table read_optional_table(hid_t stage, const std::string& name) {
  return h5::has_link(stage, name) ? h5::read_table(stage, name) : Table{};
}

Table eval_metrics_table(const EvalResult& result) {
  std::vector<std::string> names, units, docs;
  std::vector<double> values, errors, lows, highs;
  std::vector<std::int64_t> counts;
  std::vector<std::int8_t> better;
  for (const auto& metric : result.metrics) {
    names.push_back(metric.spec.name);
    units.push_back(metric.spec.unit);
    docs.push_back(metric.spec.doc);
    values.push_back(metric.value);
    errors.push_back(metric.std_error);
    lows.push_back(metric.ci_low);
    highs.push_back(metric.ci_high);
    counts.push_back(metric.n);
    better.push_back(static_cast<std::int8_t>(to_code(metric.spec.better)));
  }
  return {{{"name", names},
           {"value", values},
           {"stderr", errors},
           {"ci_low", lows},
           {"ci_high", highs},
           {"n", counts},
           {"higher_is_better", better},
           {"unit", units},
           {"doc", docs}}};
}

Table eval_examples_table(const EvalResult& result) {
  std::set<std::string> taken(kExampleTexts.begin(), kExampleTexts.end());
  taken.insert(kCluster);
  for (const auto& name : result.score_names) {
    if (name.empty() || !h5::is_clean_text(name) || !taken.insert(name).second) {
      throw PluginError("score name '" + name + "' is empty, given twice, or that of a fixed column (" +
                        join(kExampleTexts) + ")");
    }
  }
  std::vector<std::vector<std::string>> texts(kExampleTexts.size());
  std::vector<std::vector<double>> scores(result.score_names.size());
  std::vector<std::string> clusters;
  bool clustered = false;
  for (const auto& row : result.examples) {
    clusters.push_back(row.cluster);
    clustered |= !row.cluster.empty();
    if (row.scores.size() != scores.size()) {
      throw PluginError("the row of item '" + row.item_id + "' has " + std::to_string(row.scores.size()) +
                        " scores, but the evaluator names " + std::to_string(scores.size()) +
                        "; give NaN where one does not apply");
    }
    const std::string* fields[] = {&row.item_id, &row.prompt_sha, &row.prompt, &row.response, &row.reference};
    for (std::size_t i = 0; i < texts.size(); ++i) texts[i].push_back(*fields[i]);
    for (std::size_t i = 0; i < scores.size(); ++i) scores[i].push_back(row.scores[i]);
  }
  Table table;
  for (std::size_t i = 0; i < texts.size(); ++i) table.columns.push_back({kExampleTexts[i], std::move(texts[i])});
  if (clustered) table.columns.push_back({kCluster, std::move(clusters)});
  for (std::size_t i = 0; i < scores.size(); ++i) table.columns.push_back({result.score_names[i], std::move(scores[i])});
  return table;
}

}  // namespace temper::layout
