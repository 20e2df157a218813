// Runs the tasks and turns what came of them into metrics and rows (see in_context.h).
#include "in_context.h"

#include <algorithm>
#include <cmath>

#include "answers.h"
#include "groups.h"
#include "multiple_choice.h"
#include "questions.h"
#include "temper/hash.h"

namespace temper::in_context {

using evaluators::Pick;

namespace {

constexpr double kLn2 = 0.693147180559945309417;
constexpr std::size_t kRolling = 4;  // documents between two looks at Ctrl-C

/// One task while it is evaluated.
struct Work {
  const Task& task;
  const Params& params;
  EvalContext& context;
  const std::vector<Item>& items;
  const std::vector<Prompt>& prompts;
  EvalResult& result;
  ScoreSheet& sheet;
  std::string name(const std::string& metric) const { return task.name + "_" + metric; }
};

std::string joined(const std::vector<std::string>& texts) {
  std::string list;
  for (const auto& text : texts) list += (list.empty() ? "" : " | ") + text;
  return list;
}

/// The row of an item; scores come from the sheet.
ExampleRow row_of(const Work& work, std::size_t i, const std::string& response, const std::string& reference) {
  const std::string& prompt = work.prompts[i].rendered.text;
  return {work.task.name + "/" + work.items[i].id, sha256_hex(prompt), prompt, response, reference, {}, {}};
}

/// What goes behind an item's prompt, as a request.
ScoreRequest request_of(const Work& work, std::size_t i, const std::string& text) {
  const Prompt& prompt = work.prompts[i];
  const Tokenizer& tokenizer = work.context.tokenizer();
  // Behind a chat template's header an answer starts without the delimiter (P-EVAL-12).
  if (prompt.chat) return evaluators::continuation_request(prompt.rendered.ids, text, tokenizer);
  // Nothing stands between an empty prompt and the text.
  const std::string delimiter = prompt.rendered.text.empty() ? "" : work.task.target_delimiter;
  return evaluators::continuation_request(prompt.rendered.text, delimiter + text, tokenizer,
                                          work.context.model().traits().encoder_decoder);
}

/// The share over all items; of a task with groups the error of parts that are fixed, and the mean over the groups besides.
void grouped_share(const Work& work, const MetricSpec& spec, const std::vector<double>& values) {
  MetricValue& all = work.sheet.share(spec, values);
  if (work.task.group.empty()) return;
  std::map<std::string, std::pair<std::int64_t, std::int64_t>> counts;  // right, all
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto& [right, n] = counts[work.items[i].group];
    right += values[i] == 1 ? 1 : 0;
    ++n;
  }
  std::vector<Part> parts;
  for (const auto& [group, count] : counts) {
    const MetricValue part = proportion_metric(spec, count.first, count.second);
    parts.push_back({part.value, part.std_error, part.n});
  }
  const MetricValue micro = micro_mean(spec, parts);
  // Groups of one item have no error of their own; then the plain one stays.
  if (std::isfinite(micro.std_error)) {
    all.std_error = micro.std_error;
    all.ci_low = micro.ci_low;
    all.ci_high = micro.ci_high;
  }
  MetricSpec macro = spec;
  macro.name += "_macro";
  macro.doc = "The same as " + spec.name + ", each of the " + std::to_string(parts.size()) + " groups counting the same.";
  work.sheet.add(macro_mean(std::move(macro), parts));
}

void write_log_likelihoods(const Work& work, const std::vector<std::vector<Score>>& scores) {
  std::size_t most = 0;
  for (const auto& one : scores) most = std::max(most, one.size());
  for (std::size_t option = 0; option < most; ++option) {
    std::vector<double> values;
    for (const auto& one : scores) values.push_back(option < one.size() ? one[option].sum : std::nan(""));
    work.sheet.column(work.name("log_likelihood_" + std::to_string(option)), values);
  }
}

void multiple_choice(const Work& work) {
  std::vector<std::vector<ScoreRequest>> questions;
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    questions.emplace_back();
    for (const auto& choice : work.items[i].choices) questions.back().push_back(request_of(work, i, choice));
  }
  const auto scores = evaluators::score_options(work.context, work.task.name, questions);
  std::vector<double> acc, acc_norm, mc1, mc2, tied;
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    const Item& item = work.items[i];
    const auto sums = evaluators::sums_of(scores[i]);
    const auto normed = evaluators::per_byte(sums, item.choices);
    const Pick pick = evaluators::best_option(sums);
    acc.push_back(evaluators::is_right(sums, item.right));
    acc_norm.push_back(evaluators::is_right(normed, item.right));
    tied.push_back(pick.tied);
    std::vector<std::string> right;
    for (const auto index : item.right) right.push_back(item.choices[index]);
    if (work.task.truth) {
      const auto border = sums.begin() + static_cast<std::ptrdiff_t>(item.right.size());
      const evaluators::TruthScores truth{{sums.begin(), border}, {border, sums.end()}};
      mc1.push_back(evaluators::mc1(sums[item.best], truth.wrong));
      mc2.push_back(evaluators::mc2(truth));
    }
    work.result.examples.push_back(row_of(work, i, item.choices[pick.index], joined(right)));
  }
  const std::string ties = " A tie counts as wrong.";
  if (work.task.truth) {
    grouped_share(work,
                  {work.name("mc1"), "", "Share of items whose best answer is likelier than every wrong one." + ties,
                   work.task.better},
                  mc1);
    work.sheet.mean({work.name("mc2"), "", "Mean share of the right answers in the probability of all.", work.task.better},
                    mc2);
  } else {
    grouped_share(
        work,
        {work.name("acc"), "", "Share of items whose right option has the highest log-likelihood." + ties, work.task.better},
        acc);
    grouped_share(
        work,
        {work.name("acc_norm"), "", "The same with log-likelihoods divided by the options' bytes." + ties, work.task.better},
        acc_norm);
  }
  work.sheet.share({work.name("tied"), "", "Share of items with two best options.", Better::kNeither}, tied);
  if (work.params.log_likelihoods) write_log_likelihoods(work, scores);
}

