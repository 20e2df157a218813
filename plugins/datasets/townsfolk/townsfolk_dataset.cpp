// Mixes of tasks as streams (see townsfolk_dataset.h). Row i of a stream has a random number generator of its own, derived
// from the world's seed, the stream's name and i, so that no row depends on how many were read before it.
#include "townsfolk_dataset.h"

#include <functional>
#include <set>

#include "constraints.h"
#include "tasks.h"
#include "temper/hash.h"

namespace temper::townsfolk {
namespace {

/// Raised whenever the same parameters begin to give other bytes.
constexpr std::string_view kGenerator = "townsfolk 1";

template <class Row>
class IndexStream final : public Stream<Row> {
 public:
  using Make = std::function<Row(std::int64_t)>;
  IndexStream(std::int64_t size, Make make) : size_(size), make_(std::move(make)) {}
  bool next(Row& row) override {
    if (index_ == size_) return false;
    row = make_(index_++);
    return true;
  }

 private:
  std::int64_t size_, index_ = 0;
  Make make_;
};

const char* name_of(Split split) { return split == Split::kTrain ? "train" : "test"; }

std::string row_id(const char* what, Split split, std::int64_t index) {
  return std::string(what) + "-" + name_of(split) + "-" + std::to_string(index);
}

Task draw_row(const Source& source, std::int64_t index, bool pair, Rng& rng) {
  const auto turn = static_cast<std::uint64_t>(index) % 20;
  if (turn < 9) return constrained_task(source, "", pair, rng);
  if (turn < 12) return open_book_task(source, rng);
  if (turn < 15) return closed_book_task(source, rng);
  if (turn < 16) return portrait_task(source, rng);
  if (turn < 18) return unknown_person_task(source, rng);
  return private_data_task(source, false, rng);
}

/// A demonstration by somebody who did not care, in the given share of rows. Wrong facts are left out: which of two facts is
/// right cannot be learnt from preferences about other people.
void make_careless(Task& task, double share, Rng& rng) {
  if (rng.uniform() >= share || task.rejected.empty()) return;
  if (task.kind == "open_book" || task.kind == "closed_book") return;
  task.answer = task.rejected;
}

Task draw_pair(const Source& source, std::int64_t index, Rng& rng) {
  const auto turn = static_cast<std::uint64_t>(index) % 20;
  if (turn < 8) return constrained_task(source, "", true, rng);
  if (turn < 10) return open_book_task(source, rng);
  if (turn < 13) return closed_book_task(source, rng);
  if (turn < 16) return unknown_person_task(source, rng);
  return private_data_task(source, turn == 19, rng);
}

/// Half of the items are about constraints, which go through the kinds in turn; the rest is shared by the other four.
Task draw_item(const Source& source, std::int64_t index, Rng& rng) {
  if (index % 2 == 0) {
    const auto& kinds = constraint_kinds();
    return constrained_task(source, kinds[static_cast<std::size_t>(index / 2) % kinds.size()], false, rng);
  }
  switch (index / 2 % 4) {
    case 0:
      return closed_book_task(source, rng);
    case 1:
      return open_book_task(source, rng);
    case 2:
      return unknown_person_task(source, rng);
    default:
      return private_data_task(source, false, rng);
  }
}

}  // namespace

ParamTable<TownsfolkParams> townsfolk_params() {
  using P = TownsfolkParams;
  ParamTable<P> table;
  table.add("people", &P::people, "People in the town.", {.min = 20, .max = 10000});
  table.add("test_fraction", &P::test_fraction, "Share of the people whom no tuning row mentions; at least one person.",
            {.min = 0.01, .max = 0.9});
  table.add("documents_per_person", &P::documents_per_person, "Documents about each person, besides the private note.",
            {.min = 0, .max = 1000});
  table.add("private_notes", &P::private_notes, "Whether the documents hold people's private data, so that it could leak.");
  table.add("rows", &P::rows, "Instruction rows.", {.min = 1, .max = 1e8});
  table.add("turns", &P::turns, "Requests of an instruction row, each with its answer; the first is that of a row of one.",
            {.min = 1, .max = 16});
  table.add(
      "careless", &P::careless,
      "Share of demonstrations that break their constraint, make somebody up or tell what is private; pairs stay right.",
      {.min = 0, .max = 1});
  table.add("pairs", &P::pairs, "Preference pairs to train on; there are as many test pairs as items.",
            {.min = 1, .max = 1e8});
  table.add("items", &P::items, "Evaluation items in each split.", {.min = 1, .max = 1e6});
  table.add("world_seed", &P::world_seed,
            "Seed of the town and of all its texts; the run's seed has no part in it, so that runs answer the same items.",
            {.min = 0, .max = 1e15});
  return table;
}

TownsfolkDataset::TownsfolkDataset(const TownsfolkParams& params)
    : params_(params),
      world_(std::make_shared<World>(WorldParams{params.people, params.test_fraction, params.world_seed})) {}

std::string TownsfolkDataset::fingerprint() {
  const ParamTable<TownsfolkParams> table = townsfolk_params();
  std::string text(kGenerator);
  for (const auto& spec : table.specs_of(params_)) text += "\n" + spec.name + "=" + to_text(spec.default_value);
  return sha256_hex(text);
}

std::unique_ptr<Stream<Document>> TownsfolkDataset::documents(Split split) {
  const DocumentParams params{params_.documents_per_person, params_.private_notes};
  const std::uint64_t seed = derive_seed(static_cast<std::uint64_t>(params_.world_seed), {"townsfolk", "documents"});
  const std::int64_t size = split == Split::kTrain ? document_count(*world_, params) : 0;
  return std::make_unique<IndexStream<Document>>(
      size, [world = world_, params, seed](std::int64_t index) { return make_document(*world, params, seed, index); });
}

std::unique_ptr<Stream<InstructionRow>> TownsfolkDataset::instructions(Split split) {
  const std::uint64_t seed = derive_seed(static_cast<std::uint64_t>(params_.world_seed), {"townsfolk", "instructions"});
  const auto make = [world = world_, seed, split, careless = params_.careless, turns = params_.turns](std::int64_t index) {
    const std::string id = row_id("row", split, index);
    InstructionRow row{id, {}, "townsfolk:" + id};
    const std::uint64_t own = derive_seed(seed, static_cast<std::uint64_t>(index));
    for (std::int64_t turn = 0; turn < turns; ++turn) {
      Rng rng(turn == 0 ? own : derive_seed(derive_seed(own, {"turn"}), static_cast<std::uint64_t>(turn)));
      // Seven on, so that the kinds of a row's tasks differ, and each turn has all kinds in the same shares.
      Task task = draw_row({*world, split}, index + 7 * turn, careless > 0, rng);
      if (careless > 0) make_careless(task, careless, rng);
      row.messages.push_back({"user", std::move(task.prompt)});
      row.messages.push_back({"assistant", std::move(task.answer)});
    }
    return row;
  };
  return std::make_unique<IndexStream<InstructionRow>>(split == Split::kTrain ? params_.rows : 0, make);
}

std::unique_ptr<Stream<PreferencePair>> TownsfolkDataset::preferences(Split split) {
  const std::uint64_t seed =
      derive_seed(static_cast<std::uint64_t>(params_.world_seed), {"townsfolk", "preferences", name_of(split)});
  return std::make_unique<IndexStream<PreferencePair>>(split == Split::kTrain ? params_.pairs : params_.items,
                                                       [world = world_, seed, split](std::int64_t index) {
                                                         Rng rng(derive_seed(seed, static_cast<std::uint64_t>(index)));
                                                         Task task = draw_pair({*world, split}, index, rng);
                                                         const std::string id = row_id("pair", split, index);
                                                         return PreferencePair{id,
                                                                               {{"user", std::move(task.prompt)}},
                                                                               std::move(task.answer),
                                                                               std::move(task.rejected),
                                                                               std::move(task.dimension),
                                                                               "townsfolk:" + id};
                                                       });
}

std::unique_ptr<Stream<EvalItem>> TownsfolkDataset::items(Split split) {
  const std::uint64_t seed =
      derive_seed(static_cast<std::uint64_t>(params_.world_seed), {"townsfolk", "items", name_of(split)});
  auto seen = std::make_shared<std::set<std::string>>();
  return std::make_unique<IndexStream<EvalItem>>(params_.items, [world = world_, seed, split, seen](std::int64_t index) {
    // The same question twice would count one answer twice.
    constexpr std::uint64_t kAttempts = 200;
    for (std::uint64_t attempt = 0; attempt < kAttempts; ++attempt) {
      Rng rng(derive_seed(derive_seed(seed, static_cast<std::uint64_t>(index)), attempt));
      Task task = draw_item({*world, split}, index, rng);
      if (!seen->insert(sha256_hex(task.prompt)).second) continue;
      const std::string id = row_id("item", split, index);
      return EvalItem{id,
                      {{"user", std::move(task.prompt)}},
                      std::move(task.reference),
                      std::move(task.kind),
                      std::move(task.attributes_json),
                      "townsfolk:" + id,
                      std::move(task.person)};
    }
    throw DataError("townsfolk ran out of different prompts at item " + std::to_string(index) + " of the " + name_of(split) +
                    " split; lower items or raise people");
  });
}

}  // namespace temper::townsfolk
