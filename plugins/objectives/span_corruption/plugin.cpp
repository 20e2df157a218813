// Entry of the span corruption objective.
#include "temper/plugin.h"

#include "span_corruption.h"

TEMPER_PLUGIN("span_corruption", "0.1.0") {
  using namespace temper;
  registrar.add<Objective>("span_corruption", "T5's objective: write the spans that were removed from a text.",
                           span_corruption::span_corruption_params(),
                           [](const span_corruption::SpanCorruptionParams& params, const Objective::Args& args) {
                             return std::make_unique<span_corruption::SpanCorruption>(params, args);
                           });
}