void likelihood(const Work& work) {
  std::vector<std::vector<ScoreRequest>> questions;
  for (std::size_t i = 0; i < work.items.size(); ++i) questions.push_back({request_of(work, i, work.items[i].gold.front())});
  const auto scores = evaluators::score_options(work.context, work.task.name, questions);
  std::vector<double> greedy, nll;
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    greedy.push_back(scores[i][0].is_greedy);
    nll.push_back(-scores[i][0].sum);
    work.result.examples.push_back(row_of(work, i, "", work.items[i].gold.front()));
  }
  grouped_share(work,
                {work.name("acc"), "", "Share of items whose right text is what the model would write.", work.task.better},
                greedy);
  const MetricValue mean = work.sheet.mean(
      {work.name("nll"), "nats/item", "Mean negative log-likelihood of the right text.", Better::kLower}, nll);
  MetricValue perplexity = mean;
  perplexity.spec = {work.name("perplexity"), "", "Exponential of the mean negative log-likelihood of a right text.",
                     Better::kLower};
  perplexity.value = std::exp(mean.value);
  perplexity.std_error = perplexity.value * mean.std_error;  // delta method
  perplexity.ci_low = std::exp(mean.ci_low);
  perplexity.ci_high = std::exp(mean.ci_high);
  work.sheet.add(std::move(perplexity));
  if (work.params.log_likelihoods) write_log_likelihoods(work, scores);
}

void generation(const Work& work) {
  std::vector<evaluators::Question> questions;
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    EvalItem item;
    item.id = work.task.name + "/" + work.items[i].id;
    item.source = work.items[i].source;
    questions.push_back({std::move(item), nlohmann::json::object(), work.prompts[i].rendered});
  }
  SamplingParams sampling = work.params.sampling;
  sampling.stop.insert(sampling.stop.end(), work.task.stop.begin(), work.task.stop.end());
  if (work.task.max_new_tokens > 0) sampling.max_new_tokens = work.task.max_new_tokens;
  const auto answers = evaluators::answer_questions(work.context, work.task.name, questions, sampling);
  std::vector<double> right, ended;
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    const Item& item = work.items[i];
    try {
      right.push_back(judge(answers[i].text, item.gold, work.task).right);
    } catch (const DataError& error) {
      throw DataError(item.source + ": task '" + work.task.name + "': " + error.what());
    }
    ended.push_back(answers[i].finished);
    work.result.examples.push_back(row_of(work, i, answers[i].text, joined(item.gold)));
  }
  const std::string how = work.task.numeric ? "Share of answers whose last number is the right one."
                                            : "Share of answers that are the right text, white space around it aside.";
  grouped_share(work, {work.name("exact_match"), "", how, work.task.better}, right);
  work.sheet.share({work.name("answered_by_itself"), "",
                    "Share of answers ended by the model or a stop text, not by the length limit.", Better::kNeither},
                   ended);
}

