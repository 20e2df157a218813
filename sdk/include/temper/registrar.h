// How a plugin hands its classes to the host: one explicit call per class, inside the function that TEMPER_PLUGIN opens.
// Nothing registers itself from a static constructor. The host rejects bad ids, bad parameter specs and duplicates at
// once; after all libraries are loaded the registry is frozen and then read from any thread without a lock.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "temper/params.h"

namespace temper {

/// Type-erased factory; `FactoryOf<Interface>` is what it really is.
struct TEMPER_API FactoryBase {
  virtual ~FactoryBase();
};

/// Makes one instance from complete, checked values and the arguments that its kind defines.
template <class Interface>
struct FactoryOf final : FactoryBase {
  std::function<std::unique_ptr<Interface>(const ParamValues&, const typename Interface::Args&)> make;
};

struct ImportedConfig;
using ConfigImport = std::function<std::optional<ImportedConfig>(const std::string& config_json)>;

struct Registration {
  std::string kind;     ///< Interface::kKind
  std::string id;       ///< what users write in an experiment
  std::string summary;  ///< one sentence
  std::vector<ParamSpec> specs;
  std::shared_ptr<const FactoryBase> factory;
  /// Throws ConfigError where complete values break a rule over several parameters, without making an instance.
  std::function<void(const ParamValues&)> check_rules = {};
  /// Architectures only: reads the text of a Hugging Face config.json. Nothing if the model type is another architecture's;
  /// throws ConfigError if it is this one's but a setting is not supported, naming the setting.
  ConfigImport from_hugging_face = {};
};

/// [load] Lives only during register_all.
class TEMPER_API Registrar {
 public:
  virtual ~Registrar();

  /// `make` gets the filled-in struct: `std::unique_ptr<Interface>(const Params&, const Interface::Args&)`.
  template <class Interface, class Params, class Make>
  void add(std::string id, std::string summary, const ParamTable<Params>& table, Make make,
           ConfigImport from_hugging_face = {}) {
    auto factory = std::make_shared<FactoryOf<Interface>>();
    factory->make = [table, make = std::move(make)](const ParamValues& values,
                                                    const typename Interface::Args& args) -> std::unique_ptr<Interface> {
      return make(table.parse(values), args);
    };
    add_registration({std::string(Interface::kKind), std::move(id), std::move(summary), table.specs(), std::move(factory),
                      [table](const ParamValues& values) { table.parse(values); }, std::move(from_hugging_face)});
  }

 protected:
  virtual void add_registration(Registration registration) = 0;
};

}  // namespace temper
