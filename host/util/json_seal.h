// A JSON file's check sum of itself: the SHA-256 of everything else in it, in its last entry. Only who verifies looks at it,
// so a file that somebody changed by hand still works.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "temper/hash.h"

namespace temper {

inline constexpr const char* kJsonSeal = "own_sha256";

inline std::string seal_of_json(nlohmann::ordered_json json) {
  json.erase(kJsonSeal);
  return sha256_hex(json.dump());
}
inline void seal_json(nlohmann::ordered_json& json) { json[kJsonSeal] = seal_of_json(json); }
/// Empty if it holds; else a sentence.
inline std::string fault_of_json(const nlohmann::ordered_json& json) {
  if (!json.contains(kJsonSeal)) return "it has no check sum of its own: it is damaged, or an older version wrote it";
  if (json.at(kJsonSeal) == seal_of_json(json)) return "";
  return "it is damaged or was changed by hand: it does not match its own check sum";
}

}  // namespace temper
