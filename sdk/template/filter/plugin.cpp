// @name@: a filter to start from. Takes overlong lines out of documents, and drops documents that are made of them.
// Replace judge() by your own rule.
#include "temper/plugin.h"

#include <algorithm>

#include "temper/filter.h"

namespace temper {
namespace {

struct @Name@Params {
  std::int64_t max_bytes = 80;
  double drop_share = 0.5;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.add("max_bytes", &P::max_bytes, "Lines that are longer are taken out.",
            {.min = 1, .max = 1000000, .unit = "bytes"});
  table.add("drop_share", &P::drop_share, "Documents that lose a larger share of their bytes are dropped.",
            {.min = 0, .max = 1});
  return table;
}

class @Name@ final : public Filter, public DocumentFilter {
 public:
  explicit @Name@(const @Name@Params& params) : params_(params) {}

  FilterResult judge(const Document& document) const override {
    const std::string& text = document.text;
    FilterResult result;
    std::size_t removed = 0;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find('\n', begin), text.size() - 1) + 1;  // the line's end belongs to it
      const std::size_t bytes = end - begin - (text[end - 1] == '\n' ? 1 : 0);
      if (bytes > static_cast<std::size_t>(params_.max_bytes)) {
        result.spans.push_back({begin, end, "long_line", ""});
        removed += end - begin;
      }
      begin = end;
    }
    result.score = text.empty() ? 0 : static_cast<double>(removed) / static_cast<double>(text.size());
    if (result.score > params_.drop_share) return {true, "long_lines", result.score};
    return result;
  }

 private:
  @Name@Params params_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Filter>("@name@", "Takes overlong lines out.", params_table(),
                        [](const @Name@Params& params, const Filter::Args&) { return std::make_unique<@Name@>(params); });
}
