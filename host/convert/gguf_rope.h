// Rotary scaling in a GGUF file: metadata for linear scaling, a tensor of factors for Llama 3's. Used by gguf_model.cpp.
#pragma once

#include <nlohmann/json.hpp>

#include "host/convert/gguf.h"

namespace temper {

/// The object `rope_scaling` of a config.json, or null for none. Throws DataError if the file's scaling has no such form.
nlohmann::ordered_json rope_scaling_of(const GgufFile& file, const std::string& architecture, double base,
                                       std::int64_t head_width);

}  // namespace temper
