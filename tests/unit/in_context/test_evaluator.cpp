// Tasks through the whole evaluator, with a scorer and a generator that answer by rule.
#include <cmath>
#include <set>

#include "context.h"
#include "temper/hash.h"

using namespace temper;
using namespace temper::in_context;
using namespace temper::test;

namespace {

const std::string kQuestions =
    "{\"q\": \"Sky?\", \"a\": \"blue\", \"b\": \"green\", \"right\": 0, \"topic\": \"x\"}\n"
    "{\"q\": \"Grass?\", \"a\": \"blue\", \"b\": \"green\", \"right\": 1, \"topic\": \"x\"}\n"
    "{\"q\": \"Snow?\", \"a\": \"white\", \"b\": \"black\", \"right\": 0, \"topic\": \"y\"}\n"
    "{\"q\": \"Coal?\", \"a\": \"white\", \"b\": \"black\", \"right\": 1, \"topic\": \"y\"}\n";

std::string quiz(const std::string& more = "") {
  return "name: quiz\nkind: multiple_choice\ndata: quiz.jsonl\ninput: 'Q: {{q}}\n\n  A:'\nchoices: ['{{a}}', '{{b}}']\n"
         "gold: '{{right}}'\n" +
         more;
}

}  // namespace

TEST_CASE("a multiple-choice task end to end") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  RuleContext context;
  // Likes green, and white over black.
  context.rule_scorer.rule = [](const std::string&, const std::string& continuation) {
    return continuation == " green" || continuation == " white" ? -1.0 : -2.0;
  };
  auto params = of_task(files.write("quiz.yaml", quiz("group: '{{topic}}'\n")));
  params.log_likelihoods = true;
  const EvalResult result = evaluate(params, context);
  CHECK(metric(result, "quiz_acc").value == 0.5);
  CHECK(column(result, "quiz_acc") == std::vector<double>{0, 1, 1, 0});
  CHECK(metric(result, "quiz_acc_macro").value == 0.5);
  CHECK(metric(result, "quiz_tied").value == 0);
  CHECK(result.examples[0].item_id == "quiz/quiz.jsonl:1");
  CHECK(result.examples[0].prompt == "Q: Sky?\nA:");
  CHECK(result.examples[0].prompt_sha == sha256_hex("Q: Sky?\nA:"));
  CHECK(result.examples[0].response == "green");
  CHECK(result.examples[0].reference == "blue");
  CHECK(column(result, "quiz_log_likelihood_1") == std::vector<double>{-1, -1, -2, -2});
  // BOS, then the text without the delimiter, which belongs to the option.
  CHECK(context.rule_scorer.seen[0].context_ids.front() == 256);
  CHECK(ByteTokenizer().decode(context.rule_scorer.seen[0].continuation_ids) == " blue");
}

TEST_CASE("P-EVAL-02 a model without opinions gets nothing right") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  RuleContext context;
  const EvalResult result = evaluate(of_task(files.write("quiz.yaml", quiz())), context);
  CHECK(metric(result, "quiz_acc").value == 0);
  CHECK(metric(result, "quiz_tied").value == 1);
}

TEST_CASE("P-EVAL-12 in a chat prompt options stand without the delimiter, and the prompt is the template's") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  RuleContext context;
  auto params = of_task(files.write("quiz.yaml", quiz("prompting: chat\n")));
  const EvalResult result = evaluate(params, context);
  CHECK(result.examples[0].prompt == "### Instruction:\nQ: Sky?\nA:\n\n### Response:\n");
  CHECK(ByteTokenizer().decode(context.rule_scorer.seen[0].continuation_ids) == "blue");
  params.prompting = "plain";
  evaluate(params, context);
  CHECK(ByteTokenizer().decode(context.rule_scorer.seen.back().continuation_ids) == " black");
}

TEST_CASE("P-EVAL-13 another template or system text is another prompt hash in the rows") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  RuleContext context;
  const auto file = files.write("quiz.yaml", quiz("prompting: chat\n"));
  const EvalResult first = evaluate(of_task(file), context);
  context.prompting = "chat";
  const EvalResult second = evaluate(of_task(file), context);
  const auto system = files.write("system.yaml", quiz("prompting: chat\ndescription: Be brief.\n"));
  const EvalResult third = evaluate(of_task(system), context);
  for (std::size_t i = 0; i < 4; ++i) {
    for (const auto* result : {&first, &second, &third}) {
      CHECK(result->examples[i].prompt_sha == sha256_hex(result->examples[i].prompt));
    }
    CHECK(first.examples[i].prompt_sha != second.examples[i].prompt_sha);
    CHECK(second.examples[i].prompt_sha != third.examples[i].prompt_sha);
  }
  CHECK(third.examples[0].prompt.find("Be brief.") != std::string::npos);
}

