// Grouping and batching of preference pairs (see pairs.h).
#include "pairs.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <map>

namespace temper::stages {
namespace {

std::int64_t dimension_of(const PreferencePair& pair, const std::vector<std::string>& dimensions) {
  const auto found = std::find(dimensions.begin(), dimensions.end(), pair.dimension);
  if (found != dimensions.end()) return found - dimensions.begin();
  if (dimensions.size() == 1) return 0;
  std::string known;
  for (const auto& name : dimensions) known += (known.empty() ? "" : ", ") + name;
  throw DataError("preference pair '" + pair.id + "' (" + pair.source + ") is about '" + pair.dimension +
                  "', the reward model has " + known + "; add it to dimensions or leave the pair out");
}

void check_pair(const PreferencePair& pair) {
  const std::string where = "preference pair '" + pair.id + "' (" + pair.source + ")";
  if (!pair.has_chosen || !pair.has_rejected) {
    throw DataError(where +
                    " has only one side; a reward model needs pairs. Set loss to binary, or train on it with the stage kto");
  }
  if (pair.chosen == pair.rejected) throw DataError(where + " has two equal answers; remove it");
}

}  // namespace

GroupedPairs group_pairs(const std::vector<PreferencePair>& pairs, const std::vector<std::string>& dimensions,
                         const std::string& template_name, std::int64_t context_length, const Tokenizer& tokenizer,
                         const ArchitectureTraits& traits) {
  GroupedPairs result;
  std::map<std::string, std::size_t> group_of;
  std::vector<std::map<std::string, std::int64_t>> answer_of;
  for (const auto& pair : pairs) {
    check_pair(pair);
    const auto [place, is_new] = group_of.emplace(key_of(pair.prompt), result.groups.size());
    if (is_new) {
      result.groups.emplace_back();
      answer_of.emplace_back();
    }
    AnswerGroup& group = result.groups[place->second];
    const auto index_of = [&](const std::string& answer) {
      const auto [known, added] = answer_of[place->second].emplace(answer, static_cast<std::int64_t>(group.answers.size()));
      if (added) {
        group.answers.push_back(tokenize(template_name, pair.prompt, answer, tokenizer, traits));
        result.cut += fit_to(group.answers.back(), context_length, traits);
      }
      return known->second;
    };
    const std::int64_t chosen = index_of(pair.chosen), rejected = index_of(pair.rejected);
    group.pairs.push_back({chosen, rejected, dimension_of(pair, dimensions), pair.margin});
    ++result.pairs;
  }
  return result;
}

Batch pair_batch(const std::vector<const AnswerGroup*>& groups, const ArchitectureTraits& traits, std::int64_t pad_id,
                 std::int64_t row_length) {
  std::vector<Dialogue> dialogues;
  std::vector<std::int64_t> chosen, rejected, dimension;
  std::vector<float> margin, weight;
  for (const AnswerGroup* group : groups) {
    const auto first = static_cast<std::int64_t>(dialogues.size());
    dialogues.insert(dialogues.end(), group->answers.begin(), group->answers.end());
    for (const auto& pair : group->pairs) {
      chosen.push_back(first + pair.chosen);
      rejected.push_back(first + pair.rejected);
      dimension.push_back(pair.dimension);
      margin.push_back(static_cast<float>(pair.margin));
      weight.push_back(1.0F / static_cast<float>(group->pairs.size()));
    }
  }
  Batch batch = packed_answer_batch(dialogues, traits, pad_id, row_length);
  batch.extra["chosen_P"] = at::tensor(chosen, at::kLong);
  batch.extra["rejected_P"] = at::tensor(rejected, at::kLong);
  batch.extra["dimension_P"] = at::tensor(dimension, at::kLong);
  batch.extra["margin_P"] = at::tensor(margin, at::kFloat);
  batch.extra["weight_P"] = at::tensor(weight, at::kFloat);
  return batch;
}

}  // namespace temper::stages
