// HDF5 handles, errors and attributes (see hdf5.h).
#include "host/record/hdf5.h"

#include <unicode/utf8.h>

#include <charconv>

#include "temper/error.h"

namespace temper::h5 {
namespace {

herr_t keep_first(unsigned, const H5E_error2_t* error, void* text) {
  auto& kept = *static_cast<std::string*>(text);
  if (kept.empty() && error->desc != nullptr) kept = error->desc;
  return 0;
}

herr_t collect_link(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

herr_t collect_attribute(hid_t, const char* name, const H5A_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

Handle scalar_space() { return own(H5Screate(H5S_SCALAR), "make a dataspace"); }

void drop_attribute(hid_t object, const std::string& name) {
  if (has_attribute(object, name)) require(H5Adelete(object, name.c_str()), "replace attribute '" + name + "'");
}

void write_attribute(hid_t object, const std::string& name, hid_t type, hid_t space, const void* data) {
  drop_attribute(object, name);
  const std::string action = "write attribute '" + name + "'";
  const Handle attribute = own(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), action);
  require(H5Awrite(attribute, type, data), action);
}

Handle open_attribute(hid_t object, const std::string& name) {
  if (!has_attribute(object, name)) throw DataError("the record has no attribute '" + name + "'");
  return own(H5Aopen(object, name.c_str(), H5P_DEFAULT), "open attribute '" + name + "'");
}

template <class Number>
std::string shortest(Number value) {
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

/// One text out of memory that HDF5 filled for `type` (a string of either kind, or a byte sequence).
std::string take_text(hid_t type, hid_t space, void* memory, const std::string& what) {
  std::string text;
  if (H5Tget_class(type) == H5T_VLEN) {
    const auto* bytes = static_cast<const hvl_t*>(memory);
    text.assign(static_cast<const char*>(bytes->p), bytes->len);
  } else if (const auto* characters = *static_cast<char**>(memory); characters != nullptr) {
    text = characters;
  }
  require(H5Dvlen_reclaim(type, space, H5P_DEFAULT, memory), "read " + what);
  return text;
}

}  // namespace

Session::Session() {
  static std::recursive_mutex mutex;
  lock_ = std::unique_lock(mutex);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string last_error() {
  std::string text;
  H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, &text);
  H5Eclear2(H5E_DEFAULT);
  return text.empty() ? "no reason given" : text;
}

Handle own(hid_t id, const std::string& action) {
  if (id < 0) throw DataError("cannot " + action + ": HDF5 says: " + last_error());
  return Handle(id);
}

void require(herr_t result, const std::string& action) {
  if (result < 0) throw DataError("cannot " + action + ": HDF5 says: " + last_error());
}

Handle text_type() {
  Handle type = own(H5Tcopy(H5T_C_S1), "make a text type");
  require(H5Tset_size(type, H5T_VARIABLE), "make a text type");
  require(H5Tset_cset(type, H5T_CSET_UTF8), "make a text type");
  return type;
}

Handle bytes_type() { return own(H5Tvlen_create(H5T_NATIVE_UINT8), "make a byte type"); }

bool is_clean_text(const std::string& text) {
  const auto size = static_cast<std::int32_t>(text.size());
  for (std::int32_t i = 0; i < size;) {
    UChar32 character = 0;
    U8_NEXT(text.data(), i, size, character);
    if (character <= 0) return false;
  }
  return true;
}

bool has_link(hid_t parent, const std::string& name) {
  const htri_t found = H5Lexists(parent, name.c_str(), H5P_DEFAULT);
  require(found < 0 ? -1 : 0, "look for '" + name + "'");
  return found > 0;
}

Handle open_or_create_group(hid_t parent, const std::string& name) {
  if (has_link(parent, name)) return own(H5Gopen2(parent, name.c_str(), H5P_DEFAULT), "open group '" + name + "'");
  return own(H5Gcreate2(parent, name.c_str(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), "create group '" + name + "'");
}

std::vector<std::string> link_names(hid_t group) {
  std::vector<std::string> names;
  require(H5Literate(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_link, &names), "list a group");
  return names;
}

bool has_attribute(hid_t object, const std::string& name) {
  const htri_t found = H5Aexists(object, name.c_str());
  require(found < 0 ? -1 : 0, "look for attribute '" + name + "'");
  return found > 0;
}

void set_attribute(hid_t object, const std::string& name, const std::string& value) {
  if (is_clean_text(value)) {
    const char* text = value.c_str();
    write_attribute(object, name, text_type(), scalar_space(), &text);
    return;
  }
  const hvl_t bytes{value.size(), const_cast<char*>(value.data())};
  write_attribute(object, name, bytes_type(), scalar_space(), &bytes);
}

void set_attribute(hid_t object, const std::string& name, const std::vector<std::string>& values) {
  std::vector<const char*> texts;
  for (const auto& value : values) texts.push_back(value.c_str());
  const hsize_t count = texts.size();
  const Handle space = own(H5Screate_simple(1, &count, nullptr), "make a dataspace");
  const char* nothing = nullptr;
  write_attribute(object, name, text_type(), space, texts.empty() ? &nothing : texts.data());
}

void set_attribute(hid_t object, const std::string& name, std::int64_t value) {
  write_attribute(object, name, H5T_NATIVE_INT64, scalar_space(), &value);
}

void set_attribute(hid_t object, const std::string& name, std::uint64_t value) {
  write_attribute(object, name, H5T_NATIVE_UINT64, scalar_space(), &value);
}

void set_attribute(hid_t object, const std::string& name, double value) {
  write_attribute(object, name, H5T_NATIVE_DOUBLE, scalar_space(), &value);
}

std::vector<std::string> attribute_names(hid_t object) {
  std::vector<std::string> names;
  require(H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect_attribute, &names), "list attributes");
  return names;
}

std::string attribute_text(hid_t object, const std::string& name) {
  const Handle attribute = open_attribute(object, name);
  const std::string action = "read attribute '" + name + "'";
  const Handle type = own(H5Aget_type(attribute), action);
  const Handle space = own(H5Aget_space(attribute), action);
  if (H5Sget_simple_extent_type(space) != H5S_SCALAR) throw DataError("attribute '" + name + "' is not a single value");
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_INTEGER && H5Tget_sign(type) == H5T_SGN_NONE) {
    std::uint64_t value = 0;
    require(H5Aread(attribute, H5T_NATIVE_UINT64, &value), action);
    return shortest(value);
  }
  if (kind == H5T_INTEGER) return shortest(attribute_integer(object, name));
  if (kind == H5T_FLOAT) return shortest(attribute_number(object, name));
  const bool text = kind == H5T_STRING && H5Tis_variable_str(type) > 0;
  if (!text && kind != H5T_VLEN) throw DataError("attribute '" + name + "' is of a type that temper does not write");
  hvl_t memory{0, nullptr};
  const Handle memory_type = text ? text_type() : bytes_type();
  require(H5Aread(attribute, memory_type, &memory), action);
  return take_text(memory_type, space, &memory, "attribute '" + name + "'");
}

std::vector<std::string> attribute_texts(hid_t object, const std::string& name) {
  const Handle attribute = open_attribute(object, name);
  const std::string action = "read attribute '" + name + "'";
  const Handle space = own(H5Aget_space(attribute), action);
  const hssize_t count = H5Sget_simple_extent_npoints(space);
  require(count < 0 ? -1 : 0, action);
  std::vector<std::string> values;
  if (count == 0) return values;
  std::vector<char*> texts(static_cast<std::size_t>(count), nullptr);
  const Handle type = text_type();
  require(H5Aread(attribute, type, texts.data()), action);
  for (const char* text : texts) values.emplace_back(text == nullptr ? "" : text);
  require(H5Dvlen_reclaim(type, space, H5P_DEFAULT, texts.data()), action);
  return values;
}

double attribute_number(hid_t object, const std::string& name) {
  double value = 0;
  require(H5Aread(open_attribute(object, name), H5T_NATIVE_DOUBLE, &value), "read attribute '" + name + "'");
  return value;
}

std::int64_t attribute_integer(hid_t object, const std::string& name) {
  std::int64_t value = 0;
  require(H5Aread(open_attribute(object, name), H5T_NATIVE_INT64, &value), "read attribute '" + name + "'");
  return value;
}

void write_text(hid_t parent, const std::string& name, const std::string& text) {
  const std::string action = "write '" + name + "'";
  const bool clean = is_clean_text(text);
  const Handle type = clean ? text_type() : bytes_type();
  const Handle dataset =
      own(H5Dcreate2(parent, name.c_str(), type, scalar_space(), H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT), action);
  const char* characters = text.c_str();
  const hvl_t bytes{text.size(), const_cast<char*>(text.data())};
  const void* data = clean ? static_cast<const void*>(&characters) : &bytes;
  require(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data), action);
}

std::string read_text(hid_t parent, const std::string& name) {
  const std::string action = "read '" + name + "'";
  const Handle dataset = own(H5Dopen2(parent, name.c_str(), H5P_DEFAULT), action);
  const Handle stored = own(H5Dget_type(dataset), action);
  const Handle type = H5Tget_class(stored) == H5T_VLEN ? bytes_type() : text_type();
  const Handle space = own(H5Dget_space(dataset), action);
  hvl_t memory{0, nullptr};
  require(H5Dread(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, &memory), action);
  return take_text(type, space, &memory, "'" + name + "'");
}

}  // namespace temper::h5
