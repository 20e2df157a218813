// Puts imported weights into a model under the names its architecture gives: transposed or row slices where it says so, tied
// heads looked at and not believed (P-MODEL-04, P-MODEL-05), every missing or unknown tensor named.
#pragma once

#include "host/convert/weight_source.h"
#include "temper/architecture.h"
#include "temper/context.h"

namespace temper {

/// Throws DataError for weights that do not fit, ConfigError if the architecture has no Hugging Face layout.
void fill_model(Architecture& model, const WeightSource& source, Progress& progress);

}  // namespace temper
