// Small filters, streams and folders for the tests of the cleaning pipeline.
#pragma once

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "folder.h"
#include "host/clean/pipeline.h"

namespace temper::test {

inline std::string read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

/// "x" becomes "yy", documents with "bad" go.
class Editor final : public Filter, public DocumentFilter {
 public:
  FilterResult judge(const Document& document) const override {
    if (document.text.find("bad") != std::string::npos) return {true, "bad_word", 1};
    FilterResult result;
    for (std::size_t at = 0; (at = document.text.find('x', at)) != std::string::npos; ++at) {
      result.spans.push_back({at, at + 1, "x", "yy"});
    }
    return result;
  }
};

/// Drops later documents with the same first letter.
class FirstLetter : public Filter, public CorpusFilter {
 public:
  std::string digest(const Document& document) const override { return document.text.substr(0, 1); }
  void add(std::uint64_t number, std::string_view digest) override { first_.try_emplace(std::string(digest), number); }
  void decide(const CorpusTexts& texts, const std::function<bool()>&) override { decided_ = texts.size(); }
  FilterResult result(std::uint64_t number, const Document& document) const override {
    return of(document.text.substr(0, 1), number);
  }
  FilterResult of(const std::string& letter, std::uint64_t number) const {
    const std::uint64_t first = first_.at(letter);
    if (first == number) return {};
    FilterResult result{true, "same_letter", 0.5};
    result.cluster = result.partner = first;
    return result;
  }
  std::vector<std::pair<std::string, double>> figures() const override { return {{"seen", static_cast<double>(decided_)}}; }

 private:
  std::map<std::string, std::uint64_t> first_;
  std::uint64_t decided_ = 0;
};

/// Documents of a list; throws once `fail_at` of them were given.
class ListStream final : public Stream<Document> {
 public:
  explicit ListStream(const std::vector<Document>& documents, std::size_t fail_at = SIZE_MAX)
      : documents_(documents), fail_at_(fail_at) {}
  bool next(Document& document) override {
    if (at_ >= fail_at_) throw std::runtime_error("killed");
    if (at_ == documents_.size()) return false;
    document = documents_[at_++];
    return true;
  }

 private:
  const std::vector<Document>& documents_;
  std::size_t at_ = 0, fail_at_;
};

/// The same in one pass with a filter behind it that compares too.
class QuietFirstLetter final : public FirstLetter {
 public:
  bool edits() const override { return false; }
  FilterResult result(std::uint64_t number, const Document&) const override { return of(letters_.at(number), number); }
  void add(std::uint64_t number, std::string_view digest) override {
    letters_[number] = digest;
    FirstLetter::add(number, digest);
  }

 private:
  std::map<std::uint64_t, std::string> letters_;
};

template <class Kind>
clean::StepPlan plan(const std::string& name) {
  return {name, name, [](const Filter::Args&) { return std::make_unique<Kind>(); }};
}

}  // namespace temper::test