/// The document behind BOS; a text's beginning is enough for the record.
void perplexity(const Work& work) {
  const Tokenizer& tokenizer = work.context.tokenizer();
  const bool encoder_decoder = work.context.model().traits().encoder_decoder;
  std::vector<double> nll, bits, tokens, bytes, words;
  const auto count = static_cast<std::int64_t>(work.items.size());
  work.context.progress().begin(work.task.name, count);
  for (std::size_t from = 0; from < work.items.size(); from += kRolling) {
    if (work.context.cancelled()) throw Cancelled("evaluator in_context was stopped");
    const std::size_t to = std::min(work.items.size(), from + kRolling);
    std::vector<ScoreRequest> requests;
    for (std::size_t i = from; i < to; ++i) {
      requests.push_back(evaluators::continuation_request("", work.items[i].input, tokenizer, encoder_decoder));
    }
    for (const auto& score : work.context.scorer().score(requests)) {
      nll.push_back(-score.sum);
      bits.push_back(-score.sum / kLn2);
      tokens.push_back(static_cast<double>(score.log_probs.size()));
    }
    work.context.progress().update(static_cast<std::int64_t>(to), "");
  }
  work.context.progress().end();
  for (std::size_t i = 0; i < work.items.size(); ++i) {
    const std::string& text = work.items[i].input;
    bytes.push_back(static_cast<double>(text.size()));
    bool inside = false;
    double number = 0;
    for (const char c : text) {
      const bool space = c == ' ' || (c >= '\t' && c <= '\r');
      number += !space && !inside ? 1 : 0;
      inside = !space;
    }
    words.push_back(number);
    std::size_t shown = std::min<std::size_t>(text.size(), 200);
    while (shown > 0 && shown < text.size() && (static_cast<unsigned char>(text[shown]) & 0xC0) == 0x80) --shown;
    ExampleRow row = row_of(work, i, "", "");
    row.prompt_sha = sha256_hex(text);
    row.prompt = text.substr(0, shown);
    work.result.examples.push_back(std::move(row));
  }
  const auto seed = work.context.seed();
  work.sheet.ratio(
      {work.name("bits_per_byte"), "bits/byte", "Code length of the text; comparable between tokenizers.", Better::kLower},
      bits, bytes, seed);
  const auto exponential = [&](const MetricValue& mean, const std::string& name, const std::string& doc) {
    MetricValue metric = mean;
    metric.spec = {work.name(name), "", doc, Better::kLower};
    metric.value = std::exp(mean.value);
    metric.std_error = metric.value * mean.std_error;  // delta method
    metric.ci_low = std::exp(mean.ci_low);
    metric.ci_high = std::exp(mean.ci_high);
    work.sheet.add(std::move(metric));
  };
  const MetricValue by_token = work.sheet.ratio(
      {work.name("nll_per_token"), "nats/token", "Mean negative log-likelihood of a token.", Better::kLower}, nll, tokens,
      seed);
  exponential(by_token, "perplexity", "Exponential of the mean negative log-likelihood of a token.");
  const MetricValue by_word =
      work.sheet.ratio({work.name("nll_per_word"), "nats/word",
                        "Negative log-likelihood of all tokens, divided by the words between white space.", Better::kLower},
                       nll, words, seed);
  exponential(by_word, "word_perplexity", "Exponential of the negative log-likelihood divided by the number of words.");
}

}  // namespace

