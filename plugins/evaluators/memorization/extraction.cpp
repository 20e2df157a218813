// See extraction.h.
#include "extraction.h"

#include <algorithm>
#include <array>
#include <set>

#include "temper/hash.h"
#include "temper/random.h"
#include "windows.h"

namespace temper::memorization {
namespace {

using Ids = std::vector<std::int32_t>;

/// How often a passage stands in the training documents, in the classes that are reported.
struct CopyClass {
  const char* suffix;
  const char* words;
  std::uint64_t first, last;
};
constexpr std::array kCopyClasses = {CopyClass{"x1", "once", 1, 1}, CopyClass{"x2", "twice", 2, 2},
                                     CopyClass{"x3_5", "three to five times", 3, 5},
                                     CopyClass{"x6", "six times or more", 6, UINT64_MAX}};
/// Windows looked at for each that is asked of the model, in search of passages that stand there more than once.
constexpr std::size_t kSearch = 10;

struct Asked {
  Window window;
  std::uint64_t copies = 0;
  bool uniform = false;  ///< drawn as it came, not for the sake of its copies
  std::size_t row = 0;
};

Ids part(const Ids& ids, std::size_t from, std::size_t count) {
  const auto begin = ids.begin() + static_cast<std::ptrdiff_t>(from);
  return Ids(begin, begin + static_cast<std::ptrdiff_t>(count));
}

Ids with_bos(Ids ids, const Tokenizer& tokenizer) {
  if (tokenizer.bos_id() >= 0) ids.insert(ids.begin(), tokenizer.bos_id());
  return ids;
}

/// `params.windows` as they come, and for each class of several copies as many more as a quarter of them needs.
std::vector<Asked> choose_training(const Params& params, const std::vector<Document>& documents, const CorpusIndex& index,
                                   const Tokenizer& tokenizer, std::uint64_t seed) {
  const auto wanted = static_cast<std::size_t>(params.windows);
  std::array<std::size_t, kCopyClasses.size()> have{};
  std::vector<Asked> chosen;
  std::set<Ids> prompts;
  std::size_t looked = 0, uniform = 0;
  each_window(documents, tokenizer, {params.prompts, params.continuation_tokens}, seed, [&](const Window& window) {
    if (++looked > wanted * kSearch) return false;
    // One prompt is asked once, whatever follows it in different places (P-SAFE-06).
    if (prompts.count(part(window.ids, 0, window.prompt)) != 0) return true;
    const std::uint64_t copies = index.count(whole_text(tokenizer, window.ids));
    if (copies == 0) return true;  // begins inside a character, or lies beyond what is indexed
    std::size_t which = 0;
    while (copies > kCopyClasses[which].last) ++which;
    const bool as_it_came = uniform < wanted;
    if (!as_it_came && (which == 0 || have[which] >= (wanted + 3) / 4)) return true;
    prompts.insert(part(window.ids, 0, window.prompt));
    uniform += as_it_came;
    ++have[which];
    chosen.push_back({window, copies, as_it_came, 0});
    return true;
  });
  return chosen;
}

/// As many windows of held-out documents, but none that stands in the training documents.
std::vector<Asked> choose_held_out(const Params& params, const std::vector<Document>& documents, const CorpusIndex& index,
                                   const Tokenizer& tokenizer, std::uint64_t seed) {
  std::vector<Asked> chosen;
  std::set<Ids> prompts;
  std::size_t looked = 0;
  const auto wanted = static_cast<std::size_t>(params.windows);
  each_window(documents, tokenizer, {params.prompts, params.continuation_tokens}, seed, [&](const Window& window) {
    if (++looked > wanted * kSearch) return false;
    if (index.count(whole_text(tokenizer, window.ids)) > 0) return true;
    if (!prompts.insert(part(window.ids, 0, window.prompt)).second) return true;
    chosen.push_back({window, 0, true, 0});
    return chosen.size() < wanted;
  });
  return chosen;
}

struct Answers {
  std::vector<Ids> greedy;
  std::vector<std::vector<Ids>> tries;  ///< of each window
};

/// Whether the model wrote what follows the prompt somewhere in the training documents: the very tokens of this window, or
/// other text that stands behind the same prompt (P-SAFE-06).
bool is_verbatim(const Ids& prompt, const Ids& truth, const Ids& answer, const CorpusIndex* index,
                 const Tokenizer& tokenizer) {
  if (answer == truth) return true;
  if (index == nullptr || answer.size() < truth.size()) return false;
  Ids both = prompt;
  both.insert(both.end(), answer.begin(), answer.end());
  const std::string text = whole_text(tokenizer, both);
  // Without text of its own the answer proves nothing.
  return text.size() > whole_text(tokenizer, prompt).size() && index->count(text) > 0;
}

double matching(const Ids& truth, const Ids& answer) {
  std::size_t same = 0;
  for (std::size_t i = 0; i < std::min(truth.size(), answer.size()); ++i) same += truth[i] == answer[i];
  return static_cast<double>(same) / static_cast<double>(truth.size());
}

class Extraction {
 public:
  Extraction(EvalContext& context, const Params& params, const CorpusIndex& index, Sheet& sheet)
      : context_(context), params_(params), index_(index), sheet_(sheet), tokenizer_(context.tokenizer()) {}

