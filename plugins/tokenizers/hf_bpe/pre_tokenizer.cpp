// Rules that cut text into words (see pre_tokenizer.h).
#include "pre_tokenizer.h"

#include "json_fields.h"
#include "pattern.h"

namespace temper::hf_bpe_plugin {
namespace {

/// GPT-2's words: contractions, then letters, numbers or other signs with one space before them, then white space.
constexpr std::string_view kGpt2Words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

SplitBehavior read_behavior(const nlohmann::json& description) {
  const std::string name = text_field(description, "behavior", "pre_tokenizer Split");
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  throw DataError("tokenizer.json: the Split behaviour '" + name +
                  "' is unknown; there are Removed, Isolated, MergedWithPrevious, MergedWithNext and Contiguous");
}

struct Part {
  std::size_t begin = 0, end = 0;
  bool match = false;
};

/// The whole text as matches and what lies between them.
std::vector<Part> parts_of(const Regex& regex, std::string_view text, MatchRoom& room, bool invert) {
  std::vector<Part> parts;
  std::size_t done = 0;
  for_each_match(regex, text, room, [&](std::size_t begin, std::size_t end) {
    if (done < begin) parts.push_back({done, begin, invert});
    parts.push_back({begin, end, !invert});
    done = end;
  });
  if (done < text.size()) parts.push_back({done, text.size(), invert});
  return parts;
}

/// Joins neighbours as the behaviour says. A match joins the part before it unless that is a match too; and so on.
std::vector<Part> joined(const std::vector<Part>& parts, SplitBehavior behavior) {
  std::vector<Part> made;
  bool previous = false;
  for (const Part& part : parts) {
    const bool join = behavior == SplitBehavior::kMergedWithPrevious ? part.match && !previous
                      : behavior == SplitBehavior::kMergedWithNext   ? !part.match && previous
                                                                     : part.match == previous;
    if (behavior == SplitBehavior::kRemoved) {
      if (!part.match) made.push_back(part);
    } else if (join && !made.empty()) {
      made.back().end = part.end;
    } else {
      made.push_back(part);
    }
    previous = part.match;
  }
  return made;
}

}  // namespace

PreTokenizer::PreTokenizer(const nlohmann::json& description) {
  if (description.is_object()) add(description);
  if (!has_byte_level_) {
    throw DataError("tokenizer.json: the pre_tokenizer " + shown(description) +
                    " has no ByteLevel rule, so this is no byte-level BPE; hf_bpe reads only that");
  }
}

void PreTokenizer::add(const nlohmann::json& description) {
  const std::string type = text_field(description, "type", "pre_tokenizer");
  if (has_byte_level_) {
    throw DataError("tokenizer.json: the pre_tokenizer '" + type + "' comes after ByteLevel; hf_bpe wants ByteLevel last");
  }
  if (type == "Sequence") {
    for (const auto& part : list_field(description, "pretokenizers", "pre_tokenizer")) add(part);
  } else if (type == "ByteLevel") {
    add_byte_level(description);
  } else if (type == "Digits") {
    const bool single = flag_field(description, "individual_digits", false, "pre_tokenizer Digits");
    steps_.push_back({Regex(R"(\p{N})"), single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous});
  } else if (type == "Split") {
    steps_.push_back({read_pattern(description, "pre_tokenizer Split"), read_behavior(description),
                      flag_field(description, "invert", false, "pre_tokenizer Split")});
  } else {
    throw DataError("tokenizer.json: the pre_tokenizer '" + type +
                    "' is not supported by hf_bpe; it reads ByteLevel, Split, Digits and Sequence");
  }
}

void PreTokenizer::add_byte_level(const nlohmann::json& description) {
  has_byte_level_ = true;
  adds_space_ = flag_field(description, "add_prefix_space", true, "pre_tokenizer ByteLevel");
  splits_last_ = flag_field(description, "use_regex", true, "pre_tokenizer ByteLevel");
  if (splits_last_) steps_.push_back({Regex(kGpt2Words), SplitBehavior::kIsolated, false, adds_space_});
}

std::vector<MatchRoom> PreTokenizer::make_rooms() const {
  std::vector<MatchRoom> rooms;
  for (const auto& step : steps_) rooms.push_back(step.regex.make_room());
  return rooms;
}

void PreTokenizer::run(std::size_t index, std::string_view text, std::vector<MatchRoom>& rooms, const Sink& sink) const {
  if (text.empty()) return;
  if (index == steps_.size()) {
    if (splits_last_ || !adds_space_ || text.front() == ' ') return sink(text);
    return sink(" " + std::string(text));
  }
  const Step& step = steps_[index];
  std::string with_space;
  if (step.add_space && text.front() != ' ') {
    with_space = " " + std::string(text);
    text = with_space;
  }
  if (step.behavior != SplitBehavior::kIsolated) {
    for (const Part& part : joined(parts_of(step.regex, text, rooms[index], step.invert), step.behavior)) {
      run(index + 1, text.substr(part.begin, part.end - part.begin), rooms, sink);
    }
    return;
  }
  std::size_t done = 0;
  for_each_match(step.regex, text, rooms[index], [&](std::size_t begin, std::size_t end) {
    run(index + 1, text.substr(done, begin - done), rooms, sink);
    run(index + 1, text.substr(begin, end - begin), rooms, sink);
    done = end;
  });
  run(index + 1, text.substr(done), rooms, sink);
}

}  // namespace temper::hf_bpe_plugin
