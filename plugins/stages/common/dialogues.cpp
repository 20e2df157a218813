// Prompts with answers as tokens and batches (see dialogues.h).
#include "dialogues.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "temper/template.h"

namespace temper::stages {

std::vector<std::int64_t> tokenize_prompt(const std::string& template_name, const std::vector<Message>& prompt,
                                          const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  const auto ids = render_prompt(template_name, prompt, tokenizer).ids;
  std::vector<std::int64_t> result(ids.begin(), ids.end());
  const std::int32_t eos = tokenizer.eos_ids().front();
  if (traits.encoder_decoder && (result.empty() || result.back() != eos)) result.push_back(eos);
  return result;
}

Dialogue tokenize(const std::string& template_name, const std::vector<Message>& prompt, const std::string& answer,
                  const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  std::vector<Message> messages = prompt;
  messages.push_back({"assistant", answer});
  const Example example = training_examples(template_name, messages, tokenizer, traits).back();
  Dialogue dialogue;
  dialogue.prompt = tokenize_prompt(template_name, prompt, tokenizer, traits);
  if (traits.encoder_decoder) {
    dialogue.answer = example.labels;
    return dialogue;
  }
  std::vector<std::int64_t> all = example.ids;
  all.push_back(example.labels.back());
  const bool starts =
      all.size() > dialogue.prompt.size() && std::equal(dialogue.prompt.begin(), dialogue.prompt.end(), all.begin());
  if (!starts)
    throw PluginError("template '" + template_name + "' tokenises a prompt in two ways, alone and with an answer");
  dialogue.answer.assign(all.begin() + static_cast<std::ptrdiff_t>(dialogue.prompt.size()), all.end());
  return dialogue;
}

std::int64_t end_token(const std::string& template_name, const Tokenizer& tokenizer, const ArchitectureTraits& traits) {
  return tokenize(template_name, {{"user", "a"}}, "b", tokenizer, traits).answer.back();
}

bool fit_to(Dialogue& dialogue, std::int64_t context, const ArchitectureTraits& traits) {
  bool cut = false;
  const auto limit = static_cast<std::size_t>(context);
  // One position in front of the answer is the prompt's last token, or the token that a decoder begins with.
  if (dialogue.answer.size() > limit - 1) {
    dialogue.answer.resize(limit - 1);
    cut = true;
  }
  const std::size_t room = traits.encoder_decoder ? limit : limit - dialogue.answer.size();
  if (dialogue.prompt.size() > room) {
    dialogue.prompt.erase(dialogue.prompt.begin(), dialogue.prompt.end() - static_cast<std::ptrdiff_t>(room));
    cut = true;
  }
  return cut;
}

Example example_of(const Dialogue& dialogue, const ArchitectureTraits& traits, std::int64_t pad_id) {
  Example example;
  if (traits.encoder_decoder) {
    example.source = dialogue.prompt;
    example.ids = {pad_id};
  } else {
    example.ids = dialogue.prompt;
    if (traits.prefix_attention) example.prefix = static_cast<std::int64_t>(dialogue.prompt.size());
  }
  example.labels.assign(example.ids.size() - 1, kIgnoreLabel);
  example.labels.insert(example.labels.end(), dialogue.answer.begin(), dialogue.answer.end());
  example.labels.push_back(kIgnoreLabel);
  example.ids.insert(example.ids.end(), dialogue.answer.begin(), dialogue.answer.end());
  return example;
}

Batch answer_batch(const std::vector<Dialogue>& dialogues, const ArchitectureTraits& traits, std::int64_t pad_id) {
  std::vector<Example> examples;
  std::vector<std::int64_t> last;
  std::int64_t longest = 0;
  for (const auto& dialogue : dialogues) {
    examples.push_back(example_of(dialogue, traits, pad_id));
    const auto length = static_cast<std::int64_t>(examples.back().ids.size());
    last.push_back(length - 1);
    longest = std::max(longest, length);
  }
  Batch batch = pad_examples(examples, longest, pad_id);
  const auto rows = static_cast<std::int64_t>(dialogues.size());
  batch.extra["last_B"] = at::tensor(last, at::kLong);
  batch.extra["last_N"] = batch.extra["last_B"] + at::arange(rows, at::kLong) * longest;
  at::Tensor dialogue_BT = at::arange(rows, at::kLong).unsqueeze(1).expand({rows, longest});
  const at::Tensor real_BT = at::arange(longest, at::kLong).unsqueeze(0) <= batch.extra["last_B"].unsqueeze(1);
  batch.extra["dialogue_N"] = at::where(real_BT, dialogue_BT, -1).flatten();
  return batch;
}

Batch packed_answer_batch(const std::vector<Dialogue>& dialogues, const ArchitectureTraits& traits, std::int64_t pad_id,
                          std::int64_t length) {
  if (traits.encoder_decoder) return answer_batch(dialogues, traits, pad_id);
  std::vector<Example> examples;
  std::vector<std::int64_t> last;
  std::int64_t row = 0, column = 0;
  for (const auto& dialogue : dialogues) {
    examples.push_back(example_of(dialogue, traits, pad_id));
    const auto count = static_cast<std::int64_t>(examples.back().ids.size());
    if (count > length) {
      throw PluginError("a dialogue of " + std::to_string(count) + " tokens does not fit a row of " +
                        std::to_string(length));
    }
    // As pack_examples places them.
    if (column + count > length) {
      ++row;
      column = 0;
    }
    last.push_back(row * length + column + count - 1);
    column += count;
  }
  Batch batch = pack_examples(examples, length, pad_id);
  batch.extra["last_N"] = at::tensor(last, at::kLong);
  at::Tensor dialogue_N = at::full({batch.labels_BT.numel()}, -1, at::kLong);
  for (std::size_t i = 0; i < dialogues.size(); ++i) {
    const auto count = static_cast<std::int64_t>(examples[i].ids.size());
    dialogue_N.narrow(0, last[i] - count + 1, count).fill_(static_cast<std::int64_t>(i));
  }
  batch.extra["dialogue_N"] = dialogue_N;
  return batch;
}

at::Tensor sum_by_dialogue(const at::Tensor& values_BT, const Batch& batch, std::int64_t dialogues) {
  const at::Tensor& dialogue_N = batch.extra.at("dialogue_N");
  const at::Tensor real_M = at::nonzero(dialogue_N >= 0).flatten();
  return at::zeros({dialogues}, values_BT.options().requires_grad(false))
      .index_add(0, dialogue_N.index_select(0, real_M), values_BT.flatten().index_select(0, real_M));
}

Batch select_rows(const Batch& batch, const at::Tensor& rows) {
  Batch part;
  const at::Tensor last_B = batch.extra.at("last_B").index_select(0, rows);
  const std::int64_t length = last_B.max().item<std::int64_t>() + 1;
  const auto take = [&](const at::Tensor& tensor, std::int64_t columns) {
    return tensor.defined() ? tensor.index_select(0, rows).narrow(1, 0, columns) : at::Tensor();
  };
  part.input.ids_BT = take(batch.input.ids_BT, length);
  part.input.positions_BT = take(batch.input.positions_BT, length);
  part.input.segments_BT = take(batch.input.segments_BT, length);
  part.input.prefix_BT = take(batch.input.prefix_BT, length);
  part.labels_BT = take(batch.labels_BT, length);
  part.target_tokens = (part.labels_BT != kIgnoreLabel).sum().item<std::int64_t>();
  part.input_tokens = (last_B + 1).sum().item<std::int64_t>();
  if (batch.input.source_ids_BS.defined()) {
    const at::Tensor segments_BS = batch.input.source_segments_BS.index_select(0, rows);
    const at::Tensor real_B = (segments_BS != kPaddingSegment).sum(1);
    const std::int64_t source_length = real_B.max().item<std::int64_t>();
    part.input.source_ids_BS = take(batch.input.source_ids_BS, source_length);
    part.input.source_segments_BS = segments_BS.narrow(1, 0, source_length);
    part.source_tokens = real_B.sum().item<std::int64_t>();
    part.input_tokens += part.source_tokens;
  }
  part.extra["last_B"] = last_B;
  part.extra["last_N"] = last_B + at::arange(last_B.size(0), at::kLong) * length;
  return part;
}

AnswerLogProbs answer_log_probs(const at::Tensor& hidden_BTD, Architecture& model, const Batch& batch, double temperature) {
  const auto sizes = batch.labels_BT.sizes();
  const TokenLogProbs flat = token_log_probs(hidden_BTD.flatten(0, 1), model.head(), batch.labels_BT.flatten(), temperature);
  return {flat.log_probs_N.view(sizes), flat.entropy_N.view(sizes)};
}

std::vector<std::vector<std::int64_t>> length_groups(const std::vector<std::int64_t>& lengths, std::int64_t tokens) {
  std::vector<std::int64_t> order(lengths.size());
  std::iota(order.begin(), order.end(), 0);
  const auto length = [&](std::int64_t index) { return lengths[static_cast<std::size_t>(index)]; };
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return length(a) > length(b); });
  std::vector<std::vector<std::int64_t>> groups;
  std::int64_t widest = 0;
  for (const auto index : order) {
    if (groups.empty() || widest * static_cast<std::int64_t>(groups.back().size() + 1) > tokens) {
      groups.emplace_back();
      widest = length(index);
    }
    groups.back().push_back(index);
  }
  return groups;
}

