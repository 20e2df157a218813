// Totals and stories out of ledger rows (see ledger.h).
#include "host/clean/ledger.h"

#include <zlib.h>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>

#include "host/clean/work.h"
#include "temper/error.h"
#include "temper/hash.h"

namespace temper::clean {
namespace {

using Json = nlohmann::ordered_json;

/// Lines of a file that is packed with gzip or plain.
class Lines {
 public:
  explicit Lines(const std::filesystem::path& path) : file_(gzopen(path.c_str(), "rb")) {
    if (!file_ || std::filesystem::is_directory(path)) {
      throw DataError("ledger '" + path.string() + "' cannot be read; give a ledger.jsonl or the folder of a cleaning");
    }
    gzbuffer(file_.get(), 1 << 17);
  }
  bool next(std::string& line) {
    line.clear();
    char buffer[1 << 14];
    while (gzgets(file_.get(), buffer, sizeof buffer) != nullptr) {
      line += buffer;
      if (line.back() != '\n') continue;
      line.pop_back();
      return true;
    }
    return !line.empty();
  }

 private:
  struct Close {
    void operator()(gzFile_s* file) const { gzclose(file); }
  };
  std::unique_ptr<gzFile_s, Close> file_;
};

std::string text_of(const Json& from, const char* name) {
  const auto found = from.find(name);
  return found != from.end() && found->is_string() ? found->get<std::string>() : "";
}

FilterTotals& totals_of(std::vector<FilterTotals>& all, const std::string& name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const FilterTotals& one) { return one.name == name; });
  if (found != all.end()) return *found;
  all.push_back({name, ""});
  return all.back();
}

void keep_sample(std::vector<std::pair<std::string, Sample>>& kept, Sample sample, std::size_t most) {
  std::string rank = sha256_hex(sample.id + "\n" + sample.source);
  kept.emplace_back(std::move(rank), std::move(sample));
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  if (kept.size() > most) kept.pop_back();
}

}  // namespace

void read_ledger(const std::filesystem::path& path, const std::function<void(const Json&)>& row) {
  Lines lines(path);
  std::string line;
  for (std::int64_t number = 1; lines.next(line); ++number) {
    try {
      const Json json = Json::parse(line);
      if (!json.at("filters").is_object()) throw DataError("");
      row(json);
    } catch (const std::exception&) {
      throw DataError(path.string() + ":" + std::to_string(number) +
                      ": this is no row of a ledger; give the ledger.jsonl that `temper data clean` wrote");
    }
  }
}

LedgerStats ledger_stats(const std::filesystem::path& path, std::size_t samples) {
  LedgerStats stats;
  Summary& summary = stats.summary;
  std::map<std::string, std::vector<std::pair<std::string, Sample>>> kept;
  read_ledger(path, [&](const Json& row) {
    const std::string verdict = row.at("verdict");
    ++summary.documents;
    ++(verdict == "drop" ? summary.dropped : summary.kept);
    if (verdict == "edit") ++summary.edited;
    auto bytes = row.at("bytes").get<std::int64_t>();
    summary.bytes_in += bytes;
    for (const auto& [name, entry] : row.at("filters").items()) {
      FilterTotals& filter = totals_of(summary.filters, name);
      const std::string own = entry.at("verdict");
      ++filter.documents;
      filter.bytes_in += bytes;
      if (entry.contains("spans")) {
        for (const auto& span : entry.at("spans")) ++filter.spans[span.at("type").get<std::string>()];
      }
      if (own == "edit") {
        ++filter.edited;
        bytes = entry.at("bytes_out").get<std::int64_t>();
      }
      if (own == "drop") {
        ++filter.dropped;
        const std::string reason = text_of(entry, "reason");
        ++filter.reasons[reason.empty() ? name : reason];
        bytes = 0;
        if (samples > 0) {
          keep_sample(kept[name], {text_of(row, "id"), text_of(row, "source"), reason, text_of(entry, "excerpt")}, samples);
        }
      }
      filter.bytes_out += bytes;
    }
    summary.bytes_out += bytes;
  });
  for (auto& [name, some] : kept) {
    for (auto& [rank, sample] : some) stats.samples[name].push_back(std::move(sample));
  }
  // The rule for blank documents is no filter; it comes last.
  std::stable_partition(summary.filters.begin(), summary.filters.end(),
                        [](const FilterTotals& filter) { return filter.name != kBlankRule; });
  return stats;
}

std::string story_of(const Json& row) {
  std::string story = text_of(row, "id") + "  (" + text_of(row, "source") + ", " + row.at("bytes").dump() +
                      " bytes, sha256 " + text_of(row, "sha256") + ")\n";
  for (const auto& [name, entry] : row.at("filters").items()) {
    char head[64];
    std::snprintf(head, sizeof head, "  %-20s %-5s", name.c_str(), text_of(entry, "verdict").c_str());
    story += head;
    if (const auto reason = text_of(entry, "reason"); !reason.empty()) story += " " + reason;
    if (entry.contains("score")) story += "  score " + entry.at("score").dump();
    if (const auto cluster = text_of(entry, "cluster"); !cluster.empty()) story += "  cluster of " + cluster;
    if (const auto partner = text_of(entry, "partner"); !partner.empty()) story += "  compared with " + partner;
    story += "\n";
    if (const auto excerpt = text_of(entry, "excerpt"); !excerpt.empty())
      story += "      begins: " + Json(excerpt).dump() + "\n";
    if (!entry.contains("spans")) continue;
    for (const auto& span : entry.at("spans")) {
      story += "      characters " + span.at("start").dump() + " to " + span.at("end").dump() + ": " +
               text_of(span, "type") + "\n";
    }
    if (entry.contains("spans_left_out")) story += "      and " + entry.at("spans_left_out").dump() + " more\n";
  }
  return story + "  in the end: " + text_of(row, "verdict") + "\n";
}

}  // namespace temper::clean
