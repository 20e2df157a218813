// Checks of a dataset: its streams are the same every time, and its rows are usable.
#include "temper/dataset.h"

#include <set>

#include "checks.h"

namespace temper::conformance {
namespace {

constexpr std::size_t kMostRows = 2000;

/// Strict UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool valid_utf8(const std::string& text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
    const unsigned char lead = byte(i);
    const std::size_t more = lead < 0x80                   ? 0
                             : lead >= 0xC2 && lead < 0xE0 ? 1
                             : lead >= 0xE0 && lead < 0xF0 ? 2
                             : lead >= 0xF0 && lead < 0xF5 ? 3
                                                           : 4;
    if (more == 4 || i + more >= text.size() + (more == 0 ? 1 : 0)) return false;
    for (std::size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xC0) != 0x80) return false;
    }
    if ((lead == 0xE0 && byte(i + 1) < 0xA0) || (lead == 0xED && byte(i + 1) >= 0xA0)) return false;
    if ((lead == 0xF0 && byte(i + 1) < 0x90) || (lead == 0xF4 && byte(i + 1) >= 0x90)) return false;
    i += more + 1;
  }
  return true;
}

/// One row as its id, and all its texts in one string for comparing.
struct Row {
  std::string id, texts;
  bool empty = false;
  bool operator==(const Row&) const = default;
};

std::string join(const std::vector<Message>& messages) {
  std::string text;
  for (const auto& message : messages) text += message.role + "\x1f" + message.content + "\x1e";
  return text;
}
Row row_of(const Document& document) { return {document.id, document.text, document.text.empty()}; }
Row row_of(const InstructionRow& row) { return {row.id, join(row.messages), row.messages.empty()}; }
Row row_of(const PreferencePair& pair) {
  return {pair.id, join(pair.prompt) + "\x1d" + pair.chosen + "\x1d" + pair.rejected,
          pair.prompt.empty() || pair.chosen == pair.rejected};
}
Row row_of(const EvalItem& item) {
  return {item.id, join(item.prompt) + "\x1d" + item.reference + "\x1d" + item.attributes_json, item.prompt.empty()};
}

/// Document for Stream<Document>.
template <class T>
T row_of_stream(const Stream<T>&);
template <class S>
using row_type_t = decltype(row_of_stream(std::declval<S>()));

struct Listing {
  std::string what;  ///< "documents, train"
  std::vector<Row> rows;
};

/// Reads a stream into `all`. A file reader offers every kind of row and finds only at its first row which kind the data
/// has; such a refusal goes into `refusals` instead.
template <class Open>
void read_into(std::vector<Listing>& all, std::string& refusals, const std::string& what, Open open) {
  std::vector<Row> rows;
  try {
    const auto stream = open();
    if (!stream) throw PluginError(what + ": the capability gave no stream");
    row_type_t<decltype(*stream)> row;
    while (rows.size() < kMostRows && stream->next(row)) rows.push_back(row_of(row));
  } catch (const Error& error) {
    const bool polite =
        dynamic_cast<const DataError*>(&error) != nullptr || dynamic_cast<const ConfigError*>(&error) != nullptr;
    if (!polite || !rows.empty()) throw;
    refusals += (refusals.empty() ? "" : "; ") + what + ": " + error.what();
    return;
  }
  all.push_back({what, std::move(rows)});
}

/// Everything that the dataset has, split by split. Throws DataError if it offers rows but gives none of any kind.
std::vector<Listing> read_all(Dataset& dataset) {
  std::vector<Listing> all;
  std::string refusals;
  for (const auto& [split, name] : {std::pair(Split::kTrain, "train"), std::pair(Split::kTest, "test")}) {
    const std::string suffix = std::string(", ") + name;
    const Split part = split;
    if (auto* source = dynamic_cast<DocumentSource*>(&dataset)) {
      read_into(all, refusals, "documents" + suffix, [&] { return source->documents(part); });
    }
    if (auto* source = dynamic_cast<InstructionSource*>(&dataset)) {
      read_into(all, refusals, "instructions" + suffix, [&] { return source->instructions(part); });
    }
    if (auto* source = dynamic_cast<PreferenceSource*>(&dataset)) {
      read_into(all, refusals, "preferences" + suffix, [&] { return source->preferences(part); });
    }
    if (auto* source = dynamic_cast<ItemSource*>(&dataset)) {
      read_into(all, refusals, "items" + suffix, [&] { return source->items(part); });
    }
  }
  if (all.empty() && !refusals.empty()) throw DataError("it gives rows of no kind: " + refusals);
  return all;
}

