// Loss masks of tuning examples (see loss_mask.h).
#include "loss_mask.h"

#include <algorithm>
#include <iterator>

#include "temper/error.h"

namespace temper::sft {
namespace {

void keep_last_answer(Example& example) {
  const auto learnt = [](std::int64_t label) { return label != kIgnoreLabel; };
  const auto end = std::find_if(example.labels.rbegin(), example.labels.rend(), learnt);
  const auto begin = std::find_if_not(end, example.labels.rend(), learnt);
  std::fill(begin, example.labels.rend(), kIgnoreLabel);
}

void learn_everything(Example& example) {
  // The last label has no token behind it in the row; it stays.
  for (std::size_t t = 0; t + 1 < example.ids.size(); ++t) example.labels[t] = example.ids[t + 1];
  example.prefix = 0;
}

}  // namespace

void apply_loss_on(const std::string& loss_on, std::vector<Example>& examples, const ArchitectureTraits& traits) {
  if (loss_on == "answers") return;
  if (loss_on == "everything") {
    if (traits.encoder_decoder) {
      throw ConfigError(
          "loss_on: everything learns prompts too, but the decoder of an encoder-decoder never reads them; use answers or "
          "last_answer, or a decoder-only architecture");
    }
    for (auto& example : examples) learn_everything(example);
    return;
  }
  // Of an encoder-decoder each answer is an example of its own.
  if (examples.size() > 1) examples.erase(examples.begin(), std::prev(examples.end()));
  for (auto& example : examples) keep_last_answer(example);
}

}  // namespace temper::sft
