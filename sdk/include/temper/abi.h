// The binary contract between the host and a plugin library: one tag in the file's bytes, one exported symbol.
// The host reads the tag before dlopen and loads only on an exact match, because C++ objects and tensors cross the
// boundary: a mismatch found later would be a crash. A loaded library is never unloaded (autograd nodes created in a
// plugin outlive its objects). Written by TEMPER_PLUGIN in plugin.h; read by host/plugin.
#pragma once

#include <cstdint>

namespace temper {
class Registrar;
}

extern "C" {

/// What the exported symbol `temper_plugin` holds. Fields are only ever appended.
struct TemperPlugin {
  std::uint32_t struct_size;                 ///< sizeof(TemperPlugin) when the plugin was built
  std::uint32_t descriptor_version;          ///< kDescriptorVersion when the plugin was built
  const char* abi_tag;                       ///< the same text as in the file's `.temper_abi` section
  const char* id;                            ///< [a-z][a-z0-9_]*, equal to the plugin's folder name
  const char* version;                       ///< the plugin's own version
  const char* source;                        ///< commit and dirty flag, or "unknown"; goes into the record
  void (*register_all)(temper::Registrar&);  ///< called once, after the tag matched; may throw
};

}  // extern "C"

namespace temper {
inline constexpr std::uint32_t kDescriptorVersion = 1;
}
