// Totals as JSON and as a table (see summary.h).
#include "host/clean/summary.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "temper/error.h"

namespace temper::clean {
namespace {

using Json = nlohmann::ordered_json;

std::string bytes_text(std::int64_t bytes) {
  char text[32];
  const auto value = static_cast<double>(bytes);
  if (bytes < 10'000) {
    std::snprintf(text, sizeof text, "%lld B", static_cast<long long>(bytes));
  } else if (value < 1e7) {
    std::snprintf(text, sizeof text, "%.1f kB", value / 1e3);
  } else if (value < 1e10) {
    std::snprintf(text, sizeof text, "%.1f MB", value / 1e6);
  } else {
    std::snprintf(text, sizeof text, "%.1f GB", value / 1e9);
  }
  return text;
}

std::string percent(std::int64_t part, std::int64_t whole) {
  char text[16];
  std::snprintf(text, sizeof text, "%.1f %%",
                whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole));
  return text;
}

/// "word_count 12, bullets 3, and 2 more", most frequent first.
std::string listed(const std::map<std::string, std::int64_t>& counts) {
  std::vector<std::pair<std::string, std::int64_t>> sorted(counts.begin(), counts.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string text;
  constexpr std::size_t kMost = 6;
  for (std::size_t i = 0; i < sorted.size() && i < kMost; ++i) {
    text += (i == 0 ? "" : ", ") + sorted[i].first + " " + std::to_string(sorted[i].second);
  }
  if (sorted.size() > kMost) text += ", and " + std::to_string(sorted.size() - kMost) + " more";
  return text;
}

/// A bar of the dropped (#) and edited (=) share of 20 places.
std::string bar(const FilterTotals& filter) {
  constexpr std::int64_t kPlaces = 20;
  std::string text;
  const std::int64_t whole = std::max<std::int64_t>(filter.documents, 1);
  const std::int64_t drops = (filter.dropped * kPlaces + whole - 1) / whole;
  const std::int64_t edits = std::min((filter.edited * kPlaces + whole - 1) / whole, kPlaces - drops);
  return text.append(static_cast<std::size_t>(drops), '#')
      .append(static_cast<std::size_t>(edits), '=')
      .append(static_cast<std::size_t>(kPlaces - drops - edits), '.');
}

}  // namespace

void add(FilterTotals& to, const FilterTotals& more) {
  to.documents += more.documents;
  to.edited += more.edited;
  to.dropped += more.dropped;
  to.bytes_in += more.bytes_in;
  to.bytes_out += more.bytes_out;
  for (const auto& [reason, count] : more.reasons) to.reasons[reason] += count;
  for (const auto& [type, count] : more.spans) to.spans[type] += count;
}

Json summary_json(const Summary& summary) {
  Json filters = Json::array();
  for (const auto& filter : summary.filters) {
    Json figures = Json::object();
    for (const auto& [name, value] : filter.figures) figures[name] = value;
    filters.push_back({{"name", filter.name},
                       {"plugin", filter.plugin},
                       {"documents", filter.documents},
                       {"edited", filter.edited},
                       {"dropped", filter.dropped},
                       {"bytes_in", filter.bytes_in},
                       {"bytes_out", filter.bytes_out},
                       {"reasons", filter.reasons},
                       {"spans", filter.spans},
                       {"figures", figures}});
  }
  return {{"documents", summary.documents}, {"kept", summary.kept},         {"edited", summary.edited},
          {"dropped", summary.dropped},     {"bytes_in", summary.bytes_in}, {"bytes_out", summary.bytes_out},
          {"skipped", summary.skipped},     {"faults", summary.faults},     {"filters", filters}};
}

Summary summary_of(const Json& json) {
  try {
    Summary summary;
    const auto number = [](const Json& from, const char* name) { return from.at(name).get<std::int64_t>(); };
    summary.documents = number(json, "documents");
    summary.kept = number(json, "kept");
    summary.edited = number(json, "edited");
    summary.dropped = number(json, "dropped");
    summary.bytes_in = number(json, "bytes_in");
    summary.bytes_out = number(json, "bytes_out");
    summary.skipped = number(json, "skipped");
    summary.faults = json.at("faults").get<std::vector<std::string>>();
    for (const auto& one : json.at("filters")) {
      FilterTotals filter{one.at("name"), one.at("plugin")};
      filter.documents = number(one, "documents");
      filter.edited = number(one, "edited");
      filter.dropped = number(one, "dropped");
      filter.bytes_in = number(one, "bytes_in");
      filter.bytes_out = number(one, "bytes_out");
      filter.reasons = one.at("reasons").get<std::map<std::string, std::int64_t>>();
      filter.spans = one.at("spans").get<std::map<std::string, std::int64_t>>();
      for (const auto& [name, value] : one.at("figures").items()) filter.figures.emplace_back(name, value.get<double>());
      summary.filters.push_back(std::move(filter));
    }
    return summary;
  } catch (const Json::exception& error) {
    throw DataError(std::string("this is no summary of a cleaning: ") + error.what());
  }
}

std::string summary_text(const Summary& summary) {
  std::string text;
  char line[256];
  std::snprintf(line, sizeof line, "%-20s %10s %10s %10s %12s  %-20s %s\n", "filter", "documents", "dropped", "edited",
                "bytes less", "#dropped =edited", "what");
  text += line;
  for (const auto& filter : summary.filters) {
    std::snprintf(line, sizeof line, "%-20s %10lld %10lld %10lld %12s  %-20s ", filter.name.c_str(),
                  static_cast<long long>(filter.documents), static_cast<long long>(filter.dropped),
                  static_cast<long long>(filter.edited), bytes_text(filter.bytes_in - filter.bytes_out).c_str(),
                  bar(filter).c_str());
    const std::string drops = listed(filter.reasons), edits = listed(filter.spans);
    text += line + (drops.empty() ? "" : "dropped: " + drops) + (drops.empty() || edits.empty() ? "" : "; ") +
            (edits.empty() ? "" : "found: " + edits) + "\n";
    for (const auto& [name, value] : filter.figures) {
      std::snprintf(line, sizeof line, "%-20s   %s %.6g\n", "", name.c_str(), value);
      text += line;
    }
  }
  std::snprintf(line, sizeof line, "\n%lld documents (%s) in, %lld (%s, %s of the bytes) out; %lld dropped, %lld edited\n",
                static_cast<long long>(summary.documents), bytes_text(summary.bytes_in).c_str(),
                static_cast<long long>(summary.kept), bytes_text(summary.bytes_out).c_str(),
                percent(summary.bytes_out, summary.bytes_in).c_str(), static_cast<long long>(summary.dropped),
                static_cast<long long>(summary.edited));
  text += line;
  if (summary.skipped > 0) {
    text += std::to_string(summary.skipped) + (summary.skipped == 1 ? " row" : " rows") + " could not be read\n";
  }
  return text;
}

}  // namespace temper::clean
