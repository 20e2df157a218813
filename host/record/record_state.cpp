// A record's state in memory (see record_state.h).
#include "host/record/record_state.h"

#include "host/record/layout.h"
#include "host/record/names.h"

namespace temper {

Table log_table(Series series) { return {{{"step", std::move(series.steps)}, {"value", std::move(series.values)}}}; }

h5::Handle open_log(hid_t stage, const std::string& metric) {
  const h5::Handle group = layout::open_group(stage, "log");
  return h5::own(H5Dopen2(group, to_link_name(metric).c_str(), H5P_DEFAULT), "open the log of '" + metric + "'");
}

h5::Handle RunRecord::State::stage(const std::string& name) {
  if (layout::has_stage(file, name)) return layout::open_stage(file, name);
  const h5::Handle stages = layout::open_group(file, "stages");
  const auto order = static_cast<std::int64_t>(h5::link_names(stages).size());
  h5::Handle group = h5::open_or_create_group(stages, to_link_name(name));
  h5::set_attribute(group, "name", name);
  h5::set_attribute(group, "order", order);
  h5::set_attribute(group, "plugin", std::string());
  h5::set_attribute(group, "parents", std::vector<std::string>());
  h5::set_attribute(group, "status", std::string("running"));
  return group;
}

void RunRecord::State::write_log() {
  for (auto& [stage_name, metrics] : log) {
    for (auto& [metric, series] : metrics) {
      if (series.steps.empty()) continue;
      h5::append_rows(open_log(stage(stage_name), metric), log_table(std::move(series)));
      series = {};
    }
  }
}

void RunRecord::State::save() {
  write_log();
  if (!path.empty()) save_image(file, path, false);
  changed = false;
}

}  // namespace temper
