// The report's page: escaping, well-formed markup, the sections, labelled plots, clear refusals.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "catch.h"
#include "host/record/run_record.h"
#include "host/report/html.h"
#include "host/report/plot.h"
#include "host/report/report.h"
#include "temper/error.h"
#include "temper/evaluator.h"

using namespace temper;
namespace fs = std::filesystem;

namespace {

const MetricSpec kAccuracy{"accuracy", "", "Share of right answers.", Better::kHigher};
const std::string kNasty = "<script>alert('x')</script> & \"y\" \xFF\xC0\xAF \xED\xA0\x80 \x01 ]]> </td>";

struct RunSpec {
  std::string id, rate = "0.1", status = "complete", note = {};
  std::uint64_t seed = 1;
  int right = 25;
  bool evaluated = true;
};

EvalResult result_of(int right, int n) {
  EvalResult result;
  result.score_names = {"accuracy"};
  for (int i = 0; i < n; ++i) {
    ExampleRow row;
    row.item_id = "item" + std::to_string(i);
    row.prompt_sha = "p" + std::to_string(i);
    row.prompt = kNasty;
    row.response = i < right ? "yes" : std::string(5000, 'n');
    row.scores = {i < right ? 1.0 : 0.0};
    result.examples.push_back(row);
  }
  result.metrics = {proportion_metric(kAccuracy, right, n)};
  return result;
}

fs::path write_record(const RunSpec& run) {
  const fs::path folder = fs::temp_directory_path() / "temper_test_report";
  fs::create_directories(folder);
  const fs::path path = folder / (run.id + ".h5");
  fs::remove(path);
  RecordFacts facts;
  facts.experiment = "test<1>";
  facts.run_id = run.id;
  facts.seed = run.seed;
  facts.config_source = "experiment: test # <b>\n";
  facts.resolved = {{"stages.sft.learning_rate", run.rate, "command line", "--set"}, {"threads", "1", "file", "x.yaml:1"}};
  facts.plugins = {{"stages.sft", "stage", "sft", "1", "abcdef0123", "tag"}};
  facts.host = {{"cpu", "made <up>"}, {"experiment_file", "it's x.yaml"}};
  const auto record = RunRecord::create(path, facts);
  for (const std::string stage : {"pretrain", "sft"}) {
    const std::vector<std::string> parents =
        stage == "sft" ? std::vector<std::string>{"pretrain"} : std::vector<std::string>{};
    record->begin_stage(stage, {"sft", parents});
    record->declare_metric(stage, {"loss", "nats/token", "Loss of the step.", Better::kLower});
    for (int step = 1; step <= 1000; ++step) record->append(stage, "loss", step, step == 500 ? 77.5 : 3.0 / step);
    if (run.evaluated) record->write_eval(stage, "quiz", result_of(stage == "sft" ? run.right : 5, 60));
    if (!run.note.empty() && stage == "sft") record->add_note(stage, run.note);
    StageSummary summary;
    summary.status = stage == "sft" ? run.status : "complete";
    summary.parents = parents;
    record->end_stage(stage, summary);
  }
  record->set_status(run.status);
  record->flush();
  return path;
}

std::string page_of(const std::vector<fs::path>& paths, const std::string& by = "", const std::string& metric = "") {
  ReportOptions options;
  options.paths = paths;
  options.by = by;
  options.metric = metric;
  return render_report(options);
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}

/// The first fault of the markup: a tag that closes another one, a bare < or an entity that is none; "" if there is none.
std::string fault_of(const std::string& page) {
  std::vector<std::string> open;
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (page[i] == '&') {
      const auto end = page.find(';', i);
      if (end == std::string::npos || end - i > 7) return "bare & at " + std::to_string(i);
    }
    if (page[i] != '<' || page.compare(i, 9, "<!DOCTYPE") == 0) continue;
    const auto end = page.find('>', i);
    if (end == std::string::npos) return "a tag does not end";
    const std::string tag = page.substr(i + 1, end - i - 1);
    if (tag.find('<') != std::string::npos) return "a tag in a tag: " + tag;
    if (count_of(tag, "\"") % 2 != 0) return "a quote in an attribute: " + tag;
    const std::string name = tag.substr(tag[0] == '/', tag.find_first_of(" /", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      if (open.empty() || open.back() != name) return "</" + name + "> closes " + (open.empty() ? "nothing" : open.back());
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : open.back() + " stays open";
}

/// Every attribute of the kind NAME="..." of the page's plots.
std::vector<std::string> labels_of(const std::string& page) {
  std::vector<std::string> labels;
  for (std::size_t at = page.find("<svg"); at != std::string::npos; at = page.find("<svg", at + 4)) {
    const std::string tag = page.substr(at, page.find('>', at) - at);
    const auto label = tag.find("aria-label=\"");
    const bool is_image = tag.find("role=\"img\"") != std::string::npos;
    labels.push_back(label == std::string::npos || !is_image ? "" : tag.substr(label + 12, tag.rfind('"') - label - 12));
  }
  return labels;
}

}  // namespace

TEST_CASE("escaping leaves no markup, no invalid UTF-8 and no control characters") {
  CHECK(report::escape("a<b>&\"c'") == "a&lt;b&gt;&amp;&quot;c&#39;");
  CHECK(report::escape("\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80") == "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  const std::string bad = "\xEF\xBF\xBD";
  CHECK(report::escape("\xFF") == bad);
  CHECK(report::escape("\xC0\xAF") == bad + bad);            // overlong
  CHECK(report::escape("\xED\xA0\x80") == bad + bad + bad);  // a surrogate
  CHECK(report::escape("\xF4\x90\x80\x80").find(bad) == 0);  // beyond Unicode
  CHECK(report::escape("a\xE2\x82") == "a" + bad + bad);     // cut off
  CHECK(report::escape(std::string("a\0b\x1B\n", 5)) == "a" + bad + "b" + bad + "\n");
  CHECK(report::breakable("a_<b>.c") == "a_<wbr/>&lt;b&gt;.<wbr/>c");
  CHECK(report::escape("\xE2\x80\xAE") == bad);  // would turn the direction of what follows
}

TEST_CASE("long texts are cut between characters and say their full length") {
  CHECK(report::escape_cut("abc", 3) == "abc");
  CHECK(report::first_and_last_lines("why\none\ntwo\nthree\n", 100) == "why\none\ntwo\nthree");
  CHECK(report::first_and_last_lines("why\none\ntwo\nthree\n", 14) == "why\n...\ntwo\nthree");
  CHECK(report::first_and_last_lines("why\none\ntwo\nthree", 3) == "why\n...\nthree");
  CHECK(report::first_and_last_lines("why\none", 3) == "why\none");
  CHECK(report::first_and_last_lines("one long line", 3) == "one long line");
  const std::string text = report::escape_cut("\xC3\xA9\xC3\xA9\xC3\xA9\xC3\xA9", 2);
  CHECK(text.starts_with("\xC3\xA9\xC3\xA9 <em>"));
  CHECK_THAT(text, ContainsSubstring("2 of 4 characters"));
}

TEST_CASE("numbers, intervals and p values are words where they are none") {
  CHECK(report::number(0.0 / 0.0 * -1) == "none");
  CHECK(report::number(59414) == "59414");
  CHECK(report::number(0.123456) == "0.1235");
  CHECK(report::number(2.5e12) == "2.5e+12");
  CHECK(report::signed_number(-0.0) == "+0");
  CHECK(report::interval(0.25, 0.5) == "[0.25, 0.5]");
  CHECK(report::interval(std::nan(""), 1).empty());
  CHECK(report::p_text(0.0004) == "p < 0.001");
}

TEST_CASE("thinning keeps spikes and the number of points") {
  std::vector<report::PlotPoint> points;
  for (int i = 0; i < 10'000; ++i) points.push_back({static_cast<double>(i), i == 4321 ? 99.0 : 1, 1, 1});
  const auto some = report::thinned(points, false, 400);
  CHECK(some.size() <= 400);
  CHECK(std::any_of(some.begin(), some.end(), [](const auto& point) { return point.y == 99; }));
  CHECK(std::is_sorted(some.begin(), some.end(), [](const auto& a, const auto& b) { return a.x < b.x; }));
  CHECK(report::ticks(0, 1, 5) == std::vector<double>{0, 0.2, 0.4, 0.6000000000000001, 0.8, 1});
}

TEST_CASE("a page of one run has its sections, is well-formed, and holds no foreign markup") {
  const std::string page = page_of({write_record({"one"})});
  CHECK(fault_of(page) == "");
  for (const std::string id : {"summary", "comparison", "curves", "changes", "environment"}) {
    CHECK_THAT(page, ContainsSubstring("<section id=\"" + id + "\"><h2>"));
  }
  CHECK(count_of(page, "<script") == 0);
  CHECK(count_of(page, "http://") + count_of(page, "https://") + count_of(page, "@import") + count_of(page, "url(") == 0);
  CHECK_THAT(page, ContainsSubstring("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp;"));
  CHECK_THAT(page, ContainsSubstring("Best by quiz.accuracy (higher is better): sft with 0.4167"));
  CHECK_THAT(page, ContainsSubstring("the lead is sure"));
  CHECK_THAT(page, ContainsSubstring("* better") && ContainsSubstring("* gained"));
  CHECK_THAT(page, ContainsSubstring("1200 of 5000 characters"));
  CHECK_THAT(page, ContainsSubstring("Gained: 20 of 20"));
  CHECK_THAT(page, ContainsSubstring(
                       "temper run &#39;it&#39;\\&#39;&#39;s x.yaml&#39; --set stages.sft.learning_rate=0.1 --seed 1"));
  CHECK_THAT(page, ContainsSubstring("abcdef0123") && ContainsSubstring("made &lt;up&gt;"));
  const auto labels = labels_of(page);
  CHECK(labels.size() == 2);  // the loss of two stages
  for (const auto& label : labels) CHECK_THAT(label, ContainsSubstring("loss in nats/token over steps"));
  CHECK(count_of(page, "<svg") == count_of(page, "<figcaption>"));
  CHECK(count_of(page, "<th>") == 0);  // every head says what it heads
}

TEST_CASE("seeds of one cell share a band, other cells have lines of their own, named") {
  const auto a1 = write_record({"a1", "0.1"}), b1 = write_record({"b1", "0.2"});
  const auto a2 = write_record({"a2", "0.1", "complete", "", 2}), b2 = write_record({"b2", "0.2", "complete", "", 2, 40});
  const std::string page = page_of({a1, a2, b1, b2}, "stages.sft.learning_rate");
  CHECK(fault_of(page) == "");
  CHECK(count_of(page, "class=\"band ") == 4);  // two cells, two stages
  CHECK_THAT(page, ContainsSubstring("sft.learning_rate=0.2</span> (2 seeds)"));
  CHECK_THAT(page, ContainsSubstring("band: lowest to highest"));
  CHECK_THAT(page, ContainsSubstring("Values that differ between runs (1)"));
}

TEST_CASE("P-SWEEP-04 runs that failed or were never evaluated are named with their reason and count as no zero") {
  const auto good = write_record({"good"});
  const auto bad = write_record({"bad", "0.2", "failed", "Segmentation fault in <sft>", 1, 0, false});
  const std::string page = page_of({good, bad});
  CHECK(fault_of(page) == "");
  CHECK_THAT(page, ContainsSubstring("1 complete, 1 failed") && ContainsSubstring("Segmentation fault in &lt;sft&gt;"));
  CHECK_THAT(page, ContainsSubstring("sft with 0.4167"));
  const std::string alone = page_of({bad});
  CHECK(fault_of(alone) == "");
  CHECK_THAT(alone, ContainsSubstring("No run has an evaluation"));
}

TEST_CASE("what cannot be reported is refused in one sentence") {
  const auto path = write_record({"one"});
  CHECK_THROWS_WITH(page_of({"nowhere.h5"}), ContainsSubstring("'nowhere.h5' does not exist"));
  CHECK_THROWS_AS(page_of({"nowhere.h5"}), DataError);
  CHECK_THROWS_WITH(page_of({path}, "", "nothing"), ContainsSubstring("there are: quiz.accuracy"));
  CHECK_THROWS_AS(page_of({path}, "", "("), ConfigError);
  CHECK_THROWS_AS(page_of({path}, "no.such.key"), ConfigError);
  CHECK_THROWS_AS(page_of({}), ConfigError);
  const fs::path empty = fs::temp_directory_path() / "temper_test_report_empty";
  fs::create_directories(empty);
  CHECK_THROWS_WITH(page_of({empty}), ContainsSubstring("holds no record"));
}

TEST_CASE("a cleaning has a page of its own, with bars for documents, bytes and rules, and samples") {
  clean::LedgerStats stats;
  stats.summary.documents = 100;
  stats.summary.kept = 60;
  stats.summary.edited = 3;
  stats.summary.dropped = 40;
  clean::FilterTotals quality{"quality", "quality", 100, 5, 38, 9'000'000, 5'000'000};
  quality.reasons = {{"gopher_short", 30}, {"<b>", 8}};
  quality.spans = {{"c4_few_words", 12}};
  clean::FilterTotals copies{"exact_dedup", "exact_dedup", 62, 0, 2, 5'000'000, 4'000'000};
  copies.reasons = {{"copy", 2}};
  stats.summary.filters = {quality, copies};
  stats.samples["quality"] = {{"id&1", "source", "gopher_short", kNasty}};
  const std::string page = render_cleaning("Cleaning: corpus <1>", stats);
  CHECK(fault_of(page) == "");
  CHECK(count_of(page, "<script") == 0);
  for (const std::string id : {"plots", "filters", "samples"}) {
    CHECK_THAT(page, ContainsSubstring("<section id=\"" + id + "\"><h2>") && ContainsSubstring("href=\"#" + id + "\""));
  }
  CHECK(labels_of(page).size() == 3);
  CHECK(count_of(page, "<rect class=\"dot c0\"") == 2 + 2 + 3);
  CHECK(count_of(page, "<rect class=\"dot c1\"") == 2);
  // The longest bar of the documents is 220 wide and stands for 43; the part of the edited is 5 of them.
  CHECK_THAT(page, ContainsSubstring("width=\"164.4\"") && ContainsSubstring("width=\"21.6\""));
  CHECK_THAT(page, ContainsSubstring("38 (38.0 %)") && ContainsSubstring("id&amp;1"));
  CHECK(fault_of(render_cleaning("empty", {})) == "");
}
