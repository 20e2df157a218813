// Texts with placeholders that a row's fields fill: "Question: {{question}}\nAnswer:". A placeholder is a field's name, with
// .name and [i] to reach inside, and filters behind bars: {{subject|spaces}}. There is nothing else: no conditions, no code.
// Used by task files (task.h); the rows come from table.h.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace temper::in_context {

/// trim: without white space around. lower: in lower case (ASCII). spaces: underscores become spaces. last_word,
/// but_last_word: behind and before the last space.
const std::vector<std::string>& filter_names();

/// Without white space around.
std::string trimmed(const std::string& text);

class TextTemplate {
 public:
  TextTemplate() = default;
  /// Throws ConfigError for a placeholder that is not closed, empty, or has an unknown filter.
  explicit TextTemplate(const std::string& text);
  bool empty() const { return parts_.empty(); }
  /// Throws DataError for a field that the row does not have, that is null, or that is no single value.
  std::string render(const nlohmann::json& row) const;
  /// The texts of a list if the template is one placeholder without filters that names a list; otherwise the rendered text
  /// alone.
  std::vector<std::string> render_list(const nlohmann::json& row) const;

 private:
  struct Part {
    std::string literal;  ///< comes before the field
    std::string path;     ///< "" at the end of the template
    std::vector<std::string> filters;
  };
  std::vector<Part> parts_;
};

/// A single value as text: true and false, numbers as written in JSON. Throws DataError for null, lists and objects.
std::string text_of(const nlohmann::json& value, const std::string& name);
/// The value at a path, or a DataError that names the row's fields.
const nlohmann::json& value_at(const nlohmann::json& row, const std::string& path);

}  // namespace temper::in_context
