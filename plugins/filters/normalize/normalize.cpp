// The steps in their order (see normalize.h): each of them needs what the ones before it leave.
#include "normalize.h"

#include "characters.h"
#include "entities.h"
#include "space.h"
#include "utf8.h"

namespace temper::filters {
namespace {

/// Two or three rounds settle a text; the limit is against a surprise.
constexpr int kRounds = 64;

}  // namespace

ParamTable<NormalizeParams> normalize_params() {
  using P = NormalizeParams;
  ParamTable<P> table;
  table.add("nfc", &P::nfc, "Put characters into Unicode Normalization Form C.");
  table.add("control", &P::control,
            "Take out control characters, byte order marks, soft hyphens, and zero-width characters that do nothing.");
  table.add("line_ends", &P::line_ends, "Make every line end a newline.");
  table.add("mojibake", &P::mojibake, "Repair UTF-8 that was read in another encoding.");
  table.add("html_entities", &P::html_entities, "Replace HTML entities by their characters.");
  table.add("straight_quotes", &P::straight_quotes, "Replace curly quotation marks and apostrophes by straight ones.");
  table.add("plain_spaces", &P::plain_spaces, "Replace no-break and other Unicode spaces by plain ones.");
  table.add("trim_lines", &P::trim_lines, "Take out spaces and tabs at the ends of lines.");
  table.add("collapse_spaces", &P::collapse_spaces, "Make runs of spaces inside lines one space.");
  table.add("keep_indent", &P::keep_indent, "Leave runs of spaces at the starts of lines.");
  table.add("max_newlines", &P::max_newlines, "Newlines that may stand in a row; 0 is any number.",
            {.min = 0, .max = 1000000});
  return table;
}

FilterResult Normalize::judge(const Document& document) const {
  const CharacterRules characters{params_.control, params_.line_ends, params_.plain_spaces, params_.straight_quotes};
  const SpaceRules space{params_.trim_lines, params_.collapse_spaces, params_.keep_indent, params_.max_newlines};
  Rewriting progress(document.text);
  for (int round = 0; round < kRounds; ++round) {
    const bool plain = is_plain(progress.text()), ascii = plain || is_ascii(progress.text());
    bool changed = false;
    if (params_.mojibake && !ascii) changed |= progress.take(mojibake_.edits(progress.text()));
    if (params_.html_entities) changed |= progress.take(entity_edits(progress.text()));
    if (!plain || changed) changed |= progress.take(character_edits(progress.text(), characters));
    if (params_.nfc && (!ascii || changed)) changed |= progress.take(composition_.edits(progress.text()));
    changed |= progress.take(space_edits(progress.text(), space));
    // Only characters beyond ASCII and entities can make work for a step that is already through.
    if (!changed || (ascii && !params_.html_entities)) break;
  }
  return result_of(document.text, progress.edits());
}

}  // namespace temper::filters
