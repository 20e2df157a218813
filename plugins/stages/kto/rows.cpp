// Rows and batches of kto (see rows.h).
#include "rows.h"

#include <ATen/ATen.h>

#include <algorithm>

#include "temper/random.h"

namespace temper::kto {

using namespace stages;

namespace {

struct Answer {
  const PreferencePair* from;
  bool desirable;
};

std::vector<Answer> answers_of(const std::vector<PreferencePair>& feedback) {
  std::vector<Answer> answers;
  for (const auto& pair : feedback) {
    if (pair.has_chosen && pair.has_rejected && pair.chosen == pair.rejected) {
      throw DataError("preference pair '" + pair.id + "' (" + pair.source + ") has two equal answers; remove it");
    }
    if (pair.has_chosen) answers.push_back({&pair, true});
    if (pair.has_rejected) answers.push_back({&pair, false});
  }
  return answers;
}

}  // namespace

std::int64_t Rows::desirable_rows() const { return std::count(desirable.begin(), desirable.end(), true); }

Rows make_rows(const std::vector<PreferencePair>& feedback, const std::string& template_name, std::int64_t context_length,
               std::uint64_t seed, const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  const std::vector<Answer> answers = answers_of(feedback);
  const std::size_t count = answers.size();
  const Permutation order(count, seed);
  Rows rows;
  std::vector<std::string> keys;
  std::vector<Dialogue> whole;
  for (std::size_t i = 0; i < count; ++i) {
    const Answer& answer = answers[order(i)];
    const std::string& text = answer.desirable ? answer.from->chosen : answer.from->rejected;
    keys.push_back(stages::key_of(answer.from->prompt));
    whole.push_back(tokenize(template_name, answer.from->prompt, text, tokenizer, traits));
    rows.desirable.push_back(answer.desirable);
  }
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t step = 1;
    while (step < count && keys[(i + step) % count] == keys[i]) ++step;
    if (step >= count) {
      throw DataError("kto measures its baseline on answers to other prompts, but all " + std::to_string(count) +
                      " rows have one prompt; give data with several");
    }
    rows.dialogues.push_back(whole[i]);
    rows.mismatched.push_back({whole[i].prompt, whole[(i + step) % count].answer});
    rows.cut += fit_to(rows.dialogues.back(), context_length, traits);
    fit_to(rows.mismatched.back(), context_length, traits);
  }
  return rows;
}

Batch row_batch(const Rows& rows, const std::vector<std::int64_t>& chosen, const ArchitectureTraits& traits,
                std::int64_t pad_id, std::int64_t row_length) {
  std::vector<Dialogue> dialogues;
  std::vector<std::int64_t> desirable, tokens;
  for (const std::int64_t row : chosen) {
    const auto at = static_cast<std::size_t>(row);
    dialogues.push_back(rows.dialogues[at]);
    desirable.push_back(rows.desirable[at]);
    tokens.push_back(static_cast<std::int64_t>(rows.dialogues[at].answer.size()));
  }
  Batch batch = packed_answer_batch(dialogues, traits, pad_id, row_length);
  const at::Tensor rows_B = at::tensor(chosen, at::kLong);
  batch.extra["rows_B"] = rows_B;
  batch.extra["reference_B"] = rows.reference.index_select(0, rows_B);
  batch.extra["mismatched_reference_B"] = rows.mismatched_reference.index_select(0, rows_B);
  batch.extra["desirable_B"] = at::tensor(desirable, at::kLong).to(at::kBool);
  batch.extra["tokens_B"] = at::tensor(tokens, at::kLong);
  return batch;
}

Batch mismatched_batch(const Rows& rows, const Batch& batch, const ArchitectureTraits& traits, std::int64_t pad_id,
                       std::int64_t row_length) {
  std::vector<Dialogue> dialogues;
  const at::Tensor rows_B = batch.extra.at("rows_B").to(at::kCPU).contiguous();
  for (std::int64_t b = 0; b < rows_B.size(0); ++b) {
    dialogues.push_back(rows.mismatched[static_cast<std::size_t>(rows_B.const_data_ptr<std::int64_t>()[b])]);
  }
  return packed_answer_batch(dialogues, traits, pad_id, row_length);
}

}  // namespace temper::kto
