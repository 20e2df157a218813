// Verdicts to edits, story and totals (see work.h).
#include "host/clean/work.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>

#include "host/clean/sink.h"
#include "host/plugin/guard.h"
#include "temper/pii.h"

namespace temper::clean {
namespace {

void entry_begin(std::string& story, const std::string& name, const char* verdict) {
  if (!story.empty()) story += ", ";
  append_json_string(story, name);
  story += std::string(": {\"verdict\": \"") + verdict + "\"";
}

void text_field(std::string& story, const char* name, std::string_view value) {
  story += std::string(", \"") + name + "\": ";
  append_json_string(story, value);
}

void add_spans(std::string& story, const std::vector<FilterSpan>& spans, const Passage& passage, std::size_t most) {
  if (spans.empty()) return;
  story += ", \"spans\": [";
  OffsetMap::Walk walk(passage.offsets, passage.document.text);
  for (std::size_t i = 0; i < spans.size() && i < most; ++i) {
    const auto range = walk.original(spans[i].begin, spans[i].end);
    story += std::string(i == 0 ? "" : ", ") + "{\"start\": " + std::to_string(range.begin) +
             ", \"end\": " + std::to_string(range.end) + ", \"type\": ";
    append_json_string(story, spans[i].type);
    story += "}";
  }
  story += "]";
  if (spans.size() > most) story += ", \"spans_left_out\": " + std::to_string(spans.size() - most);
}

/// The start of a dropped text for people who look at what was dropped, without anybody's data.
std::string excerpt_of(const std::string& text) {
  constexpr std::size_t kBytes = 160;
  std::size_t end = std::min(text.size(), kBytes);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  // Data that the cut runs through would not be recognised, so the scan sees more than what is shown.
  std::size_t seen = std::min(text.size(), 2 * kBytes);
  while (seen > 0 && seen < text.size() && (static_cast<unsigned char>(text[seen]) & 0xC0) == 0x80) --seen;
  auto spans = scan_pii(std::string_view(text).substr(0, seen));
  while (!spans.empty() && spans.back().begin >= end) spans.pop_back();
  if (!spans.empty()) end = std::max(end, spans.back().end);
  return mask_pii(std::string_view(text).substr(0, end), spans);
}

void drop(Passage& passage) {
  passage.story += ", \"excerpt\": ";
  append_json_string(passage.story, excerpt_of(passage.document.text));
  passage.dropped = true;
  passage.document.text.clear();
}

/// `decided` is set for a filter that names other documents.
void apply(Passage& passage, const FilterResult& result, const Step& step, FilterTotals& totals, const WorkContext& context,
           const Decided* decided) {
  std::string& text = passage.document.text;
  const bool edits = std::any_of(result.spans.begin(), result.spans.end(),
                                 [](const FilterSpan& span) { return span.replacement.has_value(); });
  std::string edited = !result.spans.empty() ? apply_spans(text, result.spans) : "";  // refuses spans that are none
  ++totals.documents;
  totals.bytes_in += static_cast<std::int64_t>(text.size());
  entry_begin(passage.story, step.name, result.drop ? "drop" : edits ? "edit" : "keep");
  if (!result.reason.empty()) text_field(passage.story, "reason", result.reason);
  if (std::isfinite(result.score)) {
    char number[32];
    std::snprintf(number, sizeof number, ", \"score\": %.6g", result.score);
    passage.story += number;
  }
  add_spans(passage.story, result.spans, passage, context.most_spans);
  const auto name = [&](const char* what, const std::optional<std::uint64_t>& own) {
    if (own && decided != nullptr) text_field(passage.story, what, context.texts->id(decided->in_spool(*own)));
  };
  name("cluster", result.cluster);
  name("partner", result.partner);
  for (const auto& span : result.spans) ++totals.spans[span.type];
  if (result.drop) {
    ++totals.dropped;
    ++totals.reasons[result.reason];
    drop(passage);
  } else if (edits) {
    totals.bytes_out += static_cast<std::int64_t>(edited.size());
    ++totals.edited;
    passage.edited = true;
    passage.offsets.edit(text, result.spans);
    text = std::move(edited);
    passage.story += ", \"bytes_out\": " + std::to_string(text.size());
  } else {
    totals.bytes_out += static_cast<std::int64_t>(text.size());
  }
  passage.story += "}";
}

void drop_blank(Passage& passage) {
  if (passage.dropped || !is_blank(passage.document.text)) return;
  entry_begin(passage.story, kBlankRule, "drop");
  passage.dropped = true;
  passage.document.text.clear();
  passage.story += "}";
}

}  // namespace

bool is_blank(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; });
}

std::vector<Pass> passes_of(const std::vector<Step>& steps) {
  std::vector<Pass> passes(1);
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].corpus() == nullptr) {
      passes.back().single.push_back(i);
      continue;
    }
    const auto& before = passes.back();
    if (before.single.empty() && !before.decided.empty() && !steps[before.decided.back()].corpus()->edits()) {
      passes[passes.size() - 2].digested.push_back(i);
      passes.back().decided.push_back(i);
      continue;
    }
    passes.back().digested.push_back(i);
    passes.push_back({{i}, {}, {}});
  }
  return passes;
}

void work_on(Passage& passage, std::uint64_t number, const WorkContext& context, std::vector<FilterTotals>& totals,
             std::string& digest) {
  digest.clear();
  drop_blank(passage);
  const auto run = [&](std::size_t index, const Decided* decided, auto judge) {
    if (passage.dropped) return;
    const Step& step = context.steps[index];
    apply(passage, guarded(step.plugin, "filter", [&] { return judge(step); }), step, totals[index], context, decided);
    drop_blank(passage);
  };
  for (const Decided& decided : context.decided) {
    run(decided.step, &decided,
        [&](const Step& step) { return step.corpus()->result(decided.own(number), passage.document); });
  }
  for (const std::size_t index : context.pass.single) {
    run(index, nullptr, [&](const Step& step) { return step.document()->judge(passage.document); });
  }
  if (passage.dropped) return;
  for (const std::size_t index : context.pass.digested) {
    const Step& step = context.steps[index];
    const std::string own = guarded(step.plugin, "filter", [&] { return step.corpus()->digest(passage.document); });
    const std::uint64_t size = own.size();
    digest.append(reinterpret_cast<const char*>(&size), sizeof size).append(own);
  }
}

std::vector<std::string_view> digests_of(std::string_view bytes, std::size_t count) {
  std::vector<std::string_view> digests;
  for (std::size_t i = 0; i < count; ++i) {
    std::uint64_t size = 0;
    if (bytes.size() >= sizeof size) std::memcpy(&size, bytes.data(), sizeof size);
    if (bytes.size() < sizeof size || size > bytes.size() - sizeof size) {
      throw DataError("a digest of the work folder is cut off; start again with --fresh");
    }
    digests.push_back(bytes.substr(sizeof size, size));
    bytes.remove_prefix(sizeof size + size);
  }
  return digests;
}

std::string ledger_line(const Passage& passage) {
  std::string line = "{\"id\": ";
  append_json_string(line, passage.document.id);
  line += ", \"source\": ";
  append_json_string(line, passage.document.source);
  line += ", \"sha256\": \"" + passage.sha256 + "\", \"bytes\": " + std::to_string(passage.bytes) + ", \"verdict\": \"" +
          (passage.dropped  ? "drop"
           : passage.edited ? "edit"
                            : "keep") +
          "\", \"bytes_out\": " + std::to_string(passage.dropped ? 0 : passage.document.text.size()) + ", \"filters\": {" +
          passage.story + "}}\n";
  return line;
}

}  // namespace temper::clean
