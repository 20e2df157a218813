// Lists of edits (see edits.h). Everything is one walk along both lists.
#include "edits.h"

#include <algorithm>
#include <utility>

namespace temper::filters {
namespace {

bool starts_char(std::string_view text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

}  // namespace

void remove_bytes(Edits& edits, std::size_t begin, std::size_t end, std::string_view type) {
  if (!edits.empty() && edits.back().end == begin && edits.back().type == type && edits.back().replacement.empty()) {
    edits.back().end = end;
    return;
  }
  edits.push_back({begin, end, type});
}

std::string edited(std::string_view text, const Edits& edits) {
  std::string result;
  result.reserve(text.size() + 16);
  std::size_t at = 0;
  for (const Edit& edit : edits) {
    result.append(text, at, edit.begin - at);
    result += edit.replacement;
    at = edit.end;
  }
  result.append(text, at);
  return result;
}

Edits composed(std::string_view middle, const Edits& first, Edits second) {
  if (first.empty()) return second;
  Edits result;
  result.reserve(first.size() + second.size());
  std::size_t i = 0, j = 0;
  std::size_t from = 0, to = 0;  // the same place in the original and in the middle, behind first[i - 1]
  const auto first_begin = [&] { return first[i].begin - from + to; };
  const auto first_end = [&] { return first_begin() + first[i].replacement.size(); };
  const auto pass_first = [&] {
    to = first_end();
    from = first[i].end;
    ++i;
  };
  while (i < first.size() || j < second.size()) {
    if (j == second.size() || (i < first.size() && first_end() <= second[j].begin)) {
      result.push_back(first[i]);
      pass_first();
      continue;
    }
    if (i == first.size() || second[j].end <= first_begin()) {
      second[j].begin = second[j].begin + from - to;
      second[j].end = second[j].end + from - to;
      result.push_back(std::move(second[j]));
      ++j;
      continue;
    }
    // These two meet; what meets either of them belongs to the same edit.
    const std::size_t begin = std::min(first_begin(), second[j].begin);
    Edit both{begin + from - to, 0, first[i].type};
    std::size_t end = std::max(first_end(), second[j].end), copied = begin;
    const auto pass_second = [&] {
      both.replacement.append(middle, copied, second[j].begin - copied);
      both.replacement += second[j].replacement;
      copied = second[j].end;
      ++j;
    };
    pass_first();
    pass_second();
    while (true) {
      if (i < first.size() && first_begin() < end) {
        end = std::max(end, first_end());
        pass_first();
      } else if (j < second.size() && second[j].begin < end) {
        end = std::max(end, second[j].end);
        pass_second();
      } else {
        break;
      }
    }
    both.replacement.append(middle, copied, end - copied);
    both.end = end + from - to;
    result.push_back(std::move(both));
  }
  return result;
}

bool Rewriting::take(Edits step) {
  if (step.empty()) return false;
  std::string next = edited(text_, step);
  if (next == text_) return false;
  edits_ = composed(text_, edits_, std::move(step));
  held_ = std::move(next);
  text_ = held_;
  return true;
}

std::vector<FilterSpan> spans_of(std::string_view text, const Edits& edits) {
  std::vector<FilterSpan> spans;
  spans.reserve(edits.size());
  for (const Edit& edit : edits) {
    const std::string_view old_part = text.substr(edit.begin, edit.end - edit.begin);
    const std::string_view new_part = edit.replacement;
    std::size_t head = 0, tail = 0;
    const std::size_t shorter = std::min(old_part.size(), new_part.size());
    while (head < shorter && old_part[head] == new_part[head]) ++head;
    if (head == old_part.size() && head == new_part.size()) continue;
    while (head > 0 && (!starts_char(old_part, head) || !starts_char(new_part, head))) --head;
    while (tail < shorter - head && old_part[old_part.size() - 1 - tail] == new_part[new_part.size() - 1 - tail]) ++tail;
    while (tail > 0 && (!starts_char(old_part, old_part.size() - tail) || !starts_char(new_part, new_part.size() - tail))) {
      --tail;
    }
    if (head + tail == old_part.size()) head = tail = 0;  // never an insertion: a span holds what it changes
    spans.push_back({edit.begin + head, edit.end - tail, std::string(edit.type),
                     std::string(new_part.substr(head, new_part.size() - head - tail))});
  }
  return spans;
}

FilterResult result_of(std::string_view text, const Edits& edits) {
  FilterResult result;
  result.spans = spans_of(text, edits);
  std::size_t bytes = 0;
  for (const FilterSpan& span : result.spans) bytes += span.end - span.begin;
  result.score = text.empty() ? 0 : static_cast<double>(bytes) / static_cast<double>(text.size());
  return result;
}

}  // namespace temper::filters
