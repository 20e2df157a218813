// Text as it was meant: Unicode NFC, \n at line ends, no stray control characters, no mojibake, tidy white space. Each step
// is a parameter. Steps run one behind the other, and again until nothing changes, so that a second pass finds nothing to
// do; all that they did is reported as edits of the document that was given.
#pragma once

#include "composition.h"
#include "mojibake.h"
#include "temper/filter.h"
#include "temper/params.h"

namespace temper::filters {

struct NormalizeParams {
  bool nfc = true, control = true, line_ends = true, mojibake = true;
  bool html_entities = false, straight_quotes = false;
  bool plain_spaces = true, trim_lines = true, collapse_spaces = true, keep_indent = true;
  std::int64_t max_newlines = 2;
};
ParamTable<NormalizeParams> normalize_params();

class Normalize final : public Filter, public DocumentFilter {
 public:
  explicit Normalize(const NormalizeParams& params) : params_(params) {}
  /// The score is the share of the document's bytes that edits replace or take out.
  FilterResult judge(const Document& document) const override;

 private:
  NormalizeParams params_;
  Composition composition_;
  MojibakeRepair mojibake_;
};

}  // namespace temper::filters