TEST_CASE("P-EVAL-06 a task whose pool is its own data never shows an item to itself") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  const auto file =
      files.write("quiz.yaml", quiz("demonstrations: quiz.jsonl\nshots: 2\ndescription: 'Colours.\n\n\n  '\n"));
  std::set<std::string> prompts;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    RuleContext context;
    context.chosen_seed = seed;
    const EvalResult result = evaluate(of_task(file), context);
    for (const auto& row : result.examples) {
      const std::string question = row.prompt.substr(row.prompt.rfind("Q: "));
      CHECK(row.prompt.find(question) == row.prompt.rfind(question));
      CHECK(row.prompt.find("Colours.") == 0);
      prompts.insert(row.prompt);
    }
    CHECK(metric(result, "quiz_excluded").value == 4);
  }
  CHECK(prompts.size() > 12);
  RuleContext context;
  auto params = of_task(file);
  params.shots = 4;
  CHECK_THROWS_AS(evaluate(params, context), DataError);
}

TEST_CASE("the first demonstrations of the same topic, written as the task says") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  const auto file = files.write(
      "quiz.yaml", quiz("demonstrations: quiz.jsonl\nshots: 1\ndraw: first\nsame: topic\nshot_separator: ' | '\n"));
  RuleContext context;
  const EvalResult result = evaluate(of_task(file), context);
  CHECK(result.examples[0].prompt == "Q: Grass?\nA: green | Q: Sky?\nA:");
  CHECK(result.examples[1].prompt == "Q: Sky?\nA: blue | Q: Grass?\nA:");
  CHECK(result.examples[3].prompt == "Q: Snow?\nA: white | Q: Coal?\nA:");
}

TEST_CASE("P-EVAL-07 twins are left out, by words or exactly, as the task says") {
  const Files files;
  files.write("pool.jsonl",
              "{\"q\": \"What is 2+2? (3) (4)\", \"a\": \"x\"}\n{\"q\": \"WHAT  is 2+2? (4) (3)\", \"a\": \"y\"}\n"
              "{\"q\": \"Close ( [\", \"a\": \"] )\"}\n{\"q\": \"Close [ (\", \"a\": \") ]\"}\n");
  const std::string task =
      "name: quiz\nkind: generation\ndata: pool.jsonl\ndemonstrations: pool.jsonl\nshots: 2\ninput: '{{q}}'\ngold: "
      "'{{a}}'\n";
  RuleContext context;
  CHECK(metric(evaluate(of_task(files.write("quiz.yaml", task)), context), "quiz_excluded").value == 8);
  const EvalResult exact = evaluate(of_task(files.write("quiz.yaml", task + "twins: exact\n")), context);
  CHECK(metric(exact, "quiz_excluded").value == 4);
  CHECK(exact.examples[2].prompt.ends_with("Close ( ["));
}

TEST_CASE("TruthfulQA's form: MC1 with the best answer, MC2 with all, P-EVAL-03") {
  const Files files;
  files.write("truth.csv", "Question,Best Answer,Correct Answers,Incorrect Answers\nWhy?,So.,So.; Thus.;So. ,Never.\n");
  RuleContext context;
  context.rule_scorer.rule = [](const std::string&, const std::string& option) {
    return option == " So." ? -1 : option == " Thus." ? -2 : -1.5;
  };
  const auto file = files.write("truth.yaml",
                                "name: truth\nkind: multiple_choice\ndata: truth.csv\ninput: '{{Question}}'\nchoices:\n"
                                "  best: '{{Best Answer}}'\n  right: {split: '{{Correct Answers}}', at: ';'}\n"
                                "  wrong: {split: '{{Incorrect Answers}}', at: ';'}\n");
  const EvalResult result = evaluate(of_task(file), context);
  CHECK(context.rule_scorer.seen.size() == 3);
  CHECK(metric(result, "truth_mc1").value == 1);
  CHECK(metric(result, "truth_mc2").value == Approx(0.692804).epsilon(1e-6));
}

TEST_CASE("a cloze task: the model's own continuation, and perplexity") {
  const Files files;
  files.write("cloze.jsonl", "{\"text\": \"the cat sat\"}\n{\"text\": \"a dog ran\"}\n");
  RuleContext context;
  context.rule_scorer.rule = [](const std::string& before, const std::string&) {
    return before.ends_with("cat") ? -0.25 : -0.75;
  };
  const auto file = files.write(
      "cloze.yaml",
      "name: cloze\nkind: likelihood\ndata: cloze.jsonl\ninput: '{{text|but_last_word}}'\ngold: '{{text|last_word}}'\n");
  const EvalResult result = evaluate(of_task(file), context);
  CHECK(ByteTokenizer().decode(context.rule_scorer.seen[0].continuation_ids) == " sat");
  CHECK(metric(result, "cloze_acc").value == 0.5);
  CHECK(metric(result, "cloze_perplexity").value == Approx(std::exp(0.5)));
}