template <class Body>
Outcome with_dataset(const Subject& subject, Body body) {
  if (const auto missing = missing_text(subject); !missing.empty()) return Outcome::skip(missing);
  const auto dataset = subject.plugin.make<Dataset>(subject.registration.id, subject.values, {".", subject.seed});
  if (!dataset) return Outcome::fail("the factory gave no dataset");
  return body(*dataset);
}

Outcome offers(const Subject& subject) {
  return with_dataset(subject, [](Dataset& dataset) {
    const auto all = read_all(dataset);
    if (all.empty()) {
      return Outcome::fail("it offers none of DocumentSource, InstructionSource, PreferenceSource and ItemSource");
    }
    for (const auto& listing : all) {
      if (!listing.rows.empty()) return Outcome::pass();
    }
    return Outcome::fail("all its streams are empty");
  });
}

Outcome rows_usable(const Subject& subject) {
  return with_dataset(subject, [](Dataset& dataset) {
    for (const auto& listing : read_all(dataset)) {
      for (const auto& row : listing.rows) {
        if (row.empty) return Outcome::fail(listing.what + ": row '" + row.id + "' holds nothing to use");
        if (!valid_utf8(row.texts) || !valid_utf8(row.id)) {
          return Outcome::fail(listing.what + ": row '" + row.id + "' is not valid UTF-8");
        }
      }
    }
    return Outcome::pass();
  });
}

Outcome ids_unique(const Subject& subject) {
  return with_dataset(subject, [](Dataset& dataset) {
    for (const auto& listing : read_all(dataset)) {
      std::set<std::string> ids;
      for (const auto& row : listing.rows) {
        if (row.id.empty()) return Outcome::fail(listing.what + ": a row has no id");
        if (!ids.insert(row.id).second) return Outcome::fail(listing.what + ": two rows have the id '" + row.id + "'");
      }
    }
    return Outcome::pass();
  });
}

Outcome compare(const std::vector<Listing>& first, const std::vector<Listing>& second, const std::string& what) {
  for (std::size_t i = 0; i < first.size() && i < second.size(); ++i) {
    if (!(first[i].rows == second[i].rows)) return Outcome::fail(first[i].what + ": " + what);
  }
  return Outcome::pass();
}

Outcome restartable(const Subject& subject) {
  return with_dataset(subject, [](Dataset& dataset) {
    const auto first = read_all(dataset);
    return compare(first, read_all(dataset), "a second stream of the same dataset gives other rows");
  });
}

Outcome same_rows_twice(const Subject& subject) {
  return with_dataset(subject, [&](Dataset& dataset) {
    const auto other = subject.plugin.make<Dataset>(subject.registration.id, subject.values, {".", subject.seed});
    if (dataset.fingerprint().empty()) return Outcome::fail("fingerprint() is empty");
    if (dataset.fingerprint() != other->fingerprint())
      return Outcome::fail("two equal datasets have different fingerprints");
    return compare(read_all(dataset), read_all(*other), "two equal datasets give different rows");
  });
}

Outcome splits_apart(const Subject& subject) {
  return with_dataset(subject, [](Dataset& dataset) {
    const auto all = read_all(dataset);
    for (std::size_t i = 0; i < all.size(); ++i) {
      for (std::size_t k = i + 1; k < all.size(); ++k) {
        const auto kind = [&](std::size_t at) { return all[at].what.substr(0, all[at].what.find(',')); };
        if (kind(i) != kind(k)) continue;
        std::set<std::string> texts;
        for (const auto& row : all[i].rows) texts.insert(row.texts);
        for (const auto& row : all[k].rows) {
          if (texts.count(row.texts) != 0) {
            return Outcome::fail("row '" + row.id + "' of " + all[k].what + " is in " + all[i].what + " as well");
          }
        }
      }
    }
    return Outcome::pass();
  });
}

}  // namespace

void add_dataset_checks(std::vector<Check>& checks) {
  const auto add = [&](const char* id, const char* sentence, Outcome (*run)(const Subject&)) {
    checks.push_back({std::string("dataset.") + id, "dataset", 1, sentence, run});
  };
  add("offers", "It offers at least one kind of row, and rows of it.", offers);
  add("rows", "Rows hold something to use and are valid UTF-8.", rows_usable);
  add("ids", "Ids are there and unique within a stream.", ids_unique);
  add("restartable", "A second stream gives the same rows.", restartable);
  add("deterministic", "Equal parameters and seed give equal fingerprints and rows.", same_rows_twice);
  add("splits", "No row of the test split is in the training split.", splits_apart);
}

}  // namespace temper::conformance
