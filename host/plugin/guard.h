// The exception boundary between host and plugin: whatever leaves a plugin's method gets the plugin's id, and what is not
// one of temper's errors becomes a PluginError that names the method. Header-only because it wraps any callable.
#pragma once

#include <c10/util/Exception.h>

#include <exception>
#include <string>
#include <utility>

#include "temper/error.h"

namespace temper {

template <class Function>
auto guarded(const std::string& plugin, const std::string& method, Function&& function) -> decltype(function()) {
  const auto named = [&](const std::string& text) {
    const std::string prefix = "plugin '" + plugin + "': ";
    return text.rfind("plugin '", 0) == 0 ? text : prefix + text;
  };
  try {
    return std::forward<Function>(function)();
  } catch (const ConfigError& error) {
    throw ConfigError(named(error.what()));
  } catch (const DataError& error) {
    throw DataError(named(error.what()));
  } catch (const PluginError& error) {
    throw PluginError(named(error.what()));
  } catch (const Cancelled&) {
    throw;  // the user's wish, not the plugin's doing
  } catch (const Error&) {
    throw;  // of no kind that plugins throw: the host's own, such as another rank that is gone
  } catch (const c10::Error& error) {
    throw PluginError(named(method + " failed in LibTorch: " + error.what_without_backtrace()));
  } catch (const std::exception& error) {
    throw PluginError(named(method + " failed: " + error.what()));
  } catch (...) {
    throw PluginError(named(method + " failed with an exception of unknown type"));
  }
}

}  // namespace temper
