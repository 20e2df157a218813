// The `text` dataset: plain text files as documents, one a file, a paragraph block or a line. Made by plugin.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "file_set.h"
#include "temper/dataset.h"
#include "temper/params.h"

namespace temper::dataset_text {

struct TextParams {
  std::vector<std::string> path;
  std::string split_on = "file";
  bool strip_gutenberg = true;
  std::int64_t min_chars = 1;
  std::int64_t max_line_mb = 64;
  std::int64_t max_document_mb = 512;
  std::string on_error = "error";
};
ParamTable<TextParams> text_params();

class TextDataset final : public Dataset, public DocumentSource {
 public:
  /// Throws DataError if a path is missing, an empty file, or a glob or folder without a match.
  TextDataset(const TextParams& params, const Args& args);
  std::string fingerprint() override;
  /// kTrain is everything and kTest nothing: the host splits documents by their hash.
  std::unique_ptr<Stream<Document>> documents(Split split) override;

 private:
  TextParams params_;
  std::vector<dataset_io::DataFile> files_;
  std::string fingerprint_;
};

}  // namespace temper::dataset_text
