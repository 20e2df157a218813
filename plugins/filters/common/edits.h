// Changes of a text as lists, and what two lists one behind the other come to: a filter may rewrite a text in several steps
// and still report edits of the text that it was given. A list is in order and without overlaps.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "temper/filter.h"

namespace temper::filters {

struct Edit {
  std::size_t begin = 0, end = 0;  ///< bytes of the text before this step, never empty
  std::string_view type;           ///< a literal
  std::string replacement = {};
};
using Edits = std::vector<Edit>;

/// Takes bytes out; goes on with the last edit if it ends there and does the same.
void remove_bytes(Edits& edits, std::size_t begin, std::size_t end, std::string_view type);
std::string edited(std::string_view text, const Edits& edits);
/// `first` leads from the original to `middle`, `second` on from there; the result leads from the original to the end. Where
/// both touch the same place, the edit is one and has the first one's type.
Edits composed(std::string_view middle, const Edits& first, Edits second);
/// A text that is rewritten step by step. The original has to outlive it.
class Rewriting {
 public:
  explicit Rewriting(std::string_view original) : text_(original) {}
  Rewriting(const Rewriting&) = delete;
  Rewriting& operator=(const Rewriting&) = delete;
  /// As far as it has come.
  std::string_view text() const { return text_; }
  /// From the original to here.
  const Edits& edits() const { return edits_; }
  /// Edits of text(). Returns whether they changed anything.
  bool take(Edits step);

 private:
  std::string_view text_;
  std::string held_;
  Edits edits_;
};

/// Edits cut down to what differs from `text`, as spans; an edit that changes nothing is left out.
std::vector<FilterSpan> spans_of(std::string_view text, const Edits& edits);
/// A verdict of these edits; the score is the share of the text's bytes that they touch.
FilterResult result_of(std::string_view text, const Edits& edits);

}  // namespace temper::filters
