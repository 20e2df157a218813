// `temper data clean`, `dedup`, `decontaminate` and `stats`: raw texts to a training corpus, with an account of every
// document. The work is host/clean; the filters are plugins.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "host/clean/ledger.h"
#include "host/clean/plan.h"
#include "host/cli/commands.h"
#include "host/cli/options.h"
#include "host/config/resolve.h"
#include "host/report/report.h"
#include "host/util/cancel.h"
#include "host/util/cores.h"
#include "host/util/files.h"
#include "temper/error.h"
#include "temper/filter.h"
#include "temper/hash.h"

namespace temper {
namespace po = boost::program_options;
namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
namespace {

std::vector<std::string> split_list(const std::string& text) {
  std::vector<std::string> names;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    if (end > begin) names.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return names;
}

std::vector<SlotConfig> filters_of(const Registry& registry, const std::string& list, const std::vector<std::string>& sets) {
  std::vector<SlotConfig> filters;
  std::vector<std::string> names;
  for (const auto& id : split_list(list)) {
    registry.find(Filter::kKind, id);
    std::string name = id;
    for (int copy = 2; std::find(names.begin(), names.end(), name) != names.end(); ++copy)
      name = id + "_" + std::to_string(copy);
    names.push_back(name);
    filters.push_back({name, std::string(Filter::kKind), id, {}});
  }
  if (filters.empty()) throw ConfigError("--filters names no filter; `temper plugins list` shows them");
  std::vector<std::vector<std::string>> own(filters.size());
  for (const auto& set : sets) {
    const auto dot = set.find('.');
    const std::string name = set.substr(0, dot);
    const auto found = std::find(names.begin(), names.end(), name);
    if (dot == std::string::npos || set.find('=') == std::string::npos) {
      throw ConfigError("--set " + set + ": must be FILTER.PARAMETER=VALUE, e.g. near_dedup.threshold=0.8");
    }
    if (found == names.end()) {
      const auto near = nearest_name(name, names);
      throw ConfigError("--set " + set + ": the filter '" + name + "' is not among --filters" +
                        (near ? "; did you mean '" + *near + "'?" : ""));
    }
    own[static_cast<std::size_t>(found - names.begin())].push_back(set.substr(dot + 1));
  }
  for (std::size_t i = 0; i < filters.size(); ++i) {
    filters[i].values = values_of_sets(registry, filters[i].kind, filters[i].plugin, own[i]);
  }
  return filters;
}

void add_clean_options(po::options_description& own) {
  own.add_options()("out,o", po::value<std::string>(), "folder for the cleaned texts, or one file *.jsonl[.gz|.zst]")(
      "ledger", po::value<std::string>(), "file for the ledger; by default ledger.jsonl in the folder")(
      "set", po::value<std::vector<std::string>>()->composing(),
      "FILTER.PARAMETER=VALUE, e.g. near_dedup.threshold=0.8; may be repeated")(
      "text-field", po::value<std::string>()->default_value("text"), "field of JSON rows that holds the text")(
      "id-field", po::value<std::string>()->default_value(""),
      "field that holds the id; by default id, key, item_id, or file and line")(
      "split-on", po::value<std::string>()->default_value("file"),
      "of plain text, what is one document: file, blank_line or line")(
      "max-line-mb", po::value<std::int64_t>()->default_value(64), "longest line that is accepted")(
      "threads", po::value<int>()->default_value(0), "threads that filter; 0 is one a core")(
      "memory-mb", po::value<std::int64_t>()->default_value(1024), "what a filter that compares documents may hold at once")(
      "shard-mb", po::value<std::int64_t>()->default_value(256), "size of a file in the output folder, unpacked")(
      "packing", po::value<std::string>()->default_value("none"), "of the files in the output folder: none, gz or zst")(
      "mark-mb", po::value<std::int64_t>()->default_value(64),
      "text between two points from which a stopped cleaning goes on")(
      "max-spans", po::value<std::int64_t>()->default_value(1000),
      "places a document and filter that the ledger lists; the rest is counted")(
      "format", po::value<std::string>()->default_value("text"), "of the summary: text or json")(
      "overwrite", "replace an output that is there")("fresh", "forget what a stopped cleaning had done, and begin again");
}

std::int64_t at_least(const ParsedOptions& options, const char* name, std::int64_t least) {
  const auto value = options.get<std::int64_t>(name);
  if (value < least)
    throw ConfigError(std::string("--") + name + " " + std::to_string(value) + ": must be at least " +
                      std::to_string(least));
  return value;
}

/// Where things go, and the rule that nothing is replaced unasked.
struct Places {
  fs::path out, ledger, work;
  bool single = false;  ///< `out` is a file
};

Places places_of(const ParsedOptions& options) {
  if (!options.has("out")) throw ConfigError("-o is missing; give a folder for the cleaned texts, or a file *.jsonl");
  Places places;
  places.out = fs::path(options.get<std::string>("out")).lexically_normal();
  if (!places.out.has_filename()) places.out = places.out.parent_path();
  fs::path bare = places.out;
  if (clean::packing_of(bare) != clean::Packing::kNone) bare.replace_extension();
  places.single = bare.extension() == ".jsonl";
  if (options.has("ledger")) places.ledger = options.get<std::string>("ledger");
  places.work = places.out;
  places.work += ".work";
  if (options.has("fresh")) fs::remove_all(places.work);
  if (!options.has("overwrite")) {
    for (const auto& path : {places.out, places.ledger}) {
      // What a stopped command had put in place already is its own.
      if (path.empty() || !fs::exists(path) || fs::exists(places.work / "state.json")) continue;
      if (fs::is_directory(path) && fs::is_empty(path)) continue;
      throw ConfigError("'" + path.string() + "' is there already; give another place, or --overwrite");
    }
  }
  if (places.out.has_parent_path()) create_folders(places.out.parent_path());
  if (places.ledger.has_parent_path()) create_folders(places.ledger.parent_path());
  return places;
}

/// A file or folder to its place, also when an earlier try got that far and stopped.
void move_to(const fs::path& from, const fs::path& to) {
  if (!fs::exists(from)) return;
  fs::remove_all(to);
  std::error_code error;
  fs::rename(from, to, error);
  if (!error) return;
  // Another file system.
  fs::copy(from, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  if (error) throw DataError("cannot write '" + to.string() + "': " + error.message() + "; start the same command again");
}

void publish(const Places& places, const clean::Summary& summary) {
  const fs::path ledger = places.work / "ledger.jsonl";
  if (places.single) {
    if (!places.ledger.empty()) move_to(ledger, places.ledger);
    move_to(places.work / "out" / places.out.filename(), places.out);
  } else {
    if (fs::exists(places.work / "out")) {
      write_file_atomically(places.work / "out" / "summary.json", clean::summary_json(summary).dump(2) + "\n");
      move_to(ledger, places.ledger.empty() ? places.work / "out" / "ledger.jsonl" : places.ledger);
    }
    move_to(places.work / "out", places.out);
  }
  fs::remove_all(places.work);
}

int clean_with(const ParsedOptions& options, const std::string& filter_list, const std::vector<std::string>& sets) {
  const bool json = wants_json(options);
  const PluginHost host = load_host(options);
  const auto filters = filters_of(host.registry, filter_list, sets);
  clean::InputOptions input{options.get<std::string>("text-field"), options.get<std::string>("id-field"),
                            options.get<std::string>("split-on"), at_least(options, "max-line-mb", 1)};
  const auto packing_name = options.get<std::string>("packing");
  if (packing_name != "none" && packing_name != "gz" && packing_name != "zst") {
    throw ConfigError("--packing " + packing_name + ": must be none, gz or zst");
  }
  clean::Settings settings;
  settings.threads = options.get<int>("threads");
  if (settings.threads < 0 || settings.threads > 1024)
    throw ConfigError("--threads " + std::to_string(settings.threads) + ": must be 0 to 1024");
  if (settings.threads == 0) settings.threads = cores();
  settings.memory_bytes = static_cast<std::uint64_t>(at_least(options, "memory-mb", 16)) << 20;
  settings.mark_bytes = static_cast<std::uint64_t>(at_least(options, "mark-mb", 1)) << 20;
  settings.most_spans = static_cast<std::size_t>(at_least(options, "max-spans", 0));
  const auto shard_bytes = static_cast<std::uint64_t>(at_least(options, "shard-mb", 1)) << 20;
  clean::Inputs inputs(host.registry, options.positional, input);
  const Places places = places_of(options);
  settings.work = places.work;
  const fs::path base = fs::current_path();
  settings.identity = sha256_hex(inputs.fingerprint() + clean::filters_identity(host.registry, filters, base) +
                                 packing_name + std::to_string(shard_bytes) + std::to_string(settings.most_spans) + " " +
                                 std::to_string(settings.mark_bytes) + places.out.filename().string());
  const fs::path staged = places.work / "out";
  const auto packing = places.single           ? clean::packing_of(places.out)
                       : packing_name == "gz"  ? clean::Packing::kGzip
                       : packing_name == "zst" ? clean::Packing::kZstd
                                               : clean::Packing::kNone;
  TerminalProgress progress(progress_style(options));
  const auto summary = clean::run_filters(
      [&] { return inputs.open(); }, clean::step_plans(host.registry, filters, base),
      [&](const std::string& mark) {
        create_folders(staged);  // not earlier: a cleaning that has ended may have moved it to its place already
        return clean::jsonl_sink(staged, places.single ? staged / places.out.filename() : fs::path(), packing, shard_bytes,
                                 mark);
      },
      settings, &progress, &cancel_flag());
  if (summary.documents == 0) {
    fs::remove_all(places.work);
    throw DataError("the input holds no document that could be read" +
                    (summary.faults.empty() ? "" : "; the first fault: " + summary.faults.front()));
  }
  publish(places, summary);
  if (json) {
    std::cout << clean::summary_json(summary).dump(2) << "\n";
  } else {
    std::cout << clean::summary_text(summary) << "texts: " << places.out.string() << "\n";
    const fs::path ledger = !places.ledger.empty() ? places.ledger
                            : places.single        ? fs::path()
                                                   : places.out / "ledger.jsonl";
    if (!ledger.empty()) std::cout << "ledger: " << ledger.string() << "  (temper data stats " << ledger.string() << ")\n";
  }
  if (summary.skipped == 0) return 0;
  for (const auto& fault : summary.faults) std::cerr << "temper: " << fault << "\n";
  std::cerr << "temper: " << summary.skipped << (summary.skipped == 1 ? " row" : " rows")
            << " could not be read and are not in the output; everything else is\n";
  return 3;
}

/// clean and dedup: the same but for the filters that are meant where none are named.
int filters_command(const std::vector<std::string>& args, const char* default_filters, const CommandHelp& help) {
  po::options_description own;
  add_clean_options(own);
  own.add_options()("filters", po::value<std::string>()->default_value(default_filters), "names of filters, in their order");
  const auto options = parse_options(args, help, own, 1, 100000);
  if (options.help_shown) return 0;
  return clean_with(options, options.get<std::string>("filters"), options.list("set"));
}

int decontaminate_command(const std::vector<std::string>& args) {
  po::options_description own;
  add_clean_options(own);
  own.add_options()("against", po::value<std::vector<std::string>>()->multitoken()->composing(),
                    "evaluation files whose texts must not be in the output; several may follow");
  const auto options =
      parse_options(args,
                    {"temper data decontaminate IN... -o OUT --against EVAL... [--set decontaminate.ngram=13]",
                     "Drops documents that share n-grams with evaluation sets. The same as clean with the "
                     "filter decontaminate."},
                    own, 1, 100000);
  if (options.help_shown) return 0;
  const auto against = options.list("against");
  if (against.empty()) throw ConfigError("--against is missing; give the evaluation files (.jsonl, .csv, .txt)");
  std::string list;
  for (const auto& path : against) list += (list.empty() ? "" : ", ") + Json(path).dump();
  auto sets = options.list("set");
  sets.push_back("decontaminate.against=[" + list + "]");
  return clean_with(options, "decontaminate", sets);
}

int stats_command(const std::vector<std::string>& args) {
  po::options_description own;
  own.add_options()("explain", po::value<std::string>(), "tell what happened to the document of this id")(
      "samples", po::value<std::int64_t>()->default_value(3), "dropped documents shown for each filter")(
      "html", po::value<std::string>(), "write a page with plots to this file")(
      "overwrite", "replace the page if it is there")("format", po::value<std::string>()->default_value("text"),
                                                      "text or json");
  const auto options =
      parse_options(args,
                    {"temper data stats LEDGER|FOLDER [--explain ID] [--html PAGE] [--samples N] [--format json]",
                     "What a cleaning removed and why, counted from its ledger."},
                    own, 1, 1);
  if (options.help_shown) return 0;
  const bool json = wants_json(options);
  fs::path ledger = options.positional[0];
  if (fs::is_directory(ledger)) ledger /= "ledger.jsonl";
  if (options.has("explain")) {
    const auto id = options.get<std::string>("explain");
    std::size_t found = 0;
    clean::read_ledger(ledger, [&](const Json& row) {
      if (row.at("id") != id) return;
      ++found;
      std::cout << (json ? row.dump() + "\n" : clean::story_of(row));
    });
    if (found == 0) throw DataError("the ledger '" + ledger.string() + "' has no document with the id '" + id + "'");
    return 0;
  }
  const fs::path page = options.has("html") ? options.get<std::string>("html") : "";
  if (!page.empty() && fs::exists(page) && (fs::is_directory(page) || !options.has("overwrite"))) {
    throw ConfigError("--html " + page.string() + " is there already; give another name, or --overwrite for a file");
  }
  const auto stats = clean::ledger_stats(ledger, static_cast<std::size_t>(at_least(options, "samples", 0)));
  if (!page.empty()) write_file_atomically(page, render_cleaning("Cleaning: " + options.positional[0], stats));
  if (json) {
    Json all = clean::summary_json(stats.summary);
    for (const auto& [filter, samples] : stats.samples) {
      for (const auto& one : samples) {
        all["samples"][filter].push_back(
            {{"id", one.id}, {"source", one.source}, {"reason", one.reason}, {"excerpt", one.excerpt}});
      }
    }
    std::cout << all.dump(2) << "\n";
    return 0;
  }
  std::cout << clean::summary_text(stats.summary);
  for (const auto& [filter, samples] : stats.samples) {
    std::cout << "\ndropped by " << filter << ", for instance\n";
    for (const auto& one : samples) {
      std::cout << "  " << one.id << (one.reason.empty() ? "" : "  [" + one.reason + "]") << "  " << Json(one.excerpt).dump()
                << "\n";
    }
  }
  return 0;
}

}  // namespace

int data_command(const std::vector<std::string>& args) {
  const std::vector<std::string> names{"clean", "dedup", "stats", "decontaminate"};
  if (args.empty() || args[0] == "--help" || args[0] == "help") {
    std::printf(
        "usage: temper data clean|dedup|decontaminate IN... -o OUT, temper data stats LEDGER\n\n"
        "  clean          texts through filters, with an account of every document\n"
        "  dedup          take out texts that stand twice, word for word or nearly\n"
        "  decontaminate  drop texts that share n-grams with evaluation sets\n"
        "  stats          what a cleaning removed and why; --explain ID tells one document's story,\n"
        "                 --html PAGE draws it\n\n"
        "`temper data COMMAND --help` tells more; `temper plugins list` shows the filters.\n");
    return args.empty() ? 2 : 0;
  }
  const std::vector<std::string> rest(args.begin() + 1, args.end());
  if (args[0] == "clean") {
    return filters_command(
        rest, "normalize,boilerplate,quality,exact_dedup,near_dedup,pii",
        {"temper data clean IN... -o OUT [--filters a,b] [--set FILTER.PARAMETER=VALUE]... [--ledger FILE]",
         "Texts (.txt, .jsonl, also .gz and .zst; files, folders, globs) through filters. Each document's fate is a line of "
         "the ledger. A stopped cleaning goes on when the same command is given again."});
  }
  if (args[0] == "dedup") {
    return filters_command(rest, "exact_dedup,near_dedup",
                           {"temper data dedup IN... -o OUT [--set near_dedup.threshold=0.8] [--ledger FILE]",
                            "Takes out documents that stand twice, word for word or nearly. The same as clean with the "
                            "filters exact_dedup and near_dedup."});
  }
  if (args[0] == "decontaminate") return decontaminate_command(rest);
  if (args[0] == "stats") return stats_command(rest);
  const auto near = nearest_name(args[0], names);
  throw ConfigError("unknown command 'data " + args[0] + "'" +
                    (near ? "; did you mean '" + *near + "'?" : "; there are clean, dedup, decontaminate and stats"));
}

}  // namespace temper
