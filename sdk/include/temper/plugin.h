// The one include for a plugin's main file. Rules that hold for every plugin:
//
// Lifetime  L1 A loaded library stays for the whole process.
//           L2 The host owns instances; a plugin owns only what it made. Two instances of one class may live at once
//              (policy and frozen reference), so no mutable globals.
//           L3 References handed to a method are valid during that call, unless its comment says otherwise.
//           L4 All instances are destroyed before main returns. Tensors may outlive them.
// Threads   [load] main thread, once: register_all. [run] (the default) methods of one instance run one at a time, not
//           always on the same OS thread. [any] metric sink, progress and cancellation may be used from every thread.
//           A plugin never calls torch::manual_seed, at::set_num_threads or setters of global state; it starts no thread
//           that outlives the call. GradMode and autocast are changed through guards only.
// Errors    Throw the types of error.h for "this run cannot go on"; return a value for what is expected.
//           The host adds the plugin's id to whatever leaves a plugin. Never abort or exit.
// Random    Draw from temper::Rng (random.h) with a seed derived by name. Dropout alone uses torch's CPU generator,
//           which the host seeds and saves.
#pragma once

#include "temper/abi.h"
#include "temper/abi_tag.h"
#include "temper/registrar.h"

/// Opens the one registration function of a library:
///   TEMPER_PLUGIN("gpt", "0.1.0") { registrar.add<Architecture>("gpt", "...", gpt_params(), make_gpt); }
#ifndef TEMPER_PLUGIN_SOURCE
#define TEMPER_PLUGIN_SOURCE "unknown"
#endif
#define TEMPER_PLUGIN(ID, VERSION)                                                                       \
  __attribute__((section(".temper_abi"), used)) static const char temper_abi_section[] = TEMPER_ABI_TAG; \
  static void temper_register_all(::temper::Registrar& registrar);                                       \
  extern "C" __attribute__((visibility("default"))) const TemperPlugin temper_plugin;                    \
  extern "C" const TemperPlugin temper_plugin = {                                                        \
      sizeof(TemperPlugin), ::temper::kDescriptorVersion, temper_abi_section, ID, VERSION,               \
      TEMPER_PLUGIN_SOURCE, &temper_register_all};                                                       \
  static void temper_register_all([[maybe_unused]] ::temper::Registrar& registrar)
