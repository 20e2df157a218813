// Bands to candidates to clusters (see near_dedup.h).
#include "near_dedup.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <list>
#include <unordered_map>
#include <unordered_set>

#include "shingles.h"

namespace temper::filters {

/// The documents' band hashes, one list a band; beyond half the memory they go to files of the scratch folder.
class NearDedup::Bands {
 public:
  Bands(std::size_t count, const std::string& folder, std::uint64_t memory)
      : folder_(folder), memory_(memory), hashes_(count) {}

  void add(std::string_view digest) {
    for (std::size_t band = 0; band < hashes_.size(); ++band) {
      std::uint64_t hash = 0;
      std::memcpy(&hash, digest.data() + band * sizeof hash, sizeof hash);
      hashes_[band].push_back(hash);
    }
    ++documents_;
    if (!folder_.empty() && hashes_[0].size() * hashes_.size() * sizeof(std::uint64_t) > memory_ / 2) spill();
  }
  std::uint64_t documents() const { return documents_; }

  /// Of every document, in order; the band's own copy is given up.
  std::vector<std::uint64_t> take(std::size_t band) {
    std::vector<std::uint64_t> all;
    if (spilled_ > 0) {
      all.resize(spilled_);
      const File file(std::fopen(path(band).c_str(), "rb"));
      if (!file || std::fread(all.data(), sizeof(std::uint64_t), spilled_, file.get()) != spilled_) {
        throw DataError("'" + path(band).string() + "' cannot be read back");
      }
    }
    all.insert(all.end(), hashes_[band].begin(), hashes_[band].end());
    std::vector<std::uint64_t>().swap(hashes_[band]);
    return all;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;
  std::filesystem::path path(std::size_t band) const {
    return std::filesystem::path(folder_) / ("band-" + std::to_string(band));
  }

  void spill() {
    const std::size_t count = hashes_[0].size();
    for (std::size_t band = 0; band < hashes_.size(); ++band) {
      const File file(std::fopen(path(band).c_str(), spilled_ == 0 ? "wb" : "ab"));
      if (!file || std::fwrite(hashes_[band].data(), sizeof(std::uint64_t), count, file.get()) != count ||
          std::fflush(file.get()) != 0) {
        throw DataError("'" + path(band).string() + "' cannot be written; make room in the output's folder");
      }
      hashes_[band].clear();
    }
    spilled_ += count;
  }

  std::string folder_;
  std::uint64_t memory_, documents_ = 0, spilled_ = 0;
  std::vector<std::vector<std::uint64_t>> hashes_;
};

namespace {

/// Documents whose hash another one may have: all that share one, and a few that only share a place in a table.
std::vector<std::uint32_t> maybe_shared(const std::vector<std::uint64_t>& hashes) {
  std::vector<std::uint8_t> seen(std::bit_ceil(8 * hashes.size() + 1));
  const std::uint64_t mask = seen.size() - 1;
  for (const std::uint64_t hash : hashes) {
    std::uint8_t& times = seen[hash & mask];
    times = static_cast<std::uint8_t>(times == 0 ? 1 : 2);
  }
  std::vector<std::uint32_t> shared;
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    if (seen[hashes[i] & mask] > 1) shared.push_back(static_cast<std::uint32_t>(i));
  }
  return shared;
}

/// Shingle sets of documents, the latest used kept.
class Sets {
 public:
  using Set = std::shared_ptr<const std::vector<std::uint64_t>>;
  Sets(const CorpusTexts& texts, Unit unit, std::size_t ngram, std::uint64_t memory)
      : texts_(texts), unit_(unit), ngram_(ngram), memory_(memory) {}

