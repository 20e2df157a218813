// Opening plugin libraries (see library.h).
#define BOOST_DLL_USE_STD_FS
#include "host/plugin/library.h"

#include <sys/stat.h>
#include <unistd.h>

#include <boost/dll/shared_library.hpp>
#include <cerrno>
#include <cstring>
#include <string>
#include <vector>

#include "host/plugin/abi_probe.h"
#include "temper/abi.h"
#include "temper/error.h"

namespace temper {
namespace {

void check_one(const std::filesystem::path& path, const std::string& what) {
  struct stat info {};
  if (stat(path.c_str(), &info) != 0) {
    throw PluginError(what + " '" + path.string() + "' cannot be read: " + std::strerror(errno));
  }
  if ((info.st_mode & S_IWOTH) != 0) {
    throw PluginError(what + " '" + path.string() +
                      "' may be written by everybody, so its code cannot be trusted; chmod o-w it");
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    throw PluginError(what + " '" + path.string() + "' belongs to another user (uid " + std::to_string(info.st_uid) +
                      "), so its code cannot be trusted; copy it into a folder of your own");
  }
}

/// Collects a library's registrations, so that a library that fails half-way leaves nothing behind.
class Collector final : public Registrar {
 public:
  std::vector<Registration> registrations;

 private:
  void add_registration(Registration registration) override { registrations.push_back(std::move(registration)); }
};

const char* text_or_empty(const char* text) { return text == nullptr ? "" : text; }

void check_descriptor(const TemperPlugin& plugin, const std::string& file_tag) {
  if (plugin.struct_size != sizeof(TemperPlugin) || plugin.descriptor_version != kDescriptorVersion) {
    throw PluginError("its descriptor has version " + std::to_string(plugin.descriptor_version) + " and " +
                      std::to_string(plugin.struct_size) + " bytes, this program expects version " +
                      std::to_string(kDescriptorVersion) + " and " + std::to_string(sizeof(TemperPlugin)) +
                      " bytes; rebuild it");
  }
  if (file_tag != text_or_empty(plugin.abi_tag))
    throw PluginError("its descriptor and its file carry different ABI tags; rebuild it");
  const auto need = [](const void* field, const std::string& name) {
    if (field == nullptr) throw PluginError("its descriptor has no " + name);
  };
  need(plugin.id, "id");
  need(plugin.version, "version");
  need(reinterpret_cast<const void*>(plugin.register_all), "register_all function");
  if (*plugin.id == '\0') throw PluginError("its descriptor has an empty id");
  if (*plugin.version == '\0') throw PluginError("its descriptor has an empty version");
}

}  // namespace

void check_plugin_path_safety(const std::filesystem::path& file) {
  const std::filesystem::path real = std::filesystem::absolute(file);
  check_one(real.parent_path(), "plugin folder");
  check_one(real, "plugin file");
}

void load_library(const std::filesystem::path& file, Registry& registry) {
  check_plugin_path_safety(file);
  const auto tag = read_abi_tag(file);
  if (!tag) {
    throw PluginError(
        "it has no ABI tag, so it is no temper plugin; its main file has to open with TEMPER_PLUGIN(id, version)");
  }
  const std::string mismatch = describe_abi_mismatch(*tag, host_abi_tag());
  if (!mismatch.empty()) throw PluginError(mismatch);

  auto library = std::make_unique<boost::dll::shared_library>();
  boost::dll::fs::error_code error;
  library->load(boost::dll::fs::path(std::filesystem::absolute(file).string()), error,
                boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  if (error) {
    // The error code says only "bad file"; loading again by the throwing way brings the linker's own words.
    try {
      library->load(boost::dll::fs::path(std::filesystem::absolute(file).string()),
                    boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
    } catch (const std::exception& why) {
      throw PluginError(std::string("the dynamic linker refused it: ") + why.what());
    }
  }
  // Never closed: see the header.
  const auto& kept = *library.release();
  if (!kept.has("temper_plugin")) {
    throw PluginError(
        "it does not export the symbol temper_plugin; its main file has to open with TEMPER_PLUGIN(id, version)");
  }
  const auto& plugin = kept.get<const TemperPlugin>("temper_plugin");
  check_descriptor(plugin, *tag);

  Collector collector;
  try {
    plugin.register_all(collector);
  } catch (const std::exception& why) {
    throw PluginError(std::string("its registration failed: ") + why.what());
  } catch (...) {
    throw PluginError("its registration failed with an exception of unknown type");
  }
  if (collector.registrations.empty()) throw PluginError("it registers nothing");
  auto info = std::make_shared<PluginInfo>();
  info->id = plugin.id;
  info->version = plugin.version;
  info->source = text_or_empty(plugin.source);
  info->abi_tag = *tag;
  info->path = std::filesystem::absolute(file);
  // All or nothing: a copy takes the additions and replaces the registry only when every one was accepted.
  Registry next = registry;
  for (auto& registration : collector.registrations) next.add(std::move(registration), info);
  registry = std::move(next);
}

}  // namespace temper
