// Sampling on the command line: one option for each parameter of the SDK's sampling table (max_new_tokens becomes
// --max-new-tokens), checked by the same rules. Shared by `generate` and `chat`.
#pragma once

#include "host/cli/options.h"
#include "temper/generate.h"

namespace temper {

void add_sampling_options(boost::program_options::options_description& own, const SamplingParams& defaults);
/// Throws ConfigError with what is allowed.
SamplingParams sampling_from(const ParsedOptions& options, const SamplingParams& defaults);

}  // namespace temper