  Set of(std::uint64_t number) {
    if (const auto found = places_.find(number); found != places_.end()) {
      order_.splice(order_.begin(), order_, found->second);
      return order_.front().second;
    }
    auto set = std::make_shared<const std::vector<std::uint64_t>>(shingle_set(texts_.text(number), unit_, ngram_));
    order_.emplace_front(number, set);
    places_[number] = order_.begin();
    held_ += set->size() * sizeof(std::uint64_t) + 128;
    while (held_ > memory_ && order_.size() > 2) {
      held_ -= order_.back().second->size() * sizeof(std::uint64_t) + 128;
      places_.erase(order_.back().first);
      order_.pop_back();
    }
    return set;
  }

 private:
  const CorpusTexts& texts_;
  Unit unit_;
  std::size_t ngram_;
  std::uint64_t memory_, held_ = 0;
  std::list<std::pair<std::uint64_t, Set>> order_;
  std::unordered_map<std::uint64_t, std::list<std::pair<std::uint64_t, Set>>::iterator> places_;
};

/// Union-find whose root is the smallest member.
class Clusters {
 public:
  std::uint64_t root(std::uint64_t member) {
    auto found = parent_.find(member);
    if (found == parent_.end()) return member;
    const std::uint64_t top = root(found->second);
    parent_[member] = top;
    return top;
  }
  void join(std::uint64_t a, std::uint64_t b) {
    a = root(a);
    b = root(b);
    if (a != b) parent_[std::max(a, b)] = std::min(a, b);
  }
  std::vector<std::uint64_t> members() const {
    std::vector<std::uint64_t> all;
    for (const auto& [member, parent] : parent_) all.push_back(member);
    std::sort(all.begin(), all.end());
    return all;
  }

