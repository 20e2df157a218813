// The parts of the page, each from the data to markup that begins with its own <section>. "" where there is nothing to say.
#pragma once

#include <string>

#include "host/report/data.h"

namespace temper::report {

std::string summary_section(const Data& data);
std::string matrix_section(const Data& data);
std::string curves_section(const Data& data);
std::string sweep_section(const Data& data);     ///< axis effects and heat maps
std::string changes_section(const Data& data);   ///< alignment tax and flips
std::string cleaning_section(const Data& data);  ///< what the filters of the corpus took
std::string environment_section(const Data& data);

/// One row a filter.
std::string filters_table(const std::vector<LedgerRow>& rows, const std::string& caption);

}  // namespace temper::report
