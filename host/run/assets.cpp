// Datasets, tokenizer and corpora of a run (see assets.h).
#include "host/run/assets.h"

#include <atomic>

#include "host/run/model_store.h"
#include "host/util/cancel.h"
#include "host/util/files.h"
#include "temper/hash.h"
#include "temper/random.h"

namespace temper {
namespace {

std::string split_text(const std::vector<Message>& messages) {
  std::string text;
  for (const auto& message : messages) text += message.role + '\n' + message.content + '\n';
  return text;
}

}  // namespace

RunAssets::RunAssets(const Experiment& experiment, const Registry& registry, std::filesystem::path cache,
                     TerminalProgress& progress)
    : experiment_(experiment),
      registry_(registry),
      cache_(std::move(cache)),
      progress_(progress),
      cleaned_(
          experiment, registry, cache_, [this](const std::string& name) -> Dataset& { return dataset(name); }, progress,
          &cancel_flag()) {}

std::string RunAssets::fingerprint(const std::string& name) {
  const std::string own = dataset(name).fingerprint();
  return cleaned_.covers(name) ? sha256_hex(own + " cleaned " + cleaned_.identity()) : own;
}

std::unique_ptr<Stream<Document>> RunAssets::training_documents(const std::string& name) {
  auto& source = capability<DocumentSource>(name, "documents");
  return cleaned_.covers(name) ? cleaned_.documents(name) : source.documents(Split::kTrain);
}

Dataset& RunAssets::dataset(const std::string& name) {
  auto& instance = datasets_[name];
  if (instance) return *instance;
  for (const auto& slot : experiment_.datasets) {
    if (slot.name != name) continue;
    Dataset::Args args{experiment_.base_dir.string(), derive_seed(experiment_.seed, {"dataset", name})};
    instance = registry_.make<Dataset>(slot.plugin, slot.values, args);
    DataRow row;
    row.name = name;
    row.path = slot.values.has("path") ? to_text(slot.values.get("path").value) : slot.plugin;
    row.sha256 = instance->fingerprint();
    rows_[name] = row;
    return *instance;
  }
  throw ConfigError("dataset '" + name + "' is not in the experiment");
}

template <class Source>
Source& RunAssets::capability(const std::string& name, const std::string& what) {
  if (auto* source = dynamic_cast<Source*>(&dataset(name))) return *source;
  throw ConfigError("dataset '" + name + "' yields no " + what + "; choose another dataset for this use");
}

const Tokenizer& RunAssets::tokenizer() {
  if (!tokenizer_) make_tokenizer();
  return *tokenizer_;
}

const std::string& RunAssets::tokenizer_bytes() {
  tokenizer();
  return tokenizer_bytes_;
}

const std::string& RunAssets::tokenizer_sha256() {
  tokenizer();
  return tokenizer_sha256_;
}

const TokenBytes& RunAssets::tokenizer_token_bytes() {
  if (!token_bytes_) token_bytes_ = token_bytes(tokenizer());
  return token_bytes_;
}

void RunAssets::make_tokenizer() {
  const SlotConfig& slot = experiment_.tokenizer;
  if (!slot.checkpoint.empty()) {
    tokenizer_ = load_tokenizer(registry_, slot.checkpoint, read_manifest(slot.checkpoint));
    tokenizer_bytes_ = tokenizer_->model_bytes();
    tokenizer_sha256_ = sha256_hex(tokenizer_bytes_);
    return;
  }
  auto made = registry_.make<Tokenizer>(slot.plugin, slot.values, {experiment_.base_dir.string()});
  if (made->needs_training()) {
    if (slot.datasets.empty()) {
      throw ConfigError("tokenizer '" + slot.plugin + "' has to be trained but tokenizer.data names no dataset");
    }
    Sha256 key;
    key.update("tokenizer 1 " + slot.plugin + " " + registry_.origin("tokenizer", slot.plugin).version + "\n");
    for (const auto& [name, value] : slot.values.all()) key.update(name + "=" + to_text(value.value) + "\n");
    for (const auto& name : slot.datasets) key.update(fingerprint(name) + "\n");
    key.update(to_text(experiment_.validation_fraction));
    const auto cached = cache_ / "tokenizers" / (key.hex() + "-" + made->model_file_name());
    if (std::filesystem::exists(cached)) {
      made->load(read_text_file(cached));
    } else {
      progress_.say("training tokenizer " + slot.plugin);
      std::size_t next = 0;
      std::unique_ptr<Stream<Document>> stream;
      // Held-out documents are kept from the tokenizer too.
      const auto texts = [&]() -> std::optional<std::string> {
        while (true) {
          if (cancel_requested()) throw Cancelled("stopped while training the tokenizer");
          if (!stream) {
            if (next == slot.datasets.size()) return std::nullopt;
            stream = training_documents(slot.datasets[next++]);
          }
          Document document;
          if (!stream->next(document)) {
            stream.reset();
            continue;
          }
          if (!in_validation_split(document.text, experiment_.validation_fraction)) return std::move(document.text);
        }
      };
      const std::string bytes = made->train(texts);
      create_folders(cached.parent_path());
      write_file_atomically(cached, bytes);
    }
  }
  tokenizer_bytes_ = made->model_bytes();
  tokenizer_sha256_ = sha256_hex(tokenizer_bytes_);
  tokenizer_ = std::move(made);
}

std::shared_ptr<const TokenCorpus> RunAssets::corpus(const std::string& name, bool validation) {
  capability<DocumentSource>(name, "documents");
  auto corpus = tokenize_documents(
      cache_ / "tokens", name, fingerprint(name), [&] { return training_documents(name); }, tokenizer(), tokenizer_sha256(),
      experiment_.validation_fraction, validation, &progress_, &cancel_flag());
  if (!validation) {
    DataRow& row = rows_[name];
    row.documents = corpus->documents();
    row.bytes = corpus->bytes();
    row.tokens = corpus->tokens();
  }
  return corpus;
}

std::vector<InstructionRow> RunAssets::instructions(const std::vector<std::string>& names, bool validation) {
  std::vector<InstructionRow> rows;
  for (const auto& name : names) {
    const auto stream = capability<InstructionSource>(name, "instruction rows").instructions(Split::kTrain);
    InstructionRow row;
    std::int64_t count = 0;
    while (stream->next(row)) {
      ++count;
      const bool held_out = in_validation_split(split_text(row.messages), experiment_.validation_fraction);
      if (held_out == validation) rows.push_back(std::move(row));
      row = {};
    }
    if (rows_[name].documents == 0) rows_[name].documents = count;
  }
  if (rows.empty()) {
    throw DataError(std::string("there are no ") + (validation ? "held-out " : "") + "instruction rows" +
                    (validation ? "; raise validation_fraction or set validation_batches to 0" : ""));
  }
  return rows;
}

std::vector<PreferencePair> RunAssets::preferences(const std::vector<std::string>& names, bool validation) {
  std::vector<PreferencePair> pairs;
  for (const auto& name : names) {
    const auto stream = capability<PreferenceSource>(name, "preference pairs").preferences(Split::kTrain);
    PreferencePair pair;
    std::int64_t count = 0;
    while (stream->next(pair)) {
      ++count;
      const bool held_out = in_validation_split(split_text(pair.prompt), experiment_.validation_fraction);
      if (held_out == validation) pairs.push_back(std::move(pair));
      pair = {};
    }
    if (rows_[name].documents == 0) rows_[name].documents = count;
  }
  if (pairs.empty()) {
    throw DataError(std::string("there are no ") + (validation ? "held-out " : "") + "preference pairs" +
                    (validation ? "; raise validation_fraction or set validation_batches to 0" : " in the named datasets"));
  }
  return pairs;
}

std::vector<PreferencePair> RunAssets::test_preferences(const std::vector<std::string>& names, std::int64_t limit) {
  std::vector<PreferencePair> pairs;
  const auto full = [&] { return limit > 0 && static_cast<std::int64_t>(pairs.size()) >= limit; };
  for (const auto& name : names) {
    const std::size_t before = pairs.size();
    auto& source = capability<PreferenceSource>(name, "preference pairs");
    for (const Split split : {Split::kTest, Split::kTrain}) {
      if (pairs.size() > before) break;
      const auto stream = source.preferences(split);
      PreferencePair pair;
      while (!full() && stream->next(pair)) {
        if (split == Split::kTest || in_validation_split(split_text(pair.prompt), experiment_.validation_fraction)) {
          pairs.push_back(std::move(pair));
        }
        pair = {};
      }
    }
  }
  if (pairs.empty())
    throw DataError("there are no held-out preference pairs in the named datasets; raise validation_fraction");
  return pairs;
}

std::vector<EvalItem> RunAssets::items(const std::vector<std::string>& names, std::int64_t limit) {
  std::vector<EvalItem> items;
  for (const auto& name : names) {
    const auto stream = capability<ItemSource>(name, "evaluation items").items(Split::kTest);
    EvalItem item;
    while ((limit == 0 || static_cast<std::int64_t>(items.size()) < limit) && stream->next(item)) {
      items.push_back(std::move(item));
      item = {};
    }
  }
  if (items.empty()) throw DataError("there are no evaluation items in the named datasets");
  return items;
}

std::vector<Document> RunAssets::documents(const std::vector<std::string>& names, bool validation, std::int64_t limit) {
  std::vector<Document> documents;
  for (const auto& name : names) {
    const auto stream = training_documents(name);
    Document document;
    while ((limit == 0 || static_cast<std::int64_t>(documents.size()) < limit) && stream->next(document)) {
      if (in_validation_split(document.text, experiment_.validation_fraction) == validation) {
        document.id = name + ":" + document.id;
        documents.push_back(std::move(document));
      }
      document = {};
    }
  }
  return documents;
}

std::vector<DataRow> RunAssets::data_rows() const {
  std::vector<DataRow> rows;
  for (const auto& [name, row] : rows_) rows.push_back(row);
  return rows;
}

}  // namespace temper
