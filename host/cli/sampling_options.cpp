// From the sampling table to options and back (see sampling_options.h).
#include "host/cli/sampling_options.h"

#include <algorithm>

#include "temper/error.h"
#include "temper/testing.h"

namespace temper {
namespace po = boost::program_options;
namespace {

std::string option_name(const std::string& parameter) {
  std::string name = parameter;
  std::replace(name.begin(), name.end(), '_', '-');
  return name;
}

}  // namespace

void add_sampling_options(po::options_description& own, const SamplingParams& defaults) {
  for (const auto& spec : sampling_params().specs_of(defaults)) {
    const auto name = option_name(spec.name);
    if (spec.type == ParamType::kTextList) {
      own.add_options()(name.c_str(), po::value<std::vector<std::string>>()->composing(),
                        (spec.doc + " May be repeated.").c_str());
      continue;
    }
    const auto text = "(=" + to_text(spec.default_value) + ") " + spec.doc;
    own.add_options()(name.c_str(), po::value<std::string>(), text.c_str());
  }
}

SamplingParams sampling_from(const ParsedOptions& options, const SamplingParams& defaults) {
  const auto table = sampling_params();
  const auto specs = table.specs_of(defaults);
  std::map<std::string, std::string> given;
  for (const auto& spec : specs) {
    const auto name = option_name(spec.name);
    if (spec.type != ParamType::kTextList && options.has(name)) given[spec.name] = options.get<std::string>(name);
  }
  ParamValues values = values_from_text(specs, given);
  for (const auto& spec : specs) {
    const auto name = option_name(spec.name);
    if (spec.type == ParamType::kTextList && options.has(name)) {
      values.set(spec.name, {options.get<std::vector<std::string>>(name), ValueSource::kCommandLine, "--" + name});
    }
  }
  return table.parse(values);
}

}  // namespace temper
