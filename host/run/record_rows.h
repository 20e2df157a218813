// Rows of a record that follow from the experiment: its plugins, and what its filters did to the corpus.
#pragma once

#include <vector>

#include "host/clean/summary.h"
#include "host/config/experiment.h"
#include "host/plugin/registry.h"
#include "host/record/run_record.h"

namespace temper {

/// One row a slot, in the experiment's order; for the record, and to tell processes with other plugins apart.
std::vector<PluginRow> plugin_rows(const Experiment& experiment, const Registry& registry);

/// One row a filter.
std::vector<LedgerRow> ledger_rows(const clean::Summary& cleaning);

}  // namespace temper