TEST_CASE("a generation task with the items of a dataset, and the sampling values that win") {
  const Files files;
  const auto file = files.write("ask.yaml",
                                "name: ask\nkind: generation\ndata: items\ninput: '{{prompt}}'\ngold: '{{reference}}'\n"
                                "stop: [END]\nmax_new_tokens: 9\ncompare: number\n");
  RuleContext context;
  for (int i = 0; i < 3; ++i) {
    EvalItem item;
    item.id = "i" + std::to_string(i);
    item.prompt = {{"user", std::to_string(i)}};
    item.reference = "#### " + std::to_string(i);
    item.source = "items:" + item.id;
    context.rows.push_back(item);
  }
  context.rule_generator.rule = [](const std::string& prompt) { return prompt.ends_with("2") ? "7" : "It is " + prompt; };
  auto params = of_task(file);
  params.data = {"town"};
  params.sampling.stop = {"STOP"};
  const EvalResult result = evaluate(params, context);
  CHECK(column(result, "ask_exact_match") == std::vector<double>{1, 1, 0});
  CHECK(context.rule_generator.sampling.stop == std::vector<std::string>{"STOP", "END"});
  CHECK(context.rule_generator.sampling.max_new_tokens == 9);
  context.rows.clear();
  CHECK_THROWS_AS(evaluate(params, context), DataError);
  params.data.clear();
  CHECK_THROWS_AS(evaluate(params, context), ConfigError);
}

TEST_CASE("P-EVAL-05 bits per byte count the bytes of the text, P-EVAL-04 every token once") {
  const Files files;
  files.write("text.txt", "na\xC3\xAFve");
  RuleContext context;
  context.rule_scorer.rule = [](const std::string&, const std::string&) { return -4.158883083359672; };
  const auto file = files.write("text.yaml", "name: text\nkind: perplexity\ndata: text.txt\ninput: '{{text}}'\n");
  const EvalResult result = evaluate(of_task(file), context);
  CHECK(metric(result, "text_bits_per_byte").value == Approx(1));
  CHECK(metric(result, "text_word_perplexity").value == Approx(64));
  REQUIRE(context.rule_scorer.seen.size() == 1);
  CHECK(context.rule_scorer.seen[0].context_ids == std::vector<std::int32_t>{256});
  CHECK(context.rule_scorer.seen[0].continuation_ids.size() == 6);
}

TEST_CASE("several tasks have columns of their own, and a group has both means") {
  const Files files;
  files.write("quiz.jsonl", kQuestions);
  files.write("one.yaml",
              "name: one\nkind: multiple_choice\ndata: {path: quiz.jsonl, where: {topic: x}}\ninput: '{{q}}'\n"
              "choices: ['{{a}}', '{{b}}']\ngold: '{{right}}'\n");
  files.write("two.yaml",
              "name: two\nkind: multiple_choice\ndata: {path: quiz.jsonl, limit: 3}\ninput: '{{q}}'\n"
              "choices: ['{{a}}', '{{b}}']\ngold: '{{right}}'\n");
  RuleContext context;
  context.rule_scorer.rule = [](const std::string&, const std::string& option) { return option == " green" ? -1.0 : -2.0; };
  const EvalResult result =
      evaluate(of_task(files.write("both.yaml", "name: both\nkind: group\ntasks: [one.yaml, two.yaml]\n")), context);
  CHECK(result.examples.size() == 5);
  CHECK(column(result, "one_acc.den") == std::vector<double>{1, 1, 0, 0, 0});
  CHECK(column(result, "two_acc.num") == std::vector<double>{0, 0, 0, 1, 0});
  CHECK(metric(result, "both_acc").value == Approx(2.0 / 5));
  CHECK(metric(result, "both_acc_macro").value == Approx((1.0 / 2 + 1.0 / 3) / 2));
}

TEST_CASE("bad rows are refused with file and line") {
  const Files files;
  RuleContext context;
  const auto told = [&](const std::string& rows) {
    files.write("quiz.jsonl", rows);
    return message_of<DataError>([&] { evaluate(of_task(files.write("quiz.yaml", quiz())), context); });
  };
  CHECK(told("{\"q\": \"x\", \"a\": \"1\", \"right\": 0}\n").find("quiz.jsonl:1: task 'quiz': there is no field 'b'") == 0);
  CHECK(told("{\"q\": \"x\", \"a\": \"1\", \"b\": \"\", \"right\": 0}\n")
            .find("quiz.jsonl:1: task 'quiz': a choice is empty") == 0);
  CHECK(told("\n{\"q\": \"x\", \"a\": \"1\", \"b\": \"2\", \"right\": 2}\n")
            .find("quiz.jsonl:2: task 'quiz': the right answer is '2', must be a number from 0 for one of 2 choices") == 0);
  CHECK(told("").find("task 'quiz' has no rows") == 0);
  auto params = of_task(files.write("quiz.yaml", quiz()));
  params.data_root = "/nowhere";
  CHECK(message_of<DataError>([&] { evaluate(params, context); }).find("/nowhere/quiz.jsonl") != std::string::npos);
}