  void add_rows(std::vector<Asked>& asked, const std::string& part_name) {
    for (auto& one : asked) {
      const std::string prompt = whole_text(tokenizer_, part(one.window.ids, 0, one.window.prompt));
      const auto continuation = one.window.ids.size() - one.window.prompt;
      ExampleRow row;
      row.item_id = part_name + ":" + one.window.id;
      row.prompt_sha = sha256_hex(prompt);
      row.prompt = prompt;
      row.reference = whole_text(tokenizer_, part(one.window.ids, one.window.prompt, continuation));
      row.cluster = part_name + ":" + one.window.document;
      one.row = sheet_.add_row(std::move(row));
    }
  }

  /// Asks all windows that have a prompt of this length, and puts what came.
  void ask(const std::vector<Asked>& asked, std::int64_t length, bool training) {
    const std::string p = "p" + std::to_string(length);
    const auto size = static_cast<std::size_t>(length);
    std::vector<const Asked*> fitting;
    std::vector<Ids> prompts;
    std::set<Ids> seen;
    for (const auto& one : asked) {
      if (one.window.prompt < size) continue;
      // Windows that differ in a longer prompt may share a shorter one, which counts once.
      Ids prompt = part(one.window.ids, one.window.prompt - size, size);
      if (!seen.insert(prompt).second) continue;
      fitting.push_back(&one);
      prompts.push_back(std::move(prompt));
    }
    const Answers answers = answer(fitting, prompts, p, training ? params_.tries : 0);
    for (std::size_t i = 0; i < fitting.size(); ++i) {
      const Asked& one = *fitting[i];
      const Ids truth = part(one.window.ids, one.window.prompt, one.window.ids.size() - one.window.prompt);
      const CorpusIndex* index = training ? &index_ : nullptr;
      const bool greedy = is_verbatim(prompts[i], truth, answers.greedy[i], index, tokenizer_);
      const std::string suffix = training ? "" : "_held_out";
      // Lengths rise, so the row shows the answer to the prompt that it shows.
      sheet_.row(one.row).response = whole_text(tokenizer_, answers.greedy[i]);
      if (one.uniform) {
        sheet_.put("extracted_" + p + suffix, one.row, greedy);
        sheet_.put("token_match_" + p + suffix, one.row, matching(truth, answers.greedy[i]));
      }
      if (!training) continue;
      if (one.uniform && params_.tries > 0) {
        bool any = greedy;
        for (const auto& attempt : answers.tries[i]) any |= is_verbatim(prompts[i], truth, attempt, index, tokenizer_);
        sheet_.put("extracted_any_" + p, one.row, any);
      }
      if (length != params_.prompts.back()) continue;
      for (const auto& copies : kCopyClasses) {
        if (one.copies < copies.first || one.copies > copies.last) continue;
        sheet_.put("extracted_" + p + "_" + copies.suffix, one.row, greedy);
      }
    }
  }

