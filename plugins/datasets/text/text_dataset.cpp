// Lines to documents (see text_dataset.h). One stream holds one document and one line at a time.
#include "text_dataset.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "gutenberg.h"
#include "line_reader.h"
#include "skips.h"

namespace temper::dataset_text {
namespace {

using dataset_io::Line;
using dataset_io::LineReader;
using dataset_io::place;

bool is_blank(const std::string& line) { return line.find_first_not_of(" \t\f\v") == std::string::npos; }

std::int64_t count_chars(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

class TextStream final : public Stream<Document> {
 public:
  TextStream(const TextParams& params, std::vector<dataset_io::DataFile> files)
      : params_(params), files_(std::move(files)), skips_("text", params.on_error == "skip") {}

  bool next(Document& document) override {
    while (true) {
      if (!reader_ && !open_next_file()) {
        skips_.report();
        return false;
      }
      if (!gather(document)) {
        if (!any_line_) {
          skips_.bad("data file '" + file().path.string() + "' holds no text; take it out of 'path' or fill it");
        }
        reader_.reset();
        continue;
      }
      if (count_chars(document.text) >= params_.min_chars) return true;
    }
  }

  StreamState state() const override {
    const bool open = reader_.has_value();
    return {skips_.count(), skips_.faults(),
            dataset_io::fraction_read(files_, open ? next_file_ - 1 : next_file_, open ? reader_->taken() : 0)};
  }

 private:
  const dataset_io::DataFile& file() const { return files_[next_file_ - 1]; }

  bool open_next_file() {
    if (next_file_ == files_.size()) return false;
    ++next_file_;
    ranges_ = {LineRange{}};
    if (params_.strip_gutenberg) {
      try {
        ranges_ = book_lines(file().path, params_.max_line_mb);
      } catch (const DataError&) {
        // A damaged file is told of where reading it comes to the damage.
        if (!skips_.skipping()) throw;
      }
    }
    range_ = 0;
    reader_.emplace(file().path, params_.max_line_mb);
    any_line_ = damaged_ = false;
    return true;
  }

  /// A file that is damaged from some place on ends there, if bad lines are skipped.
  bool read_line(Line& line) {
    if (damaged_) return false;
    try {
      return reader_->next(line);
    } catch (const DataError& damage) {
      if (!skips_.skipping()) throw;
      any_line_ = damaged_ = true;
      skips_.bad(damage.what());
      return false;
    }
  }

  /// The next line of the book; bad lines are an error or are counted and left out.
  bool next_line(Line& line) {
    while (read_line(line)) {
      any_line_ = true;
      while (range_ < ranges_.size() && line.number > ranges_[range_].last) ++range_;
      if (range_ == ranges_.size() || line.number < ranges_[range_].first) continue;
      if (line.problem.empty()) return true;
      skips_.bad(line.problem);
    }
    return false;
  }

  bool gather(Document& document) {
    const bool by_line = params_.split_on == "line", by_file = params_.split_on == "file";
    document.text.clear();
    std::int64_t first = 0;
    std::size_t blanks = 0;
    Line line;
    while (next_line(line)) {
      if (is_blank(line.text)) {
        if (first == 0) continue;
        if (!by_file) break;
        ++blanks;
        continue;
      }
      if (first == 0) {
        first = line.number;
      } else {
        document.text.append(blanks + 1, '\n');
      }
      blanks = 0;
      document.text += line.text;
      if (document.text.size() > static_cast<std::size_t>(params_.max_document_mb) << 20) {
        throw DataError(place(file().path, line.number) + ": the document is larger than " +
                        std::to_string(params_.max_document_mb) +
                        " MB; raise max_document_mb or set split_on to blank_line");
      }
      if (by_line) break;
    }
    if (first == 0) return false;
    document.id = by_file ? file().label : file().label + ":" + std::to_string(first);
    document.source = place(file().path, first);
    return true;
  }

  TextParams params_;
  std::vector<dataset_io::DataFile> files_;
  dataset_io::Skips skips_;
  std::size_t next_file_ = 0;
  std::optional<LineReader> reader_;
  std::vector<LineRange> ranges_;
  std::size_t range_ = 0;
  bool any_line_ = false;
  bool damaged_ = false;  ///< nothing more of this file can be read
};

}  // namespace

ParamTable<TextParams> text_params() {
  using P = TextParams;
  ParamTable<P> table;
  table.add("path", &P::path, "Files, folders (their .txt files) and globs, each plain, .gz or .zst.", {.required = true});
  table.add("split_on", &P::split_on, "What is one document: a file, a block between blank lines, or a line.",
            {.choices = {"file", "blank_line", "line"}});
  table.add("strip_gutenberg", &P::strip_gutenberg,
            "Leave out Project Gutenberg's licence where its marker lines are present.");
  table.add("min_chars", &P::min_chars, "Leave out shorter documents.", {.min = 0, .max = 1e9, .unit = "characters"});
  table.add("max_line_mb", &P::max_line_mb, "Longest line that is accepted.", {.min = 1, .max = 4096, .unit = "MB"});
  table.add("max_document_mb", &P::max_document_mb, "Largest document that is accepted.",
            {.min = 1, .max = 65536, .unit = "MB"});
  table.add("on_error", &P::on_error, "What a bad line (not UTF-8, too long) does: end the run, or be skipped and counted.",
            {.choices = {"error", "skip"}});
  return table;
}

TextDataset::TextDataset(const TextParams& params, const Args& args)
    : params_(params), files_(dataset_io::resolve_files(params.path, args.base_dir, {".txt", ".text"})) {}

std::string TextDataset::fingerprint() {
  if (fingerprint_.empty()) {
    const std::string settings = "text 1 " + params_.split_on + " " + (params_.strip_gutenberg ? "strip" : "keep") + " " +
                                 std::to_string(params_.min_chars) + " " + params_.on_error +
                                 (params_.on_error == "skip" ? " " + std::to_string(params_.max_line_mb) : "");
    fingerprint_ = dataset_io::fingerprint_files(files_, settings);
  }
  return fingerprint_;
}

std::unique_ptr<Stream<Document>> TextDataset::documents(Split split) {
  return std::make_unique<TextStream>(params_, split == Split::kTrain ? files_ : std::vector<dataset_io::DataFile>{});
}

}  // namespace temper::dataset_text
