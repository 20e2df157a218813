// Inside the conformance library: the lists that make up conformance_checks(), and what the checks share.
#pragma once

#include <string>
#include <vector>

#include "temper/testing.h"

namespace temper::conformance {

void add_library_checks(std::vector<Check>& checks);
void add_params_checks(std::vector<Check>& checks);
void add_architecture_checks(std::vector<Check>& checks);
void add_decoding_checks(std::vector<Check>& checks);
void add_device_checks(std::vector<Check>& checks);
void add_objective_checks(std::vector<Check>& checks);
void add_dataset_checks(std::vector<Check>& checks);
void add_filter_checks(std::vector<Check>& checks);
void add_tokenizer_checks(std::vector<Check>& checks);
void add_evaluator_checks(std::vector<Check>& checks);

/// Makes one instance of the subject's kind with these values and throws it away.
void build_once(const Subject& subject, const ParamValues& values);
/// "needs a value for: path, ...", or "" if the subject can be built.
std::string missing_text(const Subject& subject);

constexpr std::int64_t kVocabulary = 320;  ///< bytes, three special ids and room for sentinels

}  // namespace temper::conformance
