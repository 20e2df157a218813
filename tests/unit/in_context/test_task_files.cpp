// Task files: the ready ones can be read, and mistakes are one sentence with file and line.
#include "context.h"

using namespace temper;
using namespace temper::in_context;
using test::message_of;

namespace {

const std::string kGood =
    "name: quiz\nkind: multiple_choice\ndata: quiz.jsonl\ninput: '{{q}}'\nchoices: ['{{a}}', '{{b}}']\ngold: '{{right}}'\n";

std::string refusal(const std::string& yaml) {
  return message_of<ConfigError>([&] { parse_task(yaml, "quiz.yaml"); });
}

}  // namespace

TEST_CASE("every ready task can be read and is called like its file") {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(TEMPER_TASKS)) {
    const std::string name = entry.path().stem().string();
    INFO(name);
    const TaskSet set = load_tasks({name}, "", TEMPER_TASKS);
    CHECK((set.groups.empty() ? set.tasks.at(0).name : set.groups.at(0).first) == name);
    ++count;
  }
  CHECK(count >= 14);
  const TaskSet kobest = load_tasks({"kobest", "kobest_copa"}, "", TEMPER_TASKS);
  CHECK(kobest.tasks.size() == 5);
  CHECK(kobest.groups.at(0).second.size() == 5);
}

TEST_CASE("what is left out has its default") {
  const Task task = parse_task(kGood, "quiz.yaml");
  CHECK(task.target_delimiter == " ");
  CHECK(task.shot_separator == "\n\n");
  CHECK(task.shots == 0);
  CHECK(task.gold_as == GoldAs::kIndex);
  CHECK_FALSE(task.chat);
  CHECK_FALSE(task.truth);
}

TEST_CASE("mistakes in task files are named with file and line") {
  CHECK(parse_task(kGood, "quiz.yaml").name == "quiz");
  const auto unknown = refusal(kGood + "chioces: [a]\n");
  CHECK(unknown.find("quiz.yaml:7: the key 'chioces' is unknown here; did you mean 'choices'?") == 0);
  CHECK(refusal(kGood + "stop: [x]\n").find("quiz.yaml:7: the key 'stop' is unknown here") == 0);
  CHECK(refusal(kGood + "gold_as: letters\n").find("quiz.yaml:7: 'gold_as' is 'letters', must be one of index, number") ==
        0);
  CHECK(refusal(kGood + "shots: 2\n").find("quiz.yaml:7: 'shots' is 2, but there are no demonstrations") == 0);
  CHECK(refusal(kGood + "shots: many\n").find("quiz.yaml:7: 'shots' is 'many', must be a whole number of at least 0") == 0);
  CHECK(refusal(kGood + "balanced: maybe\n").find("quiz.yaml:7: 'balanced' is 'maybe', must be true or false") == 0);
  CHECK(refusal(kGood + "description: '{{x|upper}}'\n").find("quiz.yaml:7: 'description' has a bad template") == 0);
  CHECK(refusal(kGood + "name: twice\n").find("quiz.yaml:7: a key is given twice") == 0);
  CHECK(refusal("name: quiz\nkind: [x\n").find("not valid YAML") != std::string::npos);
  CHECK(refusal("- a\n").find("a task file is a YAML map") != std::string::npos);
  CHECK(refusal("name: Quiz!\nkind: perplexity\n").find("quiz.yaml:1: 'name' is 'Quiz!'") == 0);
  CHECK(refusal("name: quiz\nkind: quiz\n").find("quiz.yaml:2: 'kind' is 'quiz', must be one of multiple_choice") == 0);
  CHECK(refusal("name: quiz\nkind: perplexity\n").find("'data' is missing") != std::string::npos);
  CHECK(refusal("name: q\nkind: generation\ndata: d.csv\ninput: x\ngold: y\nextract: '('\n").find("q") != std::string::npos);
  CHECK(refusal("name: q\nkind: generation\ndata: d.csv\ninput: x\ngold: y\nnormalise: [upper]\n")
            .find("quiz.yaml:6: 'normalise' has 'upper', must be of case") == 0);
}

TEST_CASE("an unknown built-in task suggests the nearest, a missing file says where it looked") {
  const auto told = message_of<ConfigError>([] { load_tasks({"truthfulq"}, "", TEMPER_TASKS); });
  CHECK(told.find("no built-in task 'truthfulq'; did you mean 'truthfulqa'?") != std::string::npos);
  CHECK(message_of<ConfigError>([] { load_tasks({"nowhere.yaml"}, "/tmp", TEMPER_TASKS); }).find("/tmp/nowhere.yaml") !=
        std::string::npos);
}
