// Parts of a record as files of their own, and back (see run_record.h): what the stage cache keeps.
#include "host/record/image_file.h"
#include "host/record/layout.h"
#include "host/record/names.h"
#include "host/record/record_state.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPart = "part";
constexpr const char* kEvals = "evals";

void copy_object(hid_t from, const std::string& name, hid_t to, const std::string& link) {
  h5::require(H5Ocopy(from, name.c_str(), to, link.c_str(), H5P_DEFAULT, H5P_DEFAULT), "copy '" + name + "'");
}

void remove_link(hid_t group, const std::string& link) {
  if (h5::has_link(group, link)) h5::require(H5Ldelete(group, link.c_str(), H5P_DEFAULT), "replace '" + link + "'");
}

h5::Handle open_part(const h5::Handle& image, const fs::path& file) {
  if (!h5::has_link(image, kPart)) throw DataError("'" + file.string() + "' is no part of a record");
  return layout::open_group(image, kPart);
}

}  // namespace

void RunRecord::export_stage(const std::string& stage, const fs::path& file) {
  const h5::Session session;
  state_->write_log();
  const h5::Handle image = new_image();
  copy_object(layout::open_group(state_->file, "stages"), to_link_name(stage), image, kPart);
  remove_link(layout::open_group(image, kPart), kEvals);
  save_image(image, file, false);
}

void RunRecord::export_eval(const std::string& stage, const std::string& evaluator, const fs::path& file) {
  const h5::Session session;
  const h5::Handle image = new_image();
  copy_object(layout::open_group(layout::open_stage(state_->file, stage), kEvals), to_link_name(evaluator), image, kPart);
  save_image(image, file, false);
}

void RunRecord::import_stage(const fs::path& file, const std::string& stage) {
  const h5::Session session;
  const h5::Handle image = load_image(file, false);
  const h5::Handle part = open_part(image, file);
  const h5::Handle target = state_->stage(stage);
  const std::int64_t order = h5::attribute_integer(target, "order");
  const h5::Handle stages = layout::open_group(state_->file, "stages");
  const std::string link = to_link_name(stage), old = link + ".replaced";
  // The new one first, so that a failure on the way leaves the old one.
  h5::require(H5Lmove(stages, link.c_str(), stages, old.c_str(), H5P_DEFAULT, H5P_DEFAULT), "replace stage '" + stage + "'");
  copy_object(image, kPart, stages, link);
  const h5::Handle before = layout::open_group(stages, old), after = layout::open_group(stages, link);
  if (h5::has_link(before, kEvals)) copy_object(before, kEvals, after, kEvals);
  h5::set_attribute(after, "order", order);
  h5::set_attribute(after, "name", stage);
  remove_link(stages, old);
  state_->log[stage].clear();
  for (const auto& metric : layout::names_in(layout::open_stage(state_->file, stage), "log")) state_->log[stage][metric];
  state_->changed = true;
}

void RunRecord::import_eval(const fs::path& file, const std::string& stage, const std::string& evaluator) {
  const h5::Session session;
  const h5::Handle image = load_image(file, false);
  const h5::Handle part = open_part(image, file);
  const h5::Handle evals = h5::open_or_create_group(state_->stage(stage), kEvals);
  const std::string link = to_link_name(evaluator);
  remove_link(evals, link);
  copy_object(image, kPart, evals, link);
  h5::set_attribute(layout::open_group(evals, link), "name", evaluator);
  state_->changed = true;
}

}  // namespace temper
