// Drawing demonstrations and writing few-shot prompts (see few_shot.h). Evaluators call it; it knows no dataset and no
// model. Source: Brown et al., "Language Models are Few-Shot Learners" (2020), section 2.
#include "temper/few_shot.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "temper/random.h"

namespace temper {
namespace {

/// Lower case without differences of form: "Ａ" and "a" are one, and so are "é" and "e" with a combining accent.
icu::UnicodeString folded(std::string_view text) {
  const auto source = icu::UnicodeString::fromUTF8({text.data(), static_cast<std::int32_t>(text.size())});
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* fold = icu::Normalizer2::getNFKCCasefoldInstance(status);
  icu::UnicodeString result;
  if (U_SUCCESS(status)) fold->normalize(source, result, status);
  if (U_FAILURE(status)) throw PluginError(std::string("ICU cannot fold the case of a text: ") + u_errorName(status));
  return result;
}

/// Vowel signs and accents belong to the word they are in.
bool is_word_character(UChar32 c) {
  const bool mark = (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
  const bool number = (U_GET_GC_MASK(c) & U_GC_N_MASK) != 0;
  return mark || number || u_hasBinaryProperty(c, UCHAR_ALPHABETIC) != 0;
}

/// A text without any letter or digit is compared as it stands.
std::string identity_of(const std::string& input) {
  std::string key = twin_key(input);
  return key.empty() ? input : key;
}

template <class T>
void shuffle(std::vector<T>& values, Rng& rng) {
  for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[rng.below(i)]);
}

/// Goes round the labels, each giving its next entry, until there are enough. Which label comes first is left to chance, so
/// that none has more entries than another on average; a label that is used up is passed over.
std::vector<std::size_t> draw_balanced(const std::vector<Demonstration>& pool, const std::vector<std::size_t>& candidates,
                                       std::size_t count, Rng& rng) {
  std::map<std::string, std::vector<std::size_t>> by_label;
  for (const std::size_t index : candidates) by_label[pool[index].label].push_back(index);
  std::vector<const std::vector<std::size_t>*> groups;
  for (const auto& [label, indices] : by_label) groups.push_back(&indices);
  shuffle(groups, rng);
  std::vector<std::size_t> drawn;
  for (std::size_t round = 0; drawn.size() < count; ++round) {
    for (const auto* group : groups) {
      if (round < group->size() && drawn.size() < count) drawn.push_back((*group)[round]);
    }
  }
  // The order of the labels would be a pattern to continue.
  shuffle(drawn, rng);
  return drawn;
}

}  // namespace

std::string twin_key(std::string_view text) {
  const icu::UnicodeString characters = folded(text);
  std::vector<std::string> words;
  bool inside = false;
  for (std::int32_t at = 0; at < characters.length(); at = characters.moveIndex32(at, 1)) {
    const UChar32 c = characters.char32At(at);
    const bool belongs = is_word_character(c);
    if (belongs && !inside) words.emplace_back();
    if (belongs) icu::UnicodeString(c).toUTF8String(words.back());
    inside = belongs;
  }
  std::sort(words.begin(), words.end());
  std::string key;
  for (const auto& word : words) key += (key.empty() ? "" : " ") + word;
  return key;
}

FewShotChoice choose_demonstrations(const std::vector<Demonstration>& pool, const Demonstration& item,
                                    const FewShotParams& params, std::uint64_t seed) {
  if (params.shots < 0) {
    throw ConfigError("few-shot: shots is " + std::to_string(params.shots) + "; it must be 0 (zero-shot) or more");
  }
  FewShotChoice choice;
  std::vector<std::size_t> candidates;
  const std::string own = identity_of(item.input);
  for (std::size_t i = 0; i < pool.size(); ++i) {
    const bool same = !item.id.empty() && pool[i].id == item.id;
    if (same || identity_of(pool[i].input) == own) {
      ++choice.excluded;
    } else {
      candidates.push_back(i);
    }
  }
  const auto wanted = static_cast<std::size_t>(params.shots);
  if (wanted > candidates.size()) {
    throw DataError("few-shot: shots is " + std::to_string(wanted) + ", but without item '" + item.id +
                    "' and its twins the pool holds " + std::to_string(candidates.size()) + " of its " +
                    std::to_string(pool.size()) + " demonstrations; lower shots or give a larger pool");
  }
  Rng rng(derive_seed(seed, {"few_shot", item.id, item.input}));
  shuffle(candidates, rng);
  if (params.balanced) {
    choice.shots = draw_balanced(pool, candidates, wanted, rng);
  } else {
    candidates.resize(wanted);
    choice.shots = std::move(candidates);
  }
  return choice;
}

std::string few_shot_prompt(const std::vector<Demonstration>& pool, const FewShotChoice& choice, const Demonstration& item,
                            const FewShotParams& params) {
  std::string prompt = params.description;
  if (!prompt.empty()) prompt += params.shot_separator;
  const auto question = [&](const std::string& input) {
    return params.input_prefix + input + params.output_separator + params.output_prefix;
  };
  for (const std::size_t index : choice.shots) {
    if (index >= pool.size()) {
      throw PluginError("few-shot: the choice names demonstration " + std::to_string(index) + " of a pool of " +
                        std::to_string(pool.size()) + "; use the pool that it was drawn from");
    }
    prompt += question(pool[index].input) + pool[index].output + params.shot_separator;
  }
  prompt += question(item.input);
  // A space at the end would keep the answer's first token from being the one with the space in it.
  prompt.erase(prompt.find_last_not_of(' ') + 1);
  return prompt;
}

}  // namespace temper
