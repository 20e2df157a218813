// Refusals read by a trained classifier, in the same classes as the rules of common/refusal.h. Used by safety.cpp.
#pragma once

#include <string>

#include "refusal.h"
#include "temper/text_classifier.h"

namespace temper::safety {

class RefusalClassifier {
 public:
  /// Throws DataError for a file that is no classifier or has other labels than full_compliance, full_refusal and, if it was
  /// trained on three classes, partial_refusal.
  explicit RefusalClassifier(const std::string& path);
  /// What is no answer is for the rules to say; `rules` is their reading.
  evaluators::Response read(const std::string& answer, evaluators::Response rules) const;

 private:
  TextClassifier classifier_;
};

}  // namespace temper::safety
