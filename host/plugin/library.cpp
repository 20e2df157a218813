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
  if (file_tag != text_or_empty(plugin.abi_tag)) {
    throw PluginError("its descriptor has the ABI tag '" + std::string(text_or_empty(plugin.abi_tag)) +
                      "', its file the tag '" + file_tag + "'; rebuild it");
  }
  const auto need = [](bool there, const std::string& name) {
    if (!there) throw PluginError("its descriptor has no " + name);
  };
  need(*text_or_empty(plugin.id) != '\0', "id");
  need(*text_or_empty(plugin.version) != '\0', "version");
  need(plugin.register_all != nullptr, "register_all function");
}

/// Opens the library for good: see the header for why it is never closed.
const boost::dll::shared_library& open_for_good(const std::filesystem::path& file) {
  auto library = std::make_unique<boost::dll::shared_library>();
  try {
    library->load(boost::dll::fs::path(std::filesystem::absolute(file).string()),
                  boost::dll::load_mode::rtld_now | boost::dll::load_mode::rtld_local);
  } catch (const std::exception& why) {
    throw PluginError(std::string("the dynamic linker refused it: ") + why.what());
  }
  return *library.release();
}

}  // namespace

void check_plugin_path_safety(const std::filesystem::path& file) {
  const std::filesystem::path given = std::filesystem::absolute(file);
  check_one(given.parent_path(), "plugin folder");
  check_one(given, "plugin file");
  // A link is only as safe as the place it leads to.
  const std::filesystem::path real = std::filesystem::canonical(given);
  if (real.parent_path() != given.parent_path()) check_one(real.parent_path(), "plugin folder");
}

std::string check_abi(const std::filesystem::path& file) {
  const auto tag = read_abi_tag(file);
  if (!tag) {
    throw PluginError(
        "it has no ABI tag, so it is no temper plugin; its main file has to open with TEMPER_PLUGIN(id, version)");
  }
  const std::string mismatch = describe_abi_mismatch(*tag, host_abi_tag());
  if (!mismatch.empty()) throw PluginError(mismatch + "\n" + rebuild_command(file));
  return *tag;
}

void load_library(const std::filesystem::path& file, Registry& registry) {
  check_plugin_path_safety(file);
  const std::string tag = check_abi(file);
  const auto& library = open_for_good(file);
  if (!library.has("temper_plugin")) {
    throw PluginError(
        "it does not export the symbol temper_plugin; its main file has to open with TEMPER_PLUGIN(id, version)");
  }
  const auto& plugin = library.get<const TemperPlugin>("temper_plugin");
  check_descriptor(plugin, tag);

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
  info->abi_tag = tag;
  info->path = std::filesystem::absolute(file);
  // All or nothing: a copy takes the additions and replaces the registry only when every one was accepted.
  Registry next = registry;
  for (auto& registration : collector.registrations) next.add(std::move(registration), info);
  registry = std::move(next);
}

}  // namespace temper
