// Every plugin class by kind and id. Filled while libraries load, then frozen and read from any thread without a lock.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "host/plugin/catalog.h"
#include "temper/params.h"
#include "temper/registrar.h"

namespace temper {

/// The library a registration came from.
struct PluginInfo {
  std::string id, version, source, abi_tag;
  std::filesystem::path path;
  const std::string& sha256() const;  ///< of the file, computed when first asked, by whichever thread

 private:
  mutable std::once_flag hashed_;
  mutable std::string sha256_;
};

class Registry final : public PluginCatalog {
 public:
  /// Throws PluginError: bad id, bad parameter spec, or a (kind, id) that another library already has (names both files).
  void add(Registration registration, std::shared_ptr<const PluginInfo> info);
  void freeze() { frozen_ = true; }
  /// Why `kind` `id` is missing although a file for it was found; find() says so.
  void add_failure(const std::filesystem::path& file, const std::string& message);
  /// Throws PluginError with the reason if a file named for this plugin (KIND_ID.so) could not be loaded.
  void explain_failure(std::string_view kind, std::string_view id) const;

  const Registration* lookup(std::string_view kind, std::string_view id) const override;
  std::vector<std::string> ids(std::string_view kind) const override;
  std::vector<const Registration*> list() const;  ///< by kind, then id

  /// Throws ConfigError with the nearest id and all ids of the kind.
  const Registration& find(std::string_view kind, std::string_view id) const;
  const PluginInfo& origin(std::string_view kind, std::string_view id) const;

  template <class Interface>
  std::unique_ptr<Interface> make(const std::string& id, const ParamValues& values,
                                  const typename Interface::Args& args) const {
    const Registration& registration = find(Interface::kKind, id);
    const auto& factory = static_cast<const FactoryOf<Interface>&>(*registration.factory);
    auto instance = factory.make(values, args);
    if (!instance) throw PluginError("plugin '" + id + "' made no " + std::string(Interface::kKind));
    return instance;
  }

 private:
  struct Entry {
    Registration registration;
    std::shared_ptr<const PluginInfo> info;
  };
  const Entry& entry(std::string_view kind, std::string_view id) const;

  std::map<std::pair<std::string, std::string>, Entry> entries_;
  std::vector<std::pair<std::filesystem::path, std::string>> failures_;
  bool frozen_ = false;
};

}  // namespace temper
