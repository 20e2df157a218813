// Checks of a filter: its verdicts are well formed, the same every time, and settled after one pass.
#include "temper/filter.h"

#include <cmath>
#include <thread>

#include "checks.h"

namespace temper {
namespace {

class TextsInMemory final : public CorpusTexts {
 public:
  explicit TextsInMemory(const std::vector<Document>& documents) : documents_(documents) {}
  std::uint64_t size() const override { return documents_.size(); }
  std::string text(std::uint64_t number) const override { return documents_.at(number).text; }

 private:
  const std::vector<Document>& documents_;
};

}  // namespace

namespace {

/// As a DocumentFilter, if it is both: which of the two it should be is another check's business.
std::vector<FilterResult> run_any(Filter& filter, const std::vector<Document>& documents) {
  std::vector<FilterResult> results;
  if (const auto* single = dynamic_cast<DocumentFilter*>(&filter)) {
    for (const auto& document : documents) results.push_back(single->judge(document));
    return results;
  }
  auto* corpus = dynamic_cast<CorpusFilter*>(&filter);
  if (corpus == nullptr) throw PluginError("a filter has to be either a DocumentFilter or a CorpusFilter");
  for (std::size_t i = 0; i < documents.size(); ++i) corpus->add(i, corpus->digest(documents[i]));
  const TextsInMemory texts(documents);
  corpus->decide(texts, [] { return false; });
  for (std::size_t i = 0; i < documents.size(); ++i) results.push_back(corpus->result(i, documents[i]));
  return results;
}

}  // namespace

std::vector<FilterResult> run_filter(Filter& filter, const std::vector<Document>& documents) {
  if (dynamic_cast<DocumentFilter*>(&filter) != nullptr && dynamic_cast<CorpusFilter*>(&filter) != nullptr) {
    throw PluginError("a filter has to be either a DocumentFilter or a CorpusFilter");
  }
  return run_any(filter, documents);
}

std::vector<Document> filtered(const std::vector<Document>& documents, const std::vector<FilterResult>& results) {
  std::vector<Document> kept;
  for (std::size_t i = 0; i < documents.size(); ++i) {
    if (results[i].drop) continue;
    kept.push_back(documents[i]);
    kept.back().text = apply_spans(documents[i].text, results[i].spans);
  }
  return kept;
}

namespace conformance {
namespace {

/// Ordinary and awkward texts: prose, other scripts, copies, near copies, nothing at all, control characters, long lines.
std::vector<Document> sample_documents() {
  const std::string prose =
      "The river had been rising for three days when the old ferryman came up the path. He did not knock. He stood in the "
      "rain until somebody saw him, and then he asked for bread, and for the loan of a rope.";
  std::string lines, digits;
  for (int i = 0; i < 40; ++i)
    lines += "Entry " + std::to_string(i * 37 % 101) + " of the list was read, and found to be so.\n";
  for (int i = 0; i < 300; ++i) digits += std::to_string(i * 7919 % 1000) + " ";
  const std::vector<std::string> texts = {
      prose,
      prose,
      prose + " Nobody had one.",
      "",
      " \t\n ",
      "a",
      "\xEC\x95\x88\xEB\x85\x95\xED\x95\x98\xEC\x84\xB8\xEC\x9A\x94. 010-1234-5678 \xEB\x81\x9D",
      "caf\xC3\xA9 au lait",
      "cafe\xCC\x81 au lait",
      "one\x01two\x7Fthree\xC2\x85"
      "four",
      "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA9 \xF0\x9F\x98\x80",
      lines,
      lines + lines,
      digits,
      "Write to mary.smith@example.org or call +44 20 7946 0958. <EMAIL>",
      std::string(5000, 'x'),
      "\r\n\r\n\r\nend\r\n",
      "Copyright 2001\nAll rights reserved.\n\n" + prose,
      "{\"key\": [1, 2, 3]}",
      "\xEF\xBB\xBFwith a mark"};
  std::vector<Document> documents;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    documents.push_back({"d" + std::to_string(i), texts[i], "sample:" + std::to_string(i + 1)});
  }
  return documents;
}

std::unique_ptr<Filter> make(const Subject& subject) {
  return subject.plugin.make<Filter>(subject.registration.id, subject.values, {"."});
}

template <class Body>
Outcome with_filter(const Subject& subject, Body body) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  const auto filter = make(subject);
  if (!filter) return Outcome::fail("the factory gave no filter");
  return body(*filter);
}

Outcome offers_one_way(const Subject& subject) {
  return with_filter(subject, [](Filter& filter) {
    const bool single = dynamic_cast<DocumentFilter*>(&filter) != nullptr;
    const bool corpus = dynamic_cast<CorpusFilter*>(&filter) != nullptr;
    if (single && corpus) return Outcome::fail("it is both a DocumentFilter and a CorpusFilter");
    if (!single && !corpus) return Outcome::fail("it is neither a DocumentFilter nor a CorpusFilter");
    return Outcome::pass();
  });
}

bool inside_character(const std::string& text, std::size_t at) {
  return at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80;
}

Outcome spans_sound(const Subject& subject) {
  return with_filter(subject, [](Filter& filter) {
    const auto documents = sample_documents();
    const auto results = run_any(filter, documents);
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const std::string where = "document '" + documents[i].text.substr(0, 20) + "...': ";
      try {
        apply_spans(documents[i].text, results[i].spans);
      } catch (const PluginError& error) {
        return Outcome::fail(where + error.what());
      }
      for (const auto& span : results[i].spans) {
        if (inside_character(documents[i].text, span.begin) || inside_character(documents[i].text, span.end)) {
          return Outcome::fail(where + "a span of '" + span.type + "' cuts a character in two");
        }
        if (span.type.empty()) return Outcome::fail(where + "a span has no type");
      }
    }
    return Outcome::pass();
  });
}

