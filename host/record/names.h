// Names of stages, evaluators and metrics as HDF5 link names. HDF5 takes '/' as a path and '.' as the group itself, so
// those are written as %XX; the exact name is kept in the attribute `name` of the object.
#pragma once

#include <string>

namespace temper {

/// "lr=0.1/bs=2" -> "lr=0.1%2Fbs=2", ".." -> "%2E%2E", "" -> "%". One link name for one name, and back.
std::string to_link_name(const std::string& name);
std::string from_link_name(const std::string& link);

}  // namespace temper
