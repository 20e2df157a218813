// Builds YamlNode from yaml-cpp's events. Its node graph is not used, because it drops duplicate keys and the difference
// between quoted and plain text.
#include "host/config/yaml_tree.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

#include "temper/error.h"
#include "temper/params.h"

namespace temper::config {
namespace {

// Aliases are copied, so a few lines of nested ones could grow without bound.
constexpr std::size_t kMaxNodes = 100000;

std::size_t count_nodes(const YamlNode& node) {
  std::size_t count = 1;
  for (const auto& child : node.children) count += count_nodes(child);
  return count;
}

class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Place place) : place_(std::move(place)) {}

  YamlNode take() {
    if (complex_key_) fail(*complex_key_, "a list or map cannot be a key; keys are plain words");
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (++documents_ > 1) fail(at(mark), "a second YAML document starts here; keep one and remove the '---' line");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (complex_key_) return;
    if (expects_key()) fail(at(mark), "a key is missing before ':'");
    YamlNode node;
    // The mark of a value that is not there is that of the next token, which may be lines below.
    node.place = frames_.empty() || frames_.back().node.kind == YamlKind::kList ? at(mark) : frames_.back().key_place;
    add(std::move(node), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (complex_key_) return;
    const auto found = anchors_.find(anchor);
    if (found == anchors_.end()) fail(at(mark), "the alias stands inside the anchor it names; it would hold itself");
    if (expects_key()) fail(at(mark), "an alias cannot be a key; write the key out");
    size_ += count_nodes(found->second);
    if (size_ > kMaxNodes) fail(at(mark), "aliases expand to more than 100000 values; write the values out");
    add(found->second, 0);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, const std::string& value) override {
    if (complex_key_) return;
    const bool quoted = tag == "!" || tag == "tag:yaml.org,2002:str";
    if (!quoted) refuse_tag(mark, tag);
    if (value.find('\0') != std::string::npos) fail(at(mark), "text cannot hold a NUL character");
    if (expects_key()) {
      if (anchor != 0) fail(at(mark), "a key cannot have an anchor; put it on the value");
      begin_entry(mark, value, quoted);
      return;
    }
    YamlNode node;
    node.kind = YamlKind::kScalar;
    node.text = value;
    node.quoted = quoted;
    node.place = at(mark);
    add(std::move(node), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlKind::kList);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, YamlKind::kMap);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Frame {
    YamlNode node;
    YAML::anchor_t anchor = 0;
    bool has_key = false;  // kMap: the key was read, its value comes next
    bool merge = false;    // kMap: that key was `<<`
    std::string key;
    Place key_place;
    std::vector<YamlNode> merged;  // kMap: values of `<<`
  };

  Place at(const YAML::Mark& mark) const {
    Place place = place_;
    place.line = place.command_line ? 0 : mark.line + 1;
    return place;
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().node.kind == YamlKind::kMap && !frames_.back().has_key;
  }

  void refuse_tag(const YAML::Mark& mark, const std::string& tag) const {
    if (tag.empty() || tag == "?" || tag == "!") return;
    fail(at(mark), "the YAML tag '" + tag + "' is not supported; remove it (types follow from the parameters)");
  }

  std::string path() const {
    std::string path;
    for (const auto& frame : frames_) {
      if (!frame.has_key) continue;
      if (!path.empty()) path += '.';
      path += frame.key;
    }
    return path;
  }

  void begin_entry(const YAML::Mark& mark, const std::string& key, bool quoted) {
    Frame& frame = frames_.back();
    frame.merge = key == "<<" && !quoted;
    if (const YamlNode* first = frame.merge ? nullptr : frame.node.find(key)) {
      const std::string outer = path();
      fail(at(mark), "key '" + key + "' is given twice" + (outer.empty() ? "" : " in '" + outer + "'") + " (first in line " +
                         std::to_string(first->key_place.line) + "); keep one");
    }
    frame.has_key = true;
    frame.key = key;
    frame.key_place = at(mark);
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, YamlKind kind) {
    if (complex_key_) return;
    refuse_tag(mark, tag);
    if (expects_key()) {
      complex_key_ = at(mark);
      return;
    }
    Frame frame;
    frame.node.kind = kind;
    frame.node.place = at(mark);
    frame.anchor = anchor;
    frames_.push_back(std::move(frame));
  }

  void close() {
    if (complex_key_) return;
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    // Keys written in the map win over merged ones, and earlier merged maps over later ones.
    for (const auto& source : frame.merged) {
      for (const auto& entry : source.children) {
        if (!frame.node.find(entry.key)) frame.node.children.push_back(entry);
      }
    }
    add(std::move(frame.node), frame.anchor);
  }

  void add(YamlNode node, YAML::anchor_t anchor) {
    if (++size_ > kMaxNodes) fail(node.place, "the document holds more than 100000 values");
    if (anchor != 0) anchors_[anchor] = node;
    if (frames_.empty()) {
      root_ = std::move(node);
      return;
    }
    Frame& frame = frames_.back();
    if (frame.node.kind == YamlKind::kList) {
      node.key.clear();
      frame.node.children.push_back(std::move(node));
      return;
    }
    frame.has_key = false;
    if (frame.merge) return add_merged(frame, std::move(node));
    node.key = frame.key;
    node.key_place = frame.key_place;
    frame.node.children.push_back(std::move(node));
  }

  static void add_merged(Frame& frame, YamlNode node) {
    std::vector<YamlNode> maps;
    if (node.kind == YamlKind::kList) {
      maps = std::move(node.children);
    } else {
      maps.push_back(std::move(node));
    }
    for (auto& map : maps) {
      if (map.kind != YamlKind::kMap) {
        fail(frame.key_place, "'<<' merges maps, but got " + map.shown() + "; write '<<: *anchor' with an anchor on a map");
      }
      frame.merged.push_back(std::move(map));
    }
  }

  Place place_;
  // A bracket that is never closed looks like this at first; the parser's own complaint, which comes later, is the better
  // one. Until then nothing more is built.
  std::optional<Place> complex_key_;
  int documents_ = 0;
  std::size_t size_ = 0;
  YamlNode root_;
  std::vector<Frame> frames_;
  std::map<YAML::anchor_t, YamlNode> anchors_;
};

/// The commonest slip in short words ("stf" for "sft"), which counts as two edits.
bool two_letters_swapped(std::string_view word, std::string_view candidate) {
  if (word.size() != candidate.size()) return false;
  const auto [a, b] = std::mismatch(word.begin(), word.end(), candidate.begin());
  if (a == word.end() || a + 1 == word.end()) return false;
  return a[0] == b[1] && a[1] == b[0] && std::equal(a + 2, word.end(), b + 2);
}

}  // namespace

