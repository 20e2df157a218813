// Edits of filters, applied (see filter.h). The host calls it for every document, filters and their tests where they need
// it.
#include "temper/filter.h"

namespace temper {

std::string apply_spans(std::string_view text, const std::vector<FilterSpan>& spans) {
  std::string edited;
  edited.reserve(text.size());
  std::size_t done = 0;
  for (const auto& span : spans) {
    if (span.begin < done || span.end < span.begin || span.end > text.size()) {
      throw PluginError("a filter gave the span [" + std::to_string(span.begin) + ", " + std::to_string(span.end) +
                        ") of '" + span.type + "' in a text of " + std::to_string(text.size()) +
                        " bytes, behind one that ends at " + std::to_string(done) +
                        "; spans have to be in order, apart and inside the text");
    }
    edited.append(text, done, span.begin - done);
    edited.append(span.replacement ? std::string_view(*span.replacement) : text.substr(span.begin, span.end - span.begin));
    done = span.end;
  }
  return edited.append(text, done);
}

}  // namespace temper
