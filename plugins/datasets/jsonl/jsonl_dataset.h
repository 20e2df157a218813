// The `jsonl` dataset: JSON rows as documents, instruction rows, preference pairs or evaluation items. Made by plugin.cpp;
// reading is record_reader.h's work, the meaning of fields that of rows.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file_set.h"
#include "temper/dataset.h"
#include "temper/params.h"

namespace temper::dataset_jsonl {

struct JsonlParams {
  std::vector<std::string> path;
  std::string format = "auto";
  std::string text_field = "text";
  std::string id_field, prompt_field, reference_field;
  std::string completion_field, label_field, prompt_layout;
  std::vector<std::string> label_values;
  bool keep_fields = false;
  std::int64_t max_line_mb = 64;
  std::string on_error = "error";
};
ParamTable<JsonlParams> jsonl_params();

/// Documents, instruction rows and preference pairs are all in kTrain; items are the same in both splits.
class JsonlDataset final : public Dataset,
                           public DocumentSource,
                           public InstructionSource,
                           public PreferenceSource,
                           public ItemSource {
 public:
  /// Throws DataError if a path is missing, an empty file, or a glob or folder without a match.
  JsonlDataset(const JsonlParams& params, const Args& args);
  std::string fingerprint() override;
  std::unique_ptr<Stream<Document>> documents(Split split) override;
  std::unique_ptr<Stream<InstructionRow>> instructions(Split split) override;
  std::unique_ptr<Stream<PreferencePair>> preferences(Split split) override;
  std::unique_ptr<Stream<EvalItem>> items(Split split) override;

 private:
  JsonlParams params_;
  std::vector<dataset_io::DataFile> files_;
  std::string fingerprint_;
};

}  // namespace temper::dataset_jsonl
