// Header of a safetensors file (see safetensors_header.h).
#include "host/train/safetensors_header.h"

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <vector>

#include "temper/error.h"

namespace temper {
namespace {

using Json = nlohmann::json;

struct TypeName {
  const char* name;
  at::ScalarType type;
};
constexpr TypeName kTypes[] = {{"F64", at::kDouble}, {"F32", at::kFloat},  {"F16", at::kHalf},   {"BF16", at::kBFloat16},
                               {"I64", at::kLong},   {"I32", at::kInt},    {"I16", at::kShort},  {"I8", at::kChar},
                               {"U8", at::kByte},    {"U16", at::kUInt16}, {"U32", at::kUInt32}, {"U64", at::kUInt64},
                               {"BOOL", at::kBool}};
constexpr std::size_t kMaxDimensions = 16;

/// Tensor as its JSON object gives it, before its fields are held against one another.
struct RawEntry {
  std::optional<std::string> type;
  std::optional<std::vector<std::uint64_t>> shape, offsets;
};

/// Takes the parser's events: an object of objects, nothing deeper than an array of numbers.
class HeaderEvents final : public nlohmann::json_sax<Json> {
 public:
  std::map<std::string, RawEntry> entries;
  std::map<std::string, std::string> metadata;
  std::string problem;

  bool start_object(std::size_t) override {
    if (depth_ == 2 || numbers_ != nullptr) return unexpected("an object");
    if (depth_ == 1 && !in_metadata_) {
      const auto [place, is_new] = entries.try_emplace(name_);
      if (!is_new) return stop("tensor '" + name_ + "' is there twice");
      entry_ = &place->second;
    }
    ++depth_;
    return true;
  }
  bool end_object() override {
    --depth_;
    in_metadata_ = false;
    return true;
  }
  bool key(std::string& text) override {
    if (depth_ == 1) {
      name_ = text;
      in_metadata_ = text == "__metadata__";
      if (in_metadata_ && seen_metadata_) return stop("it has __metadata__ twice");
      seen_metadata_ = seen_metadata_ || in_metadata_;
    }
    key_ = text;
    return true;
  }
  bool start_array(std::size_t) override {
    if (depth_ != 2 || in_metadata_ || numbers_ != nullptr || (key_ != "shape" && key_ != "data_offsets")) {
      return unexpected("an array");
    }
    auto& place = key_ == "shape" ? entry_->shape : entry_->offsets;
    place.emplace();
    numbers_ = &*place;
    return true;
  }
  bool end_array() override {
    numbers_ = nullptr;
    return true;
  }
  bool number_unsigned(std::uint64_t value) override {
    if (numbers_ == nullptr) return unexpected("a number");
    if (numbers_->size() == kMaxDimensions) return stop("tensor '" + name_ + "' has too many dimensions");
    numbers_->push_back(value);
    return true;
  }
  bool string(std::string& value) override {
    if (depth_ != 2 || numbers_ != nullptr) return unexpected("a text");
    if (in_metadata_) {
      metadata[key_] = value;
    } else if (key_ == "dtype") {
      entry_->type = value;
    } else {
      return unexpected("a text");
    }
    return true;
  }
  bool number_integer(std::int64_t) override { return unexpected("a negative number"); }
  bool number_float(double, const std::string&) override { return unexpected("a number that is not whole"); }
  bool boolean(bool) override { return unexpected("a boolean"); }
  bool null() override { return unexpected("null"); }
  bool binary(binary_t&) override { return unexpected("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    return stop("its header is not a JSON object (at byte " + std::to_string(position) + ")");
  }

 private:
  bool unexpected(const std::string& what) {
    if (depth_ == 0) return stop("its header is not a JSON object");
    const std::string where = depth_ == 1 ? "'" + name_ + "'" : "'" + key_ + "' of '" + name_ + "'";
    return stop("the entry of tensor " + where + " is " + what +
                "; it lacks dtype, shape or data_offsets as they should be");
  }
  bool stop(std::string what) {
    if (problem.empty()) problem = std::move(what);
    return false;
  }

  int depth_ = 0;
  bool in_metadata_ = false, seen_metadata_ = false;
  std::string name_, key_;
  RawEntry* entry_ = nullptr;
  std::vector<std::uint64_t>* numbers_ = nullptr;
};

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() > 1 ? "," : "") + std::to_string(size);
  return text + "]";
}

/// Bytes that a shape needs, or nothing if that is more than `limit`. Sizes beside a 0 are held to the limit of an index.
std::optional<std::uint64_t> bytes_of(const std::vector<std::uint64_t>& shape, std::uint64_t element, std::uint64_t limit) {
  constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool is_empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  const std::uint64_t most = is_empty ? kLargest : limit;
  std::uint64_t bytes = element;
  for (const auto size : shape) {
    if (size == 0) continue;
    if (size > most / bytes) return std::nullopt;
    bytes *= size;
  }
  return is_empty ? 0 : bytes;
}

}  // namespace

const char* safetensors_type_name(at::ScalarType type) {
  for (const auto& entry : kTypes) {
    if (entry.type == type) return entry.name;
  }
  throw DataError(std::string("safetensors has no name for tensors of type ") + at::toString(type));
}

SafetensorsHeader parse_safetensors_header(const std::string& text, std::uint64_t data_size,
                                           const std::function<void(const std::string&)>& refuse) {
  HeaderEvents events;
  if (!Json::sax_parse(text, &events)) refuse(events.problem);
  SafetensorsHeader header;
  header.metadata = std::move(events.metadata);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> places;
  for (auto& [name, raw] : events.entries) {
    if (!raw.type || !raw.shape || !raw.offsets || raw.offsets->size() != 2) {
      refuse("the entry of tensor '" + name + "' lacks dtype, shape or data_offsets");
    }
    const auto* type =
        std::find_if(std::begin(kTypes), std::end(kTypes), [&](const auto& t) { return *raw.type == t.name; });
    if (type == std::end(kTypes)) refuse("tensor '" + name + "' has the unknown dtype '" + *raw.type + "'");
    const std::uint64_t begin = (*raw.offsets)[0], end = (*raw.offsets)[1];
    if (begin > end || end > data_size) {
      refuse("tensor '" + name + "' lies at bytes " + std::to_string(begin) + " to " + std::to_string(end) + " of " +
             std::to_string(data_size));
    }
    if (bytes_of(*raw.shape, c10::elementSize(type->type), data_size) != end - begin) {
      refuse("tensor '" + name + "' of shape " + shape_text(*raw.shape) + " and type " + type->name + " does not fit its " +
             std::to_string(end - begin) + " bytes");
    }
    header.entries[name] = {type->type, {raw.shape->begin(), raw.shape->end()}, begin, end};
    places.emplace_back(begin, end);
  }
  // The format knows neither gaps nor shared bytes; a file that claims them could cost many times its own size.
  std::sort(places.begin(), places.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : places) {
    if (begin != at)
      refuse("its tensors overlap or leave a gap at byte " + std::to_string(std::min(begin, at)) + " of the data");
    at = end;
  }
  if (at != data_size) {
    refuse("its tensors end at byte " + std::to_string(at) + " of the data, which are " + std::to_string(data_size) +
           " bytes");
  }
  return header;
}

}  // namespace temper
