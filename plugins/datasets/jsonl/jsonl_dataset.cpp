// One stream template for the four kinds of rows (see jsonl_dataset.h): next record, parse, convert, complain or skip.
#include "jsonl_dataset.h"

#include <nlohmann/json.hpp>
#include <optional>

#include "fast_documents.h"
#include "feedback.h"
#include "record_reader.h"
#include "rows.h"
#include "skips.h"

namespace temper::dataset_jsonl {
namespace {

using Files = std::vector<dataset_io::DataFile>;

nlohmann::json parse_object(const std::string& text) {
  nlohmann::json row;
  try {
    row = nlohmann::json::parse(text);
  } catch (const nlohmann::json::parse_error& error) {
    throw BadRow{"broken JSON at byte " + std::to_string(error.byte) +
                 " of the record; a file is one JSON object a line or one JSON array; correct it"};
  }
  if (!row.is_object())
    throw BadRow{"the record is " + std::string(row.type_name()) + ", must be a JSON object; correct it"};
  return row;
}

/// A record that is one row, as a list of rows.
template <class Row, Row (*convert)(const nlohmann::json&, const Fields&, const std::string&)>
std::vector<Row> one(const nlohmann::json& record, const Fields& fields, const std::string& fallback_id) {
  return {convert(record, fields, fallback_id)};
}

template <class Row>
class RowStream final : public Stream<Row> {
 public:
  using Convert = std::vector<Row> (*)(const nlohmann::json&, const Fields&, const std::string&);

  RowStream(const JsonlParams& params, Files files, Convert convert)
      : params_(params), files_(std::move(files)), convert_(convert), skips_("jsonl", params.on_error == "skip") {
    fields_ = {params.format,          params.text_field,       params.id_field,    params.prompt_field,
               params.reference_field, params.completion_field, params.label_field, params.label_values,
               params.prompt_layout,   params.keep_fields};
  }

  bool next(Row& row) override {
    while (true) {
      if (next_row_ < rows_.size()) {
        row = std::move(rows_[next_row_++]);
        return true;
      }
      if (!reader_) {
        if (next_file_ == files_.size()) {
          skips_.report();
          return false;
        }
        open_next_file();
        continue;
      }
      if (!read(record_)) {
        reader_.reset();
        continue;
      }
      const auto& file = files_[next_file_ - 1];
      const std::string source = dataset_io::place(file.path, record_.line);
      if (!record_.problem.empty()) {
        skips_.bad(record_.problem);
        continue;
      }
      next_row_ = 0;
      rows_.clear();
      const std::string fallback_id = file.label + ":" + std::to_string(record_.line);
      if constexpr (std::is_same_v<Row, Document>) {
        const bool plain = params_.format == "auto" || params_.format == "documents";
        if (plain && fast_.read(record_.text, fields_, fallback_id, row)) {
          row.source = source;
          return true;
        }
      }
      try {
        rows_ = convert_(parse_object(record_.text), fields_, fallback_id);
      } catch (const BadRow& bad) {
        skips_.bad(source + ": " + bad.what);
      }
      for (auto& made : rows_) made.source = source;
    }
  }

  StreamState state() const override {
    const bool open = reader_.has_value();
    return {skips_.count(), skips_.faults(),
            dataset_io::fraction_read(files_, open ? next_file_ - 1 : next_file_, open ? reader_->taken() : 0)};
  }

 private:
  /// What is damaged from some place on ends there, if bad rows are skipped.
  template <class Function>
  bool or_skip(Function&& function) {
    try {
      return function();
    } catch (const DataError& damage) {
      if (!skips_.skipping()) throw;
      skips_.bad(damage.what());
      return false;
    }
  }
  void open_next_file() {
    const auto& path = files_[next_file_++].path;
    or_skip([&] {
      reader_.emplace(path, params_.max_line_mb);
      return true;
    });
  }
  bool read(Record& record) {
    return or_skip([&] { return reader_->next(record); });
  }