 private:
  std::unordered_map<std::uint64_t, std::uint64_t> parent_;
};

}  // namespace

ParamTable<NearDedupParams> near_dedup_params() {
  using P = NearDedupParams;
  ParamTable<P> table;
  table.add("threshold", &P::threshold, "Jaccard similarity from which two documents count as the same.",
            {.min = 0.05, .max = 1});
  table.add("num_perm", &P::num_perm, "Hash functions of a signature.", {.min = 8, .max = 4096});
  table.add("bands", &P::bands,
            "Parts of a signature; documents that agree in one are compared. More bands find less similar pairs.",
            {.min = 1, .max = 512});
  table.add("ngram", &P::ngram, "Units in a shingle.", {.min = 1, .max = 64, .unit = "units"});
  table.add("unit", &P::unit, "What a shingle is made of; characters suit texts written without spaces.",
            {.choices = {"word", "character"}});
  table.add("keep", &P::keep, "Which document of a cluster stays.", {.choices = {"first", "longest"}});
  table.add("action", &P::action, "What happens to the others: dropped, or only noted in the ledger.",
            {.choices = {"drop", "mark"}});
  table.add("seed", &P::seed, "Draws the hash functions.", {.min = 0});
  table.require([](const P& p) { return p.bands <= p.num_perm; }, "bands must not be more than num_perm");
  return table;
}

NearDedup::NearDedup(const NearDedupParams& params, const Filter::Args& args)
    : params_(params),
      unit_(params.unit == "word" ? Unit::kWord : Unit::kCharacter),
      minhash_(static_cast<std::size_t>(params.num_perm), static_cast<std::uint64_t>(params.seed)),
      memory_bytes_(args.memory_bytes),
      bands_(std::make_unique<Bands>(static_cast<std::size_t>(params.bands), args.scratch_dir, args.memory_bytes)) {}
NearDedup::~NearDedup() = default;

std::string NearDedup::digest(const Document& document) const {
  const auto list = shingle_list(document.text, unit_, static_cast<std::size_t>(params_.ngram));
  const auto hashes = band_hashes(minhash_.signature(list), static_cast<std::size_t>(params_.bands));
  return {reinterpret_cast<const char*>(hashes.data()), hashes.size() * sizeof(std::uint64_t)};
}

void NearDedup::add(std::uint64_t, std::string_view digest) {
  if (digest.size() != static_cast<std::size_t>(params_.bands) * sizeof(std::uint64_t))
    throw DataError("a digest is damaged");
  bands_->add(digest);
}

void NearDedup::decide(const CorpusTexts& texts, const std::function<bool()>& cancelled) {
  // Beyond this many that agree in a band, a document is compared with one of each cluster only: such groups are copies of
  // a few texts, and all pairs of them would take forever.
  constexpr std::size_t kAllPairs = 64;
  Sets sets(texts, unit_, static_cast<std::size_t>(params_.ngram), memory_bytes_ / 4);
  Clusters clusters;
  std::unordered_set<std::uint64_t> compared;
  const auto note = [&](std::uint64_t number, std::uint64_t partner, double similarity) {
    auto [match, fresh] = best_match_.try_emplace(number, NearMatch{partner, similarity});
    if (!fresh && similarity > match->second.similarity) match->second = {partner, similarity};
  };
  const auto compare = [&](std::uint64_t a, std::uint64_t b) {
    if (clusters.root(a) == clusters.root(b)) return true;
    if (!compared.insert(a << 32 ^ b).second) return false;
    if (cancelled()) throw Cancelled("stopped while comparing documents");
    ++candidates_;
    const auto one = sets.of(a), other = sets.of(b);
    const double similarity = jaccard(*one, *other);
    if (similarity < params_.threshold) return false;
    ++confirmed_;
    clusters.join(a, b);
    note(a, b, similarity);
    note(b, a, similarity);
    return true;
  };
  for (std::size_t band = 0; band < static_cast<std::size_t>(params_.bands); ++band) {
    const auto hashes = bands_->take(band);
    auto order = maybe_shared(hashes);
    std::sort(order.begin(), order.end(),
              [&](std::uint32_t a, std::uint32_t b) { return hashes[a] != hashes[b] ? hashes[a] < hashes[b] : a < b; });
    for (std::size_t begin = 0; begin < order.size();) {
      std::size_t end = begin + 1;
      while (end < order.size() && hashes[order[end]] == hashes[order[begin]]) ++end;
      std::vector<std::uint64_t> leaders;
      for (std::size_t i = begin; i < end && end - begin > 1; ++i) {
        bool alike = false;
        for (const std::uint64_t leader : leaders) {
          if (compare(leader, order[i])) alike = true;
          if (alike && end - begin > kAllPairs) break;
        }
        if (!alike || end - begin <= kAllPairs) leaders.push_back(order[i]);
      }
      begin = end;
    }
  }
  // Of each cluster the document that stays, in the order of numbers so that the first wins among equals.
  std::map<std::uint64_t, std::size_t> lengths;
  const auto consider = [&](std::uint64_t number, std::uint64_t root) {
    cluster_of_[number] = root;
    if (params_.keep == "first") {
      kept_of_.try_emplace(root, number);
      return;
    }
    const std::size_t length = texts.text(number).size();
    const auto [longest, fresh] = lengths.try_emplace(root, length);
    if (fresh || length > longest->second) {
      longest->second = length;
      kept_of_[root] = number;
    }
  };
  for (const std::uint64_t member : clusters.members()) {
    const std::uint64_t root = clusters.root(member);
    if (cluster_of_.count(root) == 0) consider(root, root);
    consider(member, root);
  }
}

FilterResult NearDedup::result(std::uint64_t number, const Document&) const {
  const auto cluster = cluster_of_.find(number);
  if (cluster == cluster_of_.end()) return {};
  FilterResult result;
  result.cluster = cluster->second;
  if (const auto match = best_match_.find(number); match != best_match_.end()) {
    result.partner = match->second.partner;
    result.score = match->second.similarity;
  }
  if (kept_of_.at(cluster->second) == number || params_.action == "mark") return result;
  result.drop = true;
  result.reason = "near_copy";
  return result;
}

std::vector<std::pair<std::string, double>> NearDedup::figures() const {
  return {{"pairs compared", static_cast<double>(candidates_)},
          {"pairs as similar as the threshold", static_cast<double>(confirmed_)},
          {"clusters", static_cast<double>(kept_of_.size())}};
}

}  // namespace temper::filters
