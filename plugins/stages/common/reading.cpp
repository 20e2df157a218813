// Groups of answers, read by whoever's turn it is (see reading.h).
#include "reading.h"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>

#include <string>

#include "temper/evaluation_mode.h"

namespace temper::stages {
std::vector<std::vector<std::int64_t>> groups_of_rank(const std::vector<std::vector<std::int64_t>>& groups,
                                                      const Communicator* ranks) {
  if (ranks == nullptr) return groups;
  std::vector<std::vector<std::int64_t>> own;
  // In turn: neighbours are of like size, so everybody has about as much to do.
  for (std::size_t i = static_cast<std::size_t>(ranks->rank()); i < groups.size();
       i += static_cast<std::size_t>(ranks->world_size())) {
    own.push_back(groups[i]);
  }
  return own;
}

at::Tensor read_in_groups(Architecture& model, const std::vector<Dialogue>& dialogues, std::int64_t pad_id,
                          std::int64_t values, const Readers& readers,
                          const std::function<at::Tensor(const Batch& batch)>& read_GK) {
  const at::NoGradGuard guard;
  const EvaluationMode evaluation(model);
  const ArchitectureTraits traits = model.traits();
  const auto count = static_cast<std::int64_t>(dialogues.size());
  std::vector<std::int64_t> lengths;
  for (const auto& dialogue : dialogues) {
    lengths.push_back(static_cast<std::int64_t>(dialogue.prompt.size() + dialogue.answer.size()));
  }
  const auto own = groups_of_rank(length_groups(lengths, kScoringTokens), readers.ranks);
  std::int64_t own_count = 0, read = 0;
  for (const auto& group : own) own_count += static_cast<std::int64_t>(group.size());

  at::Tensor all_NK = at::zeros({count, values});
  std::string stopped;
  try {
    for (const auto& group : own) {
      std::vector<Dialogue> part;
      for (const auto index : group) part.push_back(dialogues[static_cast<std::size_t>(index)]);
      const Batch batch = to_device(answer_batch(part, traits, pad_id), model.device());
      all_NK.index_copy_(0, at::tensor(group, at::kLong), read_GK(batch).to(at::kCPU));
      read += static_cast<std::int64_t>(group.size());
      // The others are about as far.
      if (readers.done) readers.done(read * count / own_count);
    }
  } catch (const Cancelled& cancelled) {
    if (readers.ranks == nullptr) throw;
    stopped = cancelled.what();
  }
  if (readers.ranks == nullptr) return all_NK;
  for (const auto& words : readers.ranks->all_gather(stopped)) {
    if (!words.empty()) throw Cancelled(words);
  }
  // Zeros where another process has values: the sum is exact.
  readers.ranks->all_reduce_sum(all_NK);
  return all_NK;
}

}  // namespace temper::stages
