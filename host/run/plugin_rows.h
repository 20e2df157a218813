// Which plugins an experiment uses, and which files they are.
#pragma once

#include <vector>

#include "host/config/experiment.h"
#include "host/plugin/registry.h"
#include "host/record/run_record.h"

namespace temper {

/// One row a slot, in the experiment's order; for the record, and to tell processes with other plugins apart.
std::vector<PluginRow> plugin_rows(const Experiment& experiment, const Registry& registry);

}  // namespace temper
