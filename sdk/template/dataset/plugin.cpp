// @name@: a dataset to start from. Documents with one sum each, made from parameters and seed; a tenth is the test split.
// Replace the stream by your own source.
#include "temper/plugin.h"

#include "temper/dataset.h"
#include "temper/hash.h"
#include "temper/random.h"

namespace temper {
namespace {

struct @Name@Params {
  std::int64_t largest = 99;
};

ParamTable<@Name@Params> params_table() {
  using P = @Name@Params;
  ParamTable<P> table;
  table.add("largest", &P::largest, "Largest number to be added.", {.min = 9, .max = 10000});
  return table;
}

/// Every pair of numbers once, in an order that depends on the seed. Each tenth pair belongs to the test split.
class SumStream final : public Stream<Document> {
 public:
  SumStream(std::uint64_t numbers, std::uint64_t seed, Split split)
      : numbers_(numbers), order_(numbers * numbers, seed), split_(split) {}

  bool next(Document& document) override {
    while (index_ < order_.size()) {
      const std::uint64_t index = index_++;
      if ((index % 10 == 0) != (split_ == Split::kTest)) continue;
      const std::uint64_t pair = order_(index), a = pair / numbers_, b = pair % numbers_;
      document.id = std::to_string(a) + "+" + std::to_string(b);
      document.text = std::to_string(a) + " plus " + std::to_string(b) + " is " + std::to_string(a + b) + ".";
      document.source = "@name@:" + document.id;
      return true;
    }
    return false;
  }

 private:
  std::uint64_t numbers_, index_ = 0;
  Permutation order_;
  Split split_;
};

class @Name@ final : public Dataset, public DocumentSource {
 public:
  @Name@(const @Name@Params& params, const Args& args) : params_(params), seed_(args.seed) {}

  std::string fingerprint() override {
    return sha256_hex("@name@ 1 " + std::to_string(params_.largest) + " " + std::to_string(seed_));
  }
  std::unique_ptr<Stream<Document>> documents(Split split) override {
    return std::make_unique<SumStream>(static_cast<std::uint64_t>(params_.largest) + 1, seed_, split);
  }

 private:
  @Name@Params params_;
  std::uint64_t seed_;
};

}  // namespace
}  // namespace temper

TEMPER_PLUGIN("@name@", "0.1.0") {
  using namespace temper;
  registrar.add<Dataset>(
      "@name@", "Documents with one sum each.", params_table(),
      [](const @Name@Params& params, const Dataset::Args& args) { return std::make_unique<@Name@>(params, args); });
}
