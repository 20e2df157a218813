// Filters and inputs by name (see plan.h).
#include "host/clean/plan.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "host/plugin/guard.h"
#include "temper/hash.h"

namespace temper::clean {
namespace {

namespace fs = std::filesystem;

using Endings = std::span<const std::string_view>;
/// What the datasets `text` and `jsonl` take of a folder; a CSV file has to be named itself.
constexpr std::string_view kTexts[] = {".txt", ".text"}, kRows[] = {".jsonl", ".json", ".ndjson"}, kTables[] = {".csv"};

bool ends_in(std::string name, Endings endings) {
  for (const std::string_view packed : {".gz", ".zst"}) {
    if (name.ends_with(packed)) name.resize(name.size() - packed.size());
  }
  return std::any_of(endings.begin(), endings.end(), [&](std::string_view ending) { return name.ends_with(ending); });
}

bool holds(const fs::path& folder, Endings endings) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && !name.starts_with('.') && ends_in(name, endings)) return true;
  }
  return false;
}

double bytes_in(const fs::path& path) {
  std::error_code error;
  if (!fs::is_directory(path, error)) {
    const auto size = fs::file_size(path, error);
    return error ? 1 : static_cast<double>(size);
  }
  double bytes = 0;
  for (const auto& entry : fs::recursive_directory_iterator(path, error)) {
    if (entry.is_regular_file(error)) bytes += static_cast<double>(entry.file_size(error));
  }
  return bytes;
}

/// The parts' documents in a row.
class Chain final : public Stream<Document> {
 public:
  struct Part {
    DocumentSource* source;
    double bytes;
  };
  explicit Chain(std::vector<Part> parts) : parts_(std::move(parts)) {}

  bool next(Document& document) override {
    while (at_ < parts_.size()) {
      if (!stream_) stream_ = parts_[at_].source->documents(Split::kTrain);
      document = {};
      if (stream_->next(document)) return true;
      const StreamState state = stream_->state();
      done_.skipped += state.skipped;
      done_.faults.insert(done_.faults.end(), state.faults.begin(), state.faults.end());
      stream_.reset();
      ++at_;
    }
    return false;
  }

  StreamState state() const override {
    StreamState state = done_;
    double before = 0, all = 0, inside = 0;
    for (std::size_t i = 0; i < parts_.size(); ++i) {
      all += parts_[i].bytes;
      if (i < at_) before += parts_[i].bytes;
    }
    if (stream_) {
      const StreamState open = stream_->state();
      state.skipped += open.skipped;
      state.faults.insert(state.faults.end(), open.faults.begin(), open.faults.end());
      inside = std::max(open.fraction, 0.0) * parts_[at_].bytes;
    }
    state.fraction = all == 0 ? 1 : (before + inside) / all;
    return state;
  }

 private:
  std::vector<Part> parts_;
  std::size_t at_ = 0;
  std::unique_ptr<Stream<Document>> stream_;
  StreamState done_;
};

void set(ParamValues& values, const std::string& name, ParamValue value) {
  values.set(name, {std::move(value), ValueSource::kCommandLine, ""});
}

}  // namespace

std::vector<StepPlan> step_plans(const Registry& registry, const std::vector<SlotConfig>& filters,
                                 const fs::path& base_dir) {
  std::vector<StepPlan> plans;
  for (const auto& slot : filters) {
    plans.push_back({slot.name, slot.plugin, [&registry, slot, base_dir](Filter::Args args) {
                       args.base_dir = base_dir.string();
                       return guarded(slot.plugin, "making the filter",
                                      [&] { return registry.make<Filter>(slot.plugin, slot.values, args); });
                     }});
  }
  return plans;
}

std::string filters_identity(const Registry& registry, const std::vector<SlotConfig>& filters, const fs::path& base_dir) {
  Sha256 identity;
  identity.update("filters 1\n");
  for (const auto& plan : step_plans(registry, filters, base_dir)) {
    identity.update(plan.name + " " + plan.plugin + " " + registry.origin(Filter::kKind, plan.plugin).sha256() + " " +
                    plan.make({})->fingerprint() + "\n");
  }
  for (const auto& slot : filters) {
    for (const auto& [name, value] : slot.values.all())
      identity.update(slot.name + "." + name + "=" + to_text(value.value) + "\n");
  }
  return identity.hex();
}

Inputs::Inputs(const Registry& registry, const std::vector<std::string>& paths, const InputOptions& options) {
  const auto add = [&](const std::string& path, bool rows) {
    const std::string plugin = rows ? "jsonl" : "text";
    ParamValues values = default_values(registry.find(Dataset::kKind, plugin).specs);
    set(values, "path", std::vector<std::string>{path});
    set(values, "max_line_mb", options.max_line_mb);
    set(values, "on_error", std::string("skip"));
    if (rows) {
      set(values, "text_field", options.text_field);
      set(values, "id_field", options.id_field);
      set(values, "keep_fields", true);
    } else {
      set(values, "split_on", options.split_on);
    }
    Part part{registry.make<Dataset>(plugin, values, {"", 0}), bytes_in(path)};
    if (dynamic_cast<DocumentSource*>(part.dataset.get()) == nullptr) {
      throw PluginError("plugin '" + plugin + "' yields no documents; the one that comes with temper does");
    }
    parts_.push_back(std::move(part));
  };
  for (const auto& path : paths) {
    if (!fs::is_directory(path)) {
      add(path, ends_in(path, kRows) || ends_in(path, kTables));
      continue;
    }
    const bool text = holds(path, kTexts), rows = holds(path, kRows);
    if (!text && !rows)
      throw DataError("the folder '" + path + "' holds no .txt, .jsonl or .json file; name a .csv file itself");
    if (text) add(path, false);
    if (rows) add(path, true);
  }
}

std::string Inputs::fingerprint() {
  Sha256 all;
  for (auto& part : parts_) all.update(part.dataset->fingerprint() + "\n");
  return all.hex();
}

std::unique_ptr<Stream<Document>> Inputs::open() {
  std::vector<Chain::Part> parts;
  for (auto& part : parts_) parts.push_back({dynamic_cast<DocumentSource*>(part.dataset.get()), part.bytes});
  return std::make_unique<Chain>(std::move(parts));
}

}  // namespace temper::clean
