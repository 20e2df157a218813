// Text to number, strictly: nothing is guessed, and each refusal names the spelling that works.
#include "host/config/value.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <optional>

#include "temper/error.h"

namespace temper::config {
namespace {

class Reader {
 public:
  Reader(const YamlNode& node, const ParamSpec& spec, const std::string& key) : node_(node), spec_(spec), key_(key) {}

  [[noreturn]] void refuse(const std::string& fix = "") const {
    const std::string value = node_.kind == YamlKind::kScalar ? node_.text : node_.shown();
    fail(node_.place, key_ + " = " + value + ": must be " + allowed_text(spec_) + (fix.empty() ? "" : "; " + fix) + " (" +
                          spec_.doc + ")");
  }

  const std::string& scalar() const {
    if (node_.kind == YamlKind::kScalar) return node_.text;
    if (node_.kind == YamlKind::kNull) {
      fail(node_.place, key_ + ": has no value; write " + allowed_text(spec_) +
                            (spec_.type == ParamType::kText ? " (\"\" for empty text, \"null\" for the word)" : "") +
                            ", or remove the key" + (spec_.required ? "" : " to get the default"));
    }
    refuse();
  }

  const std::string& plain() const {
    const std::string& text = scalar();
    if (node_.quoted) refuse("quotes make it text, remove them");
    return text;
  }

 private:
  const YamlNode& node_;
  const ParamSpec& spec_;
  const std::string& key_;
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// What a decimal number looks like: sign, digits with an optional point, exponent.
struct NumberShape {
  bool valid = false;
  bool whole = false;  // digits only, after the sign
  bool leading_zero = false;
};

NumberShape shape_of(const std::string& text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t start = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - start;
  };
  NumberShape shape;
  if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
  const std::size_t first = i;
  std::size_t count = digits();
  shape.leading_zero = count > 1 && text[first] == '0';
  shape.whole = i == text.size();
  if (i < text.size() && text[i] == '.') {
    ++i;
    count += digits();
  }
  if (count == 0) return shape;
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '+' || text[i] == '-')) ++i;
    if (digits() == 0) return shape;
  }
  shape.valid = i == text.size();
  return shape;
}

const char* after_plus(const std::string& text) { return text.data() + (text[0] == '+' ? 1 : 0); }

/// The fix for texts that look like a number to a person.
std::string number_fix(const std::string& text) {
  std::string lower;
  for (const char c : text) lower += static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  if (lower.find("inf") != std::string::npos || lower.find("nan") != std::string::npos)
    return "only finite numbers are allowed";
  if (lower.rfind("0x", 0) == 0 || lower.rfind("0o", 0) == 0 || lower.rfind("0b", 0) == 0) return "write it in decimal";
  std::string bare;
  for (const char c : text) {
    if (c != '_' && c != ',') bare += c;
  }
  return bare != text && shape_of(bare).valid ? "write " + bare : "";
}

double read_double(const std::string& text, const Reader& reader) {
  const NumberShape shape = shape_of(text);
  if (!shape.valid) reader.refuse(number_fix(text));
  double value = 0;
  const char* end = text.data() + text.size();
  if (std::from_chars(after_plus(text), end, value).ec != std::errc{}) reader.refuse("it does not fit a 64-bit float");
  return value == 0 ? 0.0 : value;  // -0 and 0 are one value
}

std::int64_t read_int(const std::string& text, const Reader& reader) {
  const NumberShape shape = shape_of(text);
  if (!shape.valid) reader.refuse(number_fix(text));
  if (shape.leading_zero) reader.refuse("remove the leading zeros");
  if (shape.whole) {
    std::int64_t value = 0;
    const char* end = text.data() + text.size();
    if (std::from_chars(after_plus(text), end, value).ec != std::errc{}) reader.refuse("it does not fit 64 bits");
    return value;
  }
  const double value = read_double(text, reader);
  constexpr double kExact = 9007199254740992.0;  // 2^53: above it a double no longer holds every whole number
  if (value != std::floor(value)) reader.refuse("it is not whole");
  if (std::abs(value) > kExact) reader.refuse("write a number this large with all its digits");
  return static_cast<std::int64_t>(value);
}

bool read_bool(const std::string& text, const Reader& reader) {
  if (text == "true") return true;
  if (text == "false") return false;
  static constexpr std::string_view kYes[] = {"yes", "Yes", "YES", "on", "On", "ON", "True", "TRUE", "1", "y", "Y"};
  static constexpr std::string_view kNo[] = {"no", "No", "NO", "off", "Off", "OFF", "False", "FALSE", "0", "n", "N"};
  for (const auto word : kYes) {
    if (text == word) reader.refuse("write true");
  }
  for (const auto word : kNo) {
    if (text == word) reader.refuse("write false");
  }
  reader.refuse();
}

std::vector<std::string> read_list(const YamlNode& node, const Reader& reader) {
  if (node.kind != YamlKind::kList) return {reader.scalar()};
  std::vector<std::string> items;
  for (const auto& item : node.children) {
    if (item.kind != YamlKind::kScalar) reader.refuse("item " + std::to_string(items.size() + 1) + " is " + item.shown());
    items.push_back(item.text);
  }
  return items;
}

ParamValue convert(const YamlNode& node, const ParamSpec& spec, const Reader& reader) {
  switch (spec.type) {
    case ParamType::kBool:
      return read_bool(reader.plain(), reader);
    case ParamType::kInt:
      return read_int(reader.plain(), reader);
    case ParamType::kFloat:
      return read_double(reader.plain(), reader);
    case ParamType::kText:
    case ParamType::kPlugin:
    case ParamType::kStage:
      return reader.scalar();
    case ParamType::kTextList:
    case ParamType::kStages:
    case ParamType::kDatasets:
      return read_list(node, reader);
  }
  throw PluginError("parameter '" + spec.name + "' has a type that this host does not know");
}

std::string bound(const ParamSpec& spec, double value) {
  return spec.type == ParamType::kInt ? to_text(static_cast<std::int64_t>(value)) : to_text(value);
}

}  // namespace

std::string allowed_text(const ParamSpec& spec) {
  std::string text;
  switch (spec.type) {
    case ParamType::kBool:
      return "true or false";
    case ParamType::kInt:
      text = "a whole number";
      break;
    case ParamType::kFloat:
      text = "a number";
      break;
    case ParamType::kText:
      text = spec.choices.empty() ? "text" : "one of " + join(spec.choices);
      break;
    case ParamType::kTextList:
      text = spec.choices.empty() ? "a list of texts" : "a list of some of " + join(spec.choices);
      break;
    case ParamType::kPlugin:
      text = "a plugin of kind " + spec.refers_to;
      break;
    case ParamType::kStage:
      text = "the name of an earlier stage";
      break;
    case ParamType::kStages:
      text = "a list of earlier stages";
      break;
    case ParamType::kDatasets:
      text = "a list of datasets of the experiment";
      break;
  }
  if (spec.min && spec.max) return text + " from " + bound(spec, *spec.min) + " to " + bound(spec, *spec.max);
  if (spec.min) return text + " of at least " + bound(spec, *spec.min);
  if (spec.max) return text + " of at most " + bound(spec, *spec.max);
  return text;
}

ParamValue read_value(const YamlNode& node, const ParamSpec& spec, const std::string& key) {
  ParamValue value = convert(node, spec, Reader(node, spec, key));
  ParamSpec named = spec;
  named.name = key;
  try {
    check_value(named, value);
  } catch (const ConfigError& error) {
    fail(node.place, error.what());
  }
  return value;
}

}  // namespace temper::config
