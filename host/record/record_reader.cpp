// Reading a record (see record_reader.h).
#include "host/record/record_reader.h"

#include "host/record/image_file.h"
#include "host/record/layout.h"
#include "host/record/names.h"
#include "host/record/table.h"

namespace temper {

struct RecordReader::State {
  std::filesystem::path path;
  h5::Handle file;
};

RecordReader::RecordReader(const std::filesystem::path& path) : state_(std::make_unique<State>()) {
  const h5::Session session;
  state_->path = path;
  state_->file = load_image(path, false);
  layout::check_schema(state_->file, path.string());
}

RecordReader::~RecordReader() {
  const h5::Session session;
  state_.reset();
}

const std::filesystem::path& RecordReader::path() const { return state_->path; }

std::string RecordReader::attribute(const std::string& name) const {
  const h5::Session session;
  return h5::attribute_text(state_->file, name);
}

std::map<std::string, std::string> RecordReader::attributes() const {
  const h5::Session session;
  std::map<std::string, std::string> all;
  for (const auto& name : h5::attribute_names(state_->file)) all[name] = h5::attribute_text(state_->file, name);
  return all;
}

std::string RecordReader::config_source() const {
  const h5::Session session;
  return h5::read_text(layout::open_group(state_->file, "config"), "source");
}

std::vector<ResolvedRow> RecordReader::resolved() const {
  const h5::Session session;
  const Table table = h5::read_table(layout::open_group(state_->file, "config"), "resolved");
  std::vector<ResolvedRow> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({table.texts("key")[i], table.texts("value")[i], table.texts("source")[i], table.texts("where")[i]});
  }
  return rows;
}

std::vector<PluginRow> RecordReader::plugins() const {
  const h5::Session session;
  return layout::read_plugins(state_->file);
}

std::vector<DataRow> RecordReader::data() const {
  const h5::Session session;
  std::vector<DataRow> rows;
  if (!h5::has_link(state_->file, "data")) return rows;
  const Table table = h5::read_table(state_->file, "data");
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({table.texts("name")[i], table.texts("path")[i], table.texts("sha256")[i], table.integers("documents")[i],
                    table.integers("bytes")[i], table.integers("tokens")[i]});
  }
  return rows;
}

std::vector<LedgerRow> RecordReader::ledger() const {
  const h5::Session session;
  std::vector<LedgerRow> rows;
  if (!h5::has_link(state_->file, "ledger")) return rows;
  const h5::Handle group = layout::open_group(state_->file, "ledger");
  const Table filters = h5::read_table(group, "filters"), reasons = h5::read_table(group, "reasons");
  for (std::size_t i = 0; i < filters.rows(); ++i) {
    LedgerRow row{filters.texts("name")[i],        filters.texts("plugin")[i],    filters.integers("documents")[i],
                  filters.integers("dropped")[i],  filters.integers("edited")[i], filters.integers("bytes_in")[i],
                  filters.integers("bytes_out")[i]};
    for (std::size_t k = 0; k < reasons.rows(); ++k) {
      if (reasons.texts("filter")[k] != row.name) continue;
      row.reasons.push_back({reasons.texts("kind")[k], reasons.texts("name")[k], reasons.numbers("value")[k]});
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<std::string> RecordReader::stage_names() const {
  const h5::Session session;
  return layout::stage_names(state_->file);
}

StageSummary RecordReader::stage(const std::string& name) const {
  const h5::Session session;
  return layout::read_stage(state_->file, name);
}

std::vector<NoteRow> RecordReader::notes(const std::string& stage) const {
  const h5::Session session;
  const h5::Handle group = layout::open_stage(state_->file, stage);
  std::vector<NoteRow> rows;
  if (!h5::has_link(group, "notes")) return rows;
  const Table table = h5::read_table(group, "notes");
  for (std::size_t i = 0; i < table.rows(); ++i) rows.push_back({table.texts("time")[i], table.texts("text")[i]});
  return rows;
}

StageSamples RecordReader::samples(const std::string& stage) const {
  const h5::Session session;
  const Table table = layout::read_optional_table(layout::open_stage(state_->file, stage), "samples");
  StageSamples result;
  constexpr std::size_t kFixedColumns = 3;
  for (std::size_t c = kFixedColumns; c < table.columns.size(); ++c) result.score_names.push_back(table.columns[c].name);
  for (std::size_t i = 0; i < table.rows(); ++i) {
    StepSample sample{table.integers("step")[i], {table.texts("prompt")[i], table.texts("response")[i], {}}};
    for (const auto& name : result.score_names) sample.row.scores.push_back(table.numbers(name)[i]);
    result.samples.push_back(std::move(sample));
  }
  return result;
}

std::vector<Sentinel> RecordReader::sentinels(const std::string& stage) const {
  const h5::Session session;
  const Table table = layout::read_optional_table(layout::open_stage(state_->file, stage), "sentinels");
  std::vector<Sentinel> result;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    result.push_back({table.texts("name")[i], table.numbers("value")[i], table.numbers("limit")[i],
                      table.integers("passed")[i] != 0, table.texts("evidence")[i]});
  }
  return result;
}

std::vector<std::string> RecordReader::log_names(const std::string& stage) const {
  const h5::Session session;
  return layout::names_in(layout::open_stage(state_->file, stage), "log");
}

MetricSpec RecordReader::log_spec(const std::string& stage, const std::string& metric) const {
  const h5::Session session;
  const h5::Handle group = layout::open_group(layout::open_stage(state_->file, stage), "log");
  const h5::Handle dataset =
      h5::own(H5Dopen2(group, to_link_name(metric).c_str(), H5P_DEFAULT), "open the log of '" + metric + "'");
  return {h5::attribute_text(dataset, "name"), h5::attribute_text(dataset, "unit"), h5::attribute_text(dataset, "doc"),
          layout::to_better(h5::attribute_integer(dataset, "higher_is_better"))};
}

std::vector<LogPoint> RecordReader::log(const std::string& stage, const std::string& metric) const {
  const h5::Session session;
  const Table table =
      h5::read_table(layout::open_group(layout::open_stage(state_->file, stage), "log"), to_link_name(metric));
  std::vector<LogPoint> points;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    points.push_back({table.integers("step")[i], table.numbers("value")[i]});
  }
  return points;
}

std::vector<std::string> RecordReader::evaluators(const std::string& stage) const {
  const h5::Session session;
  return layout::names_in(layout::open_stage(state_->file, stage), "evals");
}

EvalResult RecordReader::eval(const std::string& stage, const std::string& evaluator) const {
  const h5::Session session;
  return layout::read_eval(state_->file, stage, evaluator, true);
}

EvalResult RecordReader::scores(const std::string& stage, const std::string& evaluator) const {
  const h5::Session session;
  return layout::read_eval(state_->file, stage, evaluator, false);
}

}  // namespace temper
