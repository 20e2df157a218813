// The sections of a report in their order (see report.h).
#include "host/report/report.h"

#include "host/report/page.h"
#include "host/report/sections.h"

namespace temper {

std::string render_report(const ReportOptions& options) {
  const report::Data data = report::read_data(options);
  return report::page(data.title, {{"summary", "Summary", report::summary_section(data)},
                                   {"comparison", "Comparison", report::matrix_section(data)},
                                   {"curves", "Learning curves", report::curves_section(data)},
                                   {"sweep", "Effects of the axes", report::sweep_section(data)},
                                   {"changes", "Gains and losses", report::changes_section(data)},
                                   {"cleaning", "Cleaning", report::cleaning_section(data)},
                                   {"environment", "Environment", report::environment_section(data)}});
}

}  // namespace temper