std::string choose_template(StageContext& context, const std::string& given) {
  const std::string chosen = !given.empty()                       ? given
                             : !context.prompt_template().empty() ? context.prompt_template()
                                                                  : "instruction";
  context.set_prompt_template(chosen);
  return chosen;
}

std::string key_of(const std::vector<Message>& messages) {
  std::string key;
  for (const auto& message : messages) key += message.role + '\n' + message.content + '\n';
  return key;
}

std::vector<Prompt> prompts_of(StageContext& context, const std::vector<std::string>& datasets, const std::string& source) {
  std::vector<Prompt> prompts;
  std::set<std::string> seen;
  const auto add = [&](const std::string& id, std::vector<Message> messages) {
    while (!messages.empty() && messages.back().role != "user") messages.pop_back();
    if (messages.empty()) return;
    if (seen.insert(key_of(messages)).second) prompts.push_back({id, std::move(messages)});
  };
  if (source == "preferences") {
    for (auto& pair : context.preferences(datasets, false)) add(pair.id, std::move(pair.prompt));
  } else {
    for (auto& row : context.instructions(datasets, false)) add(row.id, std::move(row.messages));
  }
  if (prompts.empty()) throw DataError("stage '" + context.stage_name() + "' found no prompt in its datasets");
  return prompts;
}

}  // namespace temper::stages