Outcome verdicts_sound(const Subject& subject) {
  return with_filter(subject, [](Filter& filter) {
    const auto documents = sample_documents();
    const auto results = run_any(filter, documents);
    for (std::size_t i = 0; i < results.size(); ++i) {
      const auto& result = results[i];
      const std::string where = "document " + std::to_string(i) + ": ";
      if (result.drop && result.reason.empty()) return Outcome::fail(where + "dropped without a reason");
      if (std::isinf(result.score)) return Outcome::fail(where + "the score is infinite");
      if (result.cluster && *result.cluster > i)
        return Outcome::fail(where + "the cluster's number is not its smallest one");
      if (result.partner && (*result.partner >= results.size() || *result.partner == i)) {
        return Outcome::fail(where + "the partner is no other document");
      }
    }
    return Outcome::pass();
  });
}

bool same(const FilterResult& a, const FilterResult& b) {
  if (a.drop != b.drop || a.reason != b.reason || a.cluster != b.cluster || a.partner != b.partner) return false;
  if (!(a.score == b.score || (std::isnan(a.score) && std::isnan(b.score))) || a.spans.size() != b.spans.size())
    return false;
  for (std::size_t i = 0; i < a.spans.size(); ++i) {
    const FilterSpan &x = a.spans[i], &y = b.spans[i];
    if (x.begin != y.begin || x.end != y.end || x.type != y.type || x.replacement != y.replacement) return false;
  }
  return true;
}

Outcome deterministic(const Subject& subject) {
  return with_filter(subject, [&](Filter& filter) {
    const auto documents = sample_documents();
    const auto first = run_any(filter, documents), second = run_any(*make(subject), documents);
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (!same(first[i], second[i])) {
        return Outcome::fail("two equal filters disagree about the document '" + documents[i].text.substr(0, 20) + "...'");
      }
    }
    return Outcome::pass();
  });
}

Outcome settled(const Subject& subject) {
  return with_filter(subject, [&](Filter& filter) {
    const auto documents = sample_documents();
    const auto once = filtered(documents, run_any(filter, documents));
    const auto twice = filtered(once, run_any(*make(subject), once));
    for (std::size_t i = 0; i < once.size() && i < twice.size(); ++i) {
      if (once[i].id != twice[i].id) return Outcome::fail("a second pass drops the document '" + once[i].id + "'");
      if (once[i].text != twice[i].text)
        return Outcome::fail("a second pass changes the document '" + once[i].id + "' again");
    }
    return once.size() == twice.size() ? Outcome::pass() : Outcome::fail("a second pass drops more documents");
  });
}

/// Digests or verdicts, whichever is called from several threads, as one text.
std::string parallel_part(const Filter& filter, const Document& document) {
  const auto* single = dynamic_cast<const DocumentFilter*>(&filter);
  if (single == nullptr) return dynamic_cast<const CorpusFilter&>(filter).digest(document);
  const auto result = single->judge(document);
  return std::to_string(result.drop) + result.reason + std::to_string(result.score) +
         apply_spans(document.text, result.spans);
}

Outcome judges_in_threads(const Subject& subject) {
  return with_filter(subject, [&](Filter& filter) {
    const auto documents = sample_documents();
    std::vector<std::string> alone, first(documents.size()), second(documents.size());
    for (const auto& document : documents) alone.push_back(parallel_part(filter, document));
    std::string problem, other_problem;
    const auto work = [&](std::vector<std::string>& results, std::string& what) {
      try {
        for (int round = 0; round < 5; ++round) {
          for (std::size_t i = 0; i < documents.size(); ++i) results[i] = parallel_part(filter, documents[i]);
        }
      } catch (const std::exception& error) {
        what = error.what();
      }
    };
    std::thread other(work, std::ref(second), std::ref(other_problem));
    work(first, problem);
    other.join();
    problem += other_problem;
    if (!problem.empty()) return Outcome::fail("two threads at once: " + problem);
    return first == alone && second == alone ? Outcome::pass() : Outcome::fail("two threads at once give other results");
  });
}

}  // namespace

void add_filter_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("filter.") + id, "filter", 1, sentence, run});
  };
  add("offers", "It judges documents one by one or the corpus as a whole, not both.", offers_one_way);
  add("spans", "Spans are in order, apart, named, inside the text and at whole characters.", spans_sound);
  add("verdicts", "Drops have a reason, scores are finite, clusters and partners are documents.", verdicts_sound);
  add("deterministic", "Equal parameters and documents give equal verdicts.", deterministic);
  add("settled", "A second pass over its own output changes nothing.", settled);
  add("threads", "Documents may be judged from two threads at once.", judges_in_threads);
}

}  // namespace conformance
}  // namespace temper
