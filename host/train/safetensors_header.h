// The JSON header of a safetensors file: read strictly, as a stream of events, so that its cost stays near its own size
// whatever it says; and the names of the number types. Used by safetensors.cpp alone.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "host/train/safetensors.h"

namespace temper {

struct SafetensorsHeader {
  std::map<std::string, TensorEntry> entries;  ///< offsets are those of the data, as written
  std::map<std::string, std::string> metadata;
};

const char* safetensors_type_name(at::ScalarType type);
/// Calls `refuse` (which throws) with what is wrong. `data_size` is the number of bytes that follow the header.
SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_size,
                                           const std::function<void(const std::string&)>& refuse);

}  // namespace temper