ParamTable<Params> params_table() {
  using P = Params;
  ParamTable<P> table;
  table.add("tasks", &P::tasks, "Built-in tasks by name, or task files that end in .yaml.", {.required = true});
  table.add("data_root", &P::data_root, "Folder that the tasks' data paths start at; empty: each task file's own folder.");
  table.datasets("data", &P::data, "Datasets whose items are the rows of tasks with data: items.");
  table.add("shots", &P::shots, "Demonstrations in each prompt; -1 is what the task file says.", {.min = -1, .max = 1000});
  table.add("limit", &P::limit, "Use at most this many items of each task, from the start; 0 is all.",
            {.min = 0, .max = 1e9, .unit = "items"});
  table.add("prompting", &P::prompting, "Plain text, the model's chat template, or what the task file says.",
            {.choices = {"task", "plain", "chat"}});
  table.add("log_likelihoods", &P::log_likelihoods, "Also write each option's log-likelihood to the rows.");
  table.include(&P::sampling, sampling_params());
  return table;
}

InContext::InContext(const Params& params, const std::filesystem::path& base_dir, const std::filesystem::path& built_in)
    : params_(params), set_(load_tasks(params.tasks, base_dir, built_in)) {
  if (set_.tasks.empty()) throw ConfigError("evaluator in_context: 'tasks' is empty; name at least one task");
  wishes_ = {params.data_root.empty() ? "" : base_dir / params.data_root, params.data, params.limit, params.shots,
             params.prompting};
}

void InContext::evaluate_task(const Task& task, EvalContext& context, EvalResult& result, ScoreSheet& sheet) const {
  const auto items = read_items(task, wishes_, context);
  const auto pool = read_demonstrations(task, wishes_, context);
  const Prompter prompter(task, wishes_, pool, context);
  std::vector<Prompt> prompts(items.size());
  std::int64_t excluded = 0;
  for (std::size_t i = 0; i < items.size() && task.kind != Kind::kPerplexity; ++i) {
    prompts[i] = prompter.prompt_of(items[i]);
    excluded += prompts[i].excluded;
  }
  sheet.begin(result.examples.size());
  const Work work{task, params_, context, items, prompts, result, sheet};
  if (task.kind == Kind::kMultipleChoice) multiple_choice(work);
  if (task.kind == Kind::kLikelihood) likelihood(work);
  if (task.kind == Kind::kGeneration) generation(work);
  if (task.kind == Kind::kPerplexity) perplexity(work);
  if (prompter.shots() == 0) return;
  const auto sum = static_cast<double>(excluded);
  sheet.add({{work.name("excluded"), "", "Demonstrations left out because they were the item itself or a twin of it.",
              Better::kNeither},
             sum,
             0,
             sum,
             sum,
             static_cast<std::int64_t>(items.size())});
}

EvalResult InContext::evaluate(EvalContext& context) {
  EvalResult result;
  ScoreSheet sheet;
  std::map<std::string, Part> parts;  // by task, of its first metric
  std::map<std::string, std::string> first_metric;
  for (const auto& task : set_.tasks) {
    const std::size_t before = sheet.metrics().size();
    evaluate_task(task, context, result, sheet);
    const MetricValue& first = sheet.metrics().at(before);
    parts[task.name] = {first.value, first.std_error, first.n};
    first_metric[task.name] = first.spec.name.substr(task.name.size() + 1);
  }
  for (const auto& [name, members] : set_.groups) {
    std::vector<Part> together;
    for (const auto& member : members) {
      if (first_metric.at(member) != first_metric.at(members.front())) {
        throw ConfigError("the group '" + name + "' has tasks with " + first_metric.at(members.front()) + " and with " +
                          first_metric.at(member) + "; put tasks of one kind into a group");
      }
      together.push_back(parts.at(member));
    }
    const std::string metric = name + "_" + first_metric.at(members.front());
    sheet.add(micro_mean({metric, "", "Mean over all items of the group's tasks.", Better::kHigher}, together));
    sheet.add(macro_mean({metric + "_macro", "", "Mean over the group's tasks, each counting the same.", Better::kHigher},
                         together));
  }
  sheet.write(result);
  return result;
}

}  // namespace temper::in_context
