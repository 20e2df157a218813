// Parts of a record as files of their own, and back (see run_record.h): what the stage cache keeps.
#include <algorithm>

#include "host/record/image_file.h"
#include "host/record/layout.h"
#include "host/record/names.h"
#include "host/record/record_state.h"

namespace temper {
namespace fs = std::filesystem;
namespace {

constexpr const char* kPart = "part";
constexpr const char* kEvals = "evals";

/// The raw values of an attribute or dataset in memory; what variable-length elements point to is freed with it.
class Values {
 public:
  Values(hid_t type, hid_t space) : type_(type), space_(space) {
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    bytes_.resize(static_cast<std::size_t>(std::max<hssize_t>(count, 1)) * H5Tget_size(type));
  }
  ~Values() { H5Dvlen_reclaim(type_, space_, H5P_DEFAULT, bytes_.data()); }
  Values(const Values&) = delete;
  Values& operator=(const Values&) = delete;
  void* data() { return bytes_.data(); }

 private:
  hid_t type_, space_;
  std::vector<char> bytes_;
};

void copy_attributes(hid_t from, hid_t to) {
  for (const auto& name : h5::attribute_names(from)) {
    const h5::Handle source = h5::own(H5Aopen(from, name.c_str(), H5P_DEFAULT), "open the attribute '" + name + "'");
    const h5::Handle type = h5::own(H5Aget_type(source), "read the type of '" + name + "'");
    const h5::Handle space = h5::own(H5Aget_space(source), "read the shape of '" + name + "'");
    Values values(type, space);
    h5::require(H5Aread(source, type, values.data()), "read the attribute '" + name + "'");
    const h5::Handle target =
        h5::own(H5Acreate2(to, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), "write the attribute '" + name + "'");
    h5::require(H5Awrite(target, type, values.data()), "write the attribute '" + name + "'");
  }
}

/// By reading and writing: H5Ocopy of HDF5 1.10.8 crashes on tables of variable-length texts that have several chunks,
/// compression and checksums.
void copy_object(hid_t parent, const std::string& name, hid_t to, const std::string& link) {
  const h5::Handle source = h5::own(H5Oopen(parent, name.c_str(), H5P_DEFAULT), "open '" + name + "'");
  if (H5Iget_type(source) == H5I_GROUP) {
    const h5::Handle target = h5::open_or_create_group(to, link);
    copy_attributes(source, target);
    for (const auto& child : h5::link_names(source)) copy_object(source, child, target, child);
    return;
  }
  const h5::Handle type = h5::own(H5Dget_type(source), "read the type of '" + name + "'");
  const h5::Handle space = h5::own(H5Dget_space(source), "read the shape of '" + name + "'");
  const h5::Handle layout = h5::own(H5Dget_create_plist(source), "read the layout of '" + name + "'");
  const h5::Handle target =
      h5::own(H5Dcreate2(to, link.c_str(), type, space, H5P_DEFAULT, layout, H5P_DEFAULT), "copy '" + name + "'");
  copy_attributes(source, target);
  if (H5Sget_simple_extent_npoints(space) == 0) return;
  Values values(type, space);
  h5::require(H5Dread(source, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "read '" + name + "'");
  h5::require(H5Dwrite(target, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()), "copy '" + name + "'");
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
  state_->log.erase(stage);  // one that was stopped early has declared no metric yet
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