std::string Place::text() const { return line > 0 ? file + ":" + std::to_string(line) : file; }

std::string Place::where() const { return command_line ? file.substr(0, file.find(' ')) : text(); }

const YamlNode* YamlNode::find(std::string_view name) const {
  const auto found =
      std::find_if(children.begin(), children.end(), [&](const YamlNode& child) { return child.key == name; });
  return kind == YamlKind::kMap && found != children.end() ? &*found : nullptr;
}

YamlNode* YamlNode::find(std::string_view name) { return const_cast<YamlNode*>(std::as_const(*this).find(name)); }

std::string YamlNode::shown() const {
  switch (kind) {
    case YamlKind::kNull:
      return "nothing";
    case YamlKind::kList:
      return "a list";
    case YamlKind::kMap:
      return "a map";
    case YamlKind::kScalar:
      break;
  }
  return "'" + text + "'";
}

YamlNode parse_yaml(const std::string& text, const Place& place) {
  TreeBuilder builder(place);
  std::istringstream stream(text);
  try {
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::Exception& error) {
    const std::string at = ":" + std::to_string(error.mark.line + 1) + ":" + std::to_string(error.mark.column + 1);
    throw ConfigError(place.file + (place.command_line ? "" : at) + ": this is not valid YAML: " + error.msg);
  }
  YamlNode root = builder.take();
  if (root.place.file.empty()) root.place = place;
  return root;
}

void fail(const Place& place, const std::string& message) { throw ConfigError(place.text() + ": " + message); }

std::string join(const std::vector<std::string>& names, std::string_view none) {
  std::string text;
  for (const auto& name : names) {
    if (!text.empty()) text += ", ";
    text += name;
  }
  return text.empty() ? std::string(none) : text;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  auto nearest = nearest_name(word, candidates);
  for (const auto& candidate : candidates) {
    if (!nearest && two_letters_swapped(word, candidate)) nearest = candidate;
  }
  return nearest ? "; did you mean '" + *nearest + "'?" : "";
}

}  // namespace temper::config
