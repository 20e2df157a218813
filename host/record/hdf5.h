// The HDF5 C library in C++ manners: handles that close themselves, failures as DataError with HDF5's own reason and nothing
// printed, one lock around a library that is not thread-safe, and text attributes. Used only inside host/record.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace temper::h5 {

/// Owns an HDF5 id of any type.
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(id_, other.id_);
    return *this;
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle() {
    if (id_ >= 0) H5Idec_ref(id_);
  }
  operator hid_t() const { return id_; }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

/// Held while HDF5 is in use: the library keeps global state and Debian builds it without thread safety. Also turns off
/// HDF5's printing of errors.
class Session {
 public:
  Session();

 private:
  std::unique_lock<std::recursive_mutex> lock_;
};

/// HDF5's reason for the last failure, as short as it gets; clears the error stack.
std::string last_error();
/// Throws DataError "cannot ACTION: HDF5 says ..." if `id` is negative.
Handle own(hid_t id, const std::string& action);
void require(herr_t result, const std::string& action);

Handle text_type();   ///< variable-length UTF-8
Handle bytes_type();  ///< variable-length sequence of uint8, for text that is not clean
/// Valid UTF-8 without NUL: what every HDF5 reader shows as text.
bool is_clean_text(const std::string& text);

bool has_link(hid_t parent, const std::string& name);
Handle open_or_create_group(hid_t parent, const std::string& name);
std::vector<std::string> link_names(hid_t group);

/// Attributes; an existing one is replaced. Texts are variable-length, so their size has no limit that could damage the
/// file; one that is not clean is stored as bytes.
void set_attribute(hid_t object, const std::string& name, const std::string& value);
void set_attribute(hid_t object, const std::string& name, const std::vector<std::string>& values);
void set_attribute(hid_t object, const std::string& name, std::int64_t value);
void set_attribute(hid_t object, const std::string& name, std::uint64_t value);
void set_attribute(hid_t object, const std::string& name, double value);
bool has_attribute(hid_t object, const std::string& name);
std::vector<std::string> attribute_names(hid_t object);
/// Any scalar attribute as text; numbers in their shortest exact form.
std::string attribute_text(hid_t object, const std::string& name);
std::vector<std::string> attribute_texts(hid_t object, const std::string& name);
double attribute_number(hid_t object, const std::string& name);
std::int64_t attribute_integer(hid_t object, const std::string& name);

/// A scalar text dataset.
void write_text(hid_t parent, const std::string& name, const std::string& text);
std::string read_text(hid_t parent, const std::string& name);

}  // namespace temper::h5