  JsonlParams params_;
  Files files_;
  Convert convert_;
  Fields fields_;
  dataset_io::Skips skips_;
  std::size_t next_file_ = 0;
  std::optional<RecordReader> reader_;
  Record record_;          ///< the latest; its room is used again
  std::vector<Row> rows_;  ///< of the latest record
  std::size_t next_row_ = 0;
  FastDocuments fast_;
};

}  // namespace

ParamTable<JsonlParams> jsonl_params() {
  using P = JsonlParams;
  ParamTable<P> table;
  table.add("path", &P::path, "Files, folders (their .jsonl and .json files) and globs, each plain, .gz or .zst.",
            {.required = true});
  table.add(
      "format", &P::format, "What the rows are; auto decides row by row from the fields and what is asked for.",
      {.choices = {"auto", "documents", "alpaca", "completion", "chat", "preferences", "hh", "rankings", "kto", "items"}});
  table.add("text_field", &P::text_field, "Field that holds a document's text.");
  table.add("id_field", &P::id_field, "Field that holds the row's id; empty tries id, key and item_id, then file and line.");
  table.add("prompt_field", &P::prompt_field,
            "Field that holds the prompt of an item or of kto feedback; empty tries prompt, messages, question, instruction "
            "and input.");
  table.add("reference_field", &P::reference_field,
            "Field that holds an item's right answer; empty tries reference, answer, output and target.");
  table.add("completion_field", &P::completion_field,
            "Field that holds the answer of kto feedback; empty tries completion, response and output.");
  table.add("label_field", &P::label_field, "Field that says whether the answer of kto feedback is good; empty is label.");
  table.add("label_values", &P::label_values,
            "The two values of the label, good and bad, spaces around them aside; empty is true and false.");
  table.add("prompt_layout", &P::prompt_layout,
            "How the prompt field of kto feedback holds both prompt and answer, such as \"Q: {prompt}\\nA: {completion}\"; "
            "empty if it holds the prompt alone.");
  table.add("max_line_mb", &P::max_line_mb, "Longest line or array element that is accepted.",
            {.min = 1, .max = 4096, .unit = "MB"});
  table.add("keep_fields", &P::keep_fields, "Whether documents keep the row's other fields, which cleaning then hands on.");
  table.add("on_error", &P::on_error, "What a bad row does: end the run, or be skipped and counted.",
            {.choices = {"error", "skip"}});
  table.require([](const P& p) { return p.label_values.empty() || p.label_values.size() == 2; },
                "label_values needs two texts: that of a good answer, then that of a bad one");
  table.require([](const P& p) { return p.prompt_layout.empty() || layout_problem(p.prompt_layout).empty(); },
                "prompt_layout needs {prompt} and behind it {completion}, once each, with some text between them");
  table.require([](const P& p) { return p.prompt_layout.empty() || p.completion_field.empty(); },
                "prompt_layout says where the answer is, so completion_field must be empty");
  return table;
}

JsonlDataset::JsonlDataset(const JsonlParams& params, const Args& args)
    : params_(params), files_(dataset_io::resolve_files(params.path, args.base_dir, {".jsonl", ".json", ".ndjson"})) {}

std::string JsonlDataset::fingerprint() {
  if (fingerprint_.empty()) {
    std::string settings = "jsonl 2";
    for (const auto& text : {params_.format, params_.text_field, params_.id_field, params_.prompt_field,
                             params_.reference_field, params_.on_error}) {
      settings += "\n" + text;
    }
    // Only where they are set, so that the others keep their caches.
    const std::pair<const char*, const std::string&> feedback[] = {
        {"completion", params_.completion_field}, {"label", params_.label_field}, {"layout", params_.prompt_layout}};
    for (const auto& [name, text] : feedback) {
      if (!text.empty()) settings += std::string("\n") + name + " " + text;
    }
    for (const auto& text : params_.label_values) settings += "\nlabel value " + text;
    if (params_.keep_fields) settings += "\nkeep fields";
    if (params_.on_error == "skip") settings += "\n" + std::to_string(params_.max_line_mb);
    fingerprint_ = dataset_io::fingerprint_files(files_, settings);
  }
  return fingerprint_;
}

std::unique_ptr<Stream<Document>> JsonlDataset::documents(Split split) {
  return std::make_unique<RowStream<Document>>(params_, split == Split::kTrain ? files_ : Files{},
                                               &one<Document, to_document>);
}

std::unique_ptr<Stream<InstructionRow>> JsonlDataset::instructions(Split split) {
  return std::make_unique<RowStream<InstructionRow>>(params_, split == Split::kTrain ? files_ : Files{},
                                                     &one<InstructionRow, to_instruction>);
}

std::unique_ptr<Stream<PreferencePair>> JsonlDataset::preferences(Split split) {
  return std::make_unique<RowStream<PreferencePair>>(params_, split == Split::kTrain ? files_ : Files{}, &to_preferences);
}

std::unique_ptr<Stream<EvalItem>> JsonlDataset::items(Split) {
  return std::make_unique<RowStream<EvalItem>>(params_, files_, &one<EvalItem, to_item>);
}

}  // namespace temper::dataset_jsonl
