// See settling.h.
#include "settling.h"

#include <algorithm>

namespace temper::pii_filter {
namespace {

constexpr int kRounds = 8;  // more than two have not been seen

/// A place of the edited text in the original; one inside a replacement is its beginning, or its end for an `end`.
std::size_t original_place(const std::vector<FilterSpan>& spans, std::size_t place, bool end) {
  std::size_t original = 0, edited = 0;
  for (const auto& span : spans) {
    const std::size_t begin_edited = edited + (span.begin - original), end_edited = begin_edited + span.replacement->size();
    if (place <= begin_edited) break;
    if (place < end_edited || (end && place == end_edited)) return end ? span.end : span.begin;
    original = span.end;
    edited = end_edited;
  }
  return original + (place - edited);
}

}  // namespace

void settle(const std::string& text, std::vector<FilterSpan>& spans,
            const std::function<std::vector<FilterSpan>(const std::string&)>& find) {
  for (int round = 0; round < kRounds; ++round) {
    std::vector<FilterSpan> masks;
    for (auto& found : find(apply_spans(text, spans))) {
      found.begin = original_place(spans, found.begin, false);
      found.end = original_place(spans, found.end, true);
      if (!masks.empty() && found.begin < masks.back().end) {
        masks.back().end = std::max(masks.back().end, found.end);
      } else {
        masks.push_back(std::move(found));
      }
    }
    if (masks.empty()) return;
    std::erase_if(spans, [&](const FilterSpan& span) {
      return std::any_of(masks.begin(), masks.end(),
                         [&](const FilterSpan& mask) { return span.begin < mask.end && mask.begin < span.end; });
    });
    spans.insert(spans.end(), masks.begin(), masks.end());
    std::sort(spans.begin(), spans.end(), [](const FilterSpan& a, const FilterSpan& b) { return a.begin < b.begin; });
  }
}

}  // namespace temper::pii_filter