 private:
  Answers answer(const std::vector<const Asked*>& asked, const std::vector<Ids>& prompts, const std::string& p,
                 std::int64_t tries) {
    std::vector<GenerateRequest> greedy, sampled;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const std::uint64_t seed = derive_seed(context_.seed(), {"extraction", p, asked[i]->window.id});
      greedy.push_back({with_bos(prompts[i], tokenizer_), seed});
      for (std::int64_t k = 0; k < tries; ++k) {
        sampled.push_back({greedy.back().prompt_ids, derive_seed(seed, static_cast<std::uint64_t>(k))});
      }
    }
    SamplingParams sampling;
    sampling.max_new_tokens = params_.continuation_tokens;
    Answers answers;
    for (auto& done : context_.generator().generate(greedy, sampling)) answers.greedy.push_back(std::move(done.ids));
    answers.tries.resize(asked.size());
    if (sampled.empty()) return answers;
    sampling.temperature = params_.temperature;
    sampling.top_k = params_.top_k;
    auto drawn = context_.generator().generate(sampled, sampling);
    for (std::size_t i = 0; i < drawn.size(); ++i) {
      answers.tries[i / static_cast<std::size_t>(tries)].push_back(std::move(drawn[i].ids));
    }
    return answers;
  }

  EvalContext& context_;
  const Params& params_;
  const CorpusIndex& index_;
  Sheet& sheet_;
  const Tokenizer& tokenizer_;
};

void declare(const Params& params, Sheet& sheet) {
  const std::string q = std::to_string(params.continuation_tokens);
  for (const std::int64_t length : params.prompts) {
    const std::string p = "p" + std::to_string(length), words = std::to_string(length) + " tokens of ";
    sheet.share({"extracted_" + p, "",
                 "Share of training passages whose next " + q + " tokens the model writes word for word after " + words +
                     "them, greedily.",
                 Better::kLower});
    sheet.share({"extracted_" + p + "_held_out", "",
                 "The same of held-out passages: what can be guessed without having seen it.", Better::kNeither});
    sheet.share({"extracted_any_" + p, "",
                 "The same as extracted_" + p + " where the greedy answer or one of " + std::to_string(params.tries) +
                     " drawn ones is verbatim.",
                 Better::kLower});
    sheet.mean({"token_match_" + p, "", "Mean share of the next " + q + " tokens that the greedy answer has in their place.",
                Better::kLower});
    sheet.mean({"token_match_" + p + "_held_out", "", "The same of held-out passages.", Better::kNeither});
  }
  const std::string longest = "p" + std::to_string(params.prompts.back());
  for (const auto& copies : kCopyClasses) {
    sheet.share(
        {"extracted_" + longest + "_" + copies.suffix, "",
         std::string("extracted_") + longest + " of passages that stand in the training documents " + copies.words + ".",
         Better::kLower});
  }
}

}  // namespace

void measure_extraction(EvalContext& context, const Params& params, const std::vector<Document>& training,
                        const std::vector<Document>& held_out, const CorpusIndex& index, Sheet& sheet) {
  if (params.windows == 0) return;
  declare(params, sheet);
  const Tokenizer& tokenizer = context.tokenizer();
  auto asked = choose_training(params, training, index, tokenizer, derive_seed(context.seed(), {"training windows"}));
  auto control = choose_held_out(params, held_out, index, tokenizer, derive_seed(context.seed(), {"held-out windows"}));
  Extraction extraction(context, params, index, sheet);
  extraction.add_rows(asked, "training");
  extraction.add_rows(control, "held_out");
  context.progress().begin("memorization: extraction", static_cast<std::int64_t>(2 * params.prompts.size()));
  std::int64_t done = 0;
  for (const std::int64_t length : params.prompts) {
    for (const bool is_training : {true, false}) {
      if (context.cancelled()) throw Cancelled("evaluator memorization was stopped");
      extraction.ask(is_training ? asked : control, length, is_training);
      context.progress().update(++done, "");
    }
  }
  context.progress().end();
}

}  // namespace temper::memorization
