// Steps of normalisation (see normalizer.h). Unicode forms are ICU's.
#include "normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>

#include <memory>

#include "json_fields.h"
#include "pattern.h"
#include "utf8.h"

namespace temper::hf_bpe_plugin {
namespace {

const icu::Normalizer2* unicode_form(const std::string& name) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* form = name == "NFC"    ? icu::Normalizer2::getNFCInstance(status)
                                 : name == "NFD"  ? icu::Normalizer2::getNFDInstance(status)
                                 : name == "NFKC" ? icu::Normalizer2::getNFKCInstance(status)
                                                  : icu::Normalizer2::getNFKDInstance(status);
  if (U_FAILURE(status)) throw DataError("ICU has no data for the Unicode form " + name + ": " + u_errorName(status));
  return form;
}

std::string to_form(const icu::Normalizer2& form, std::string text) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::StringPiece piece(text.data(), static_cast<std::int32_t>(text.size()));
  if (form.isNormalizedUTF8(piece, status) && U_SUCCESS(status)) return text;
  std::string made;
  icu::StringByteSink<std::string> sink(&made, static_cast<std::int32_t>(text.size()));
  status = U_ZERO_ERROR;
  form.normalizeUTF8(0, piece, sink, nullptr, status);
  if (U_FAILURE(status)) throw DataError(std::string("ICU could not normalise a text: ") + u_errorName(status));
  return made;
}

/// Character by character, so a final sigma is no special case, as in the tokenizers library.
std::string lower_case(const std::string& text) {
  std::string made;
  for (std::size_t at = 0; at < text.size(); at += character_length(text, at)) {
    const char32_t code = code_point(text, at);
    append_utf8(static_cast<char32_t>(u_tolower(static_cast<UChar32>(code))), made);
    if (code == 0x130) append_utf8(0x307, made);  // the one letter whose small form is two characters
  }
  return made;
}

std::string replace(const Regex& regex, const std::string& content, const std::string& text) {
  std::string made;
  std::size_t done = 0;
  for_each_match(regex, text, [&](std::size_t begin, std::size_t end) {
    made.append(text, done, begin - done);
    made += content;
    done = end;
  });
  return made.append(text, done);
}

}  // namespace

Normalizer::Normalizer(const nlohmann::json& description) {
  if (!description.is_null()) add(description);
}

void Normalizer::add(const nlohmann::json& description) {
  const std::string type = text_field(description, "type", "normalizer");
  if (type == "Sequence") {
    for (const auto& part : list_field(description, "normalizers", "normalizer")) add(part);
  } else if (type == "NFC" || type == "NFD" || type == "NFKC" || type == "NFKD") {
    steps_.push_back([form = unicode_form(type)](std::string text) { return to_form(*form, std::move(text)); });
  } else if (type == "Lowercase") {
    steps_.push_back([](const std::string& text) { return lower_case(text); });
  } else if (type == "Prepend") {
    steps_.push_back([front = text_field(description, "prepend", "normalizer Prepend")](std::string text) {
      return text.empty() ? text : front + text;
    });
  } else if (type == "Replace") {
    steps_.push_back([regex = read_pattern(description, "normalizer Replace"),
                      content = text_field(description, "content", "normalizer Replace")](const std::string& text) {
      return replace(regex, content, text);
    });
  } else {
    throw DataError("tokenizer.json: the normalizer '" + type +
                    "' is not supported by hf_bpe; it reads NFC, NFD, NFKC, NFKD, Lowercase, Prepend, Replace and Sequence");
  }
}

std::string Normalizer::apply(std::string_view text) const {
  std::string made(text);
  for (const auto& step : steps_) made = step(std::move(made));
  return made;
}

}  // namespace temper::hf_bpe_plugin
