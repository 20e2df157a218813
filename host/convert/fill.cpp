// Imported weights into a model (see fill.h).
#include "host/convert/fill.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <algorithm>
#include <map>
#include <set>

#include "host/util/cancel.h"
#include "temper/error.h"

namespace temper {
namespace {

constexpr const char* kHead = "lm_head.weight";
// Names under which one and the same embedding is saved, depending on the library's version and on which copy it kept.
constexpr const char* kEmbeddings[] = {
    "shared.weight",          "encoder.embed_tokens.weight",      "decoder.embed_tokens.weight", "model.embed_tokens.weight",
    "transformer.wte.weight", "model.decoder.embed_tokens.weight"};
// Models saved without their head have names without this.
constexpr const char* kPrefixes[] = {"transformer.", "model."};
// Constants that old versions of transformers saved; they follow from the configuration.
constexpr const char* kConstants[] = {".attn.bias", ".attn.masked_bias", ".rotary_emb.inv_freq",
                                      "decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight"};
constexpr std::size_t kNamesShown = 5;

std::string shape_text(at::IntArrayRef shape) {
  std::string text = "[";
  for (const auto size : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) text += (i > 0 ? ", '" : "'") + names[i] + "'";
  if (names.size() > kNamesShown) text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

bool is_constant(const std::string& name) {
  return std::any_of(std::begin(kConstants), std::end(kConstants), [&](const char* end) { return name.ends_with(end); });
}

class Filler {
 public:
  Filler(Architecture& model, const WeightSource& source) : source_(source), names_(model.weight_names()) {
    if (names_.empty()) throw ConfigError("the architecture has no Hugging Face layout, so nothing can be imported into it");
    for (auto& parameter : model.parameters()) parameters_[parameter.name] = parameter.tensor;
    for (const auto& name : names_) wanted_.insert(name.hugging_face_name);
    for (const char* name : kEmbeddings) twins_.insert(name);
    if (!wanted_.contains(kHead)) twins_.insert(kHead);
    find_files_names();
  }

  void run(Progress& progress) {
    check_names();
    check_coverage();
    progress.begin("importing tensors", static_cast<std::int64_t>(names_.size()));
    std::int64_t done = 0;
    for (const auto& name : names_) {
      if (cancel_requested()) throw Cancelled("import stopped; nothing was written");
      copy(name);
      progress.update(++done, name.hugging_face_name);
    }
    progress.end();
  }

 private:
  /// Source names by what they would be called in a full model.
  void find_files_names() {
    const auto shapes = source_.shapes();
    std::string missing_prefix;
    for (const char* prefix : kPrefixes) {
      const auto begins = [&](const std::string& name) { return name.starts_with(prefix); };
      const bool is_wanted = std::any_of(wanted_.begin(), wanted_.end(), begins);
      const bool is_there =
          std::any_of(shapes.begin(), shapes.end(), [&](const auto& entry) { return begins(entry.first); });
      if (is_wanted && !is_there) missing_prefix = prefix;
    }
    for (const auto& [name, shape] : shapes) actual_[wanted_.contains(name) ? name : missing_prefix + name] = name;
    // The head itself never has the prefix.
    if (const auto moved = actual_.find(missing_prefix + kHead); !missing_prefix.empty() && moved != actual_.end()) {
      actual_[kHead] = moved->second;
      actual_.erase(moved);
    }
  }

  void check_names() {
    std::vector<std::string> missing, unknown;
    for (const auto& name : wanted_) {
      if (!actual_.contains(name) && twin_of(name).empty()) missing.push_back(name);
    }
    if (!missing.empty()) throw DataError("'" + source_.where() + "' has no tensor " + listed(missing));
    for (const auto& [name, actual] : actual_) {
      if (wanted_.contains(name) || is_constant(name)) continue;
      if (twins_.contains(name)) {
        check_twin(name);
      } else {
        unknown.push_back(actual);
      }
    }
    if (!unknown.empty()) {
      throw DataError("'" + source_.where() + "' has tensors that the architecture does not know: " + listed(unknown) +
                      "; is it another kind of model than its config.json says?");
    }
  }

  /// The name in the files that holds the same tensor as `name`, if that is an embedding or a head tied to it.
  std::string twin_of(const std::string& name) const {
    if (!twins_.contains(name)) return "";
    for (const auto& twin : twins_) {
      if (actual_.contains(twin)) return twin;
    }
    return "";
  }

  const std::string& place_of(const std::string& name) const {
    const auto found = actual_.find(name);
    return found != actual_.end() ? found->second : actual_.at(twin_of(name));
  }

  /// A second copy of a tied tensor has to be a copy.
  void check_twin(const std::string& name) const {
    for (const auto& wanted : wanted_) {
      if (!twins_.contains(wanted)) continue;
      if (place_of(wanted) == actual_.at(name)) return;
      const at::Tensor kept = source_.read(place_of(wanted)), other = source_.read(actual_.at(name));
      if (kept.sizes() == other.sizes() && at::equal(kept.to(at::kFloat), other.to(at::kFloat))) return;
      throw DataError("config.json says that the head and the embedding are one tensor (tie_word_embeddings), but '" +
                      place_of(wanted) + "' and '" + actual_.at(name) + "' of '" + source_.where() +
                      "' differ; set tie_word_embeddings to false there if both are meant");
    }
  }

  /// Every row of every parameter comes from somewhere; otherwise it would keep its random start.
  void check_coverage() const {
    std::map<std::string, std::int64_t> rows;
    for (const auto& name : names_) {
      const auto found = parameters_.find(name.name);
      if (found == parameters_.end()) throw PluginError("weight_names() has '" + name.name + "', which is no parameter");
      rows[name.name] += name.num_rows > 0 ? name.num_rows : found->second.size(0);
    }
    for (const auto& [name, tensor] : parameters_) {
      const auto found = rows.find(name);
      if (found == rows.end() || found->second != tensor.size(0)) {
        throw PluginError("weight_names() does not say where all rows of parameter '" + name + "' come from");
      }
    }
  }

  void copy(const WeightName& name) {
    at::Tensor target = parameters_.at(name.name).detach();
    if (name.num_rows > 0) target = target.narrow(0, name.first_row, name.num_rows);
    const std::string& place = place_of(name.hugging_face_name);
    at::Tensor value = source_.read(place);
    if (name.transposed && value.dim() == 2) value = value.t();
    if (value.sizes() != target.sizes()) {
      throw DataError("tensor '" + place + "' of '" + source_.where() + "' has the shape " + shape_text(value.sizes()) +
                      ", the architecture needs " + shape_text(target.sizes()));
    }
    if (!at::isFloatingType(value.scalar_type())) {
      throw DataError("tensor '" + place + "' of '" + source_.where() + "' holds " + at::toString(value.scalar_type()) +
                      ", no floating-point numbers; quantised checkpoints cannot be imported from safetensors");
    }
    const at::NoGradGuard guard;
    target.copy_(value);
    if (!at::isfinite(target).all().item<bool>()) {
      throw DataError("tensor '" + place + "' of '" + source_.where() + "' has values that are no finite numbers");
    }
  }

  const WeightSource& source_;
  std::vector<WeightName> names_;
  std::map<std::string, at::Tensor> parameters_;
  std::map<std::string, std::string> actual_;  ///< name in a full model, name in the files
  std::set<std::string> wanted_;
  std::set<std::string> twins_;  ///< names of one tensor: the embedding, and the head where it is tied
};

}  // namespace

void fill_model(Architecture& model, const WeightSource& source, Progress& progress) { Filler(model, source).run(progress); }

}  // namespace temper
