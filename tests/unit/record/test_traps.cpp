// Mistakes that other programs made with HDF5, one test each (P-HDF5-01 and -02 are in test_crash.cpp).
#include "support.h"

using namespace record_test;

TEST_CASE("P-HDF5-03 attributes around 64 KiB read back equal and the file opens") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  RecordFacts long_facts = facts();
  for (const int size : {65400, 65497, 65500, 65503, 65504, 200000}) {
    long_facts.host["text" + std::to_string(size)] = std::string(static_cast<std::size_t>(size), 'x') + "end";
  }
  RunRecord::create(path, long_facts);
  const RecordReader reader(path);
  for (const auto& [key, value] : long_facts.host) CHECK(reader.attribute("host_" + key) == value);
}

TEST_CASE("P-HDF5-04 NUL and invalid UTF-8 in texts read back byte-equal") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  using namespace std::string_literals;
  const std::vector<std::string> texts = {"ab\0cd"s,          "ab\0"s, "\0"s,       "", "größer",
                                          "\xEA\xB0\x80\xEB", "\\x00", "a\nb\t\x01"};
  RecordFacts odd = facts();
  odd.config_source = "a\0b\xff"s;
  odd.host["odd"] = "x\0y"s;
  const auto record = RunRecord::create(path, odd);
  record->write_eval("sft", "qa", eval_of(texts));
  record->write_eval("sft", "clean", eval_of({"plain", ""}));
  record->add_note("sft", "clean");
  record->add_note("sft", "n\0te"s);
  record->flush();
  const RecordReader reader(path);
  const EvalResult found = reader.eval("sft", "qa");
  REQUIRE(found.examples.size() == texts.size());
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(found.examples[i].response == texts[i]);
  CHECK(found.examples[0].prompt == "Say it.");
  CHECK(reader.config_source() == odd.config_source);
  CHECK(reader.attribute("host_odd") == "x\0y"s);
  CHECK(reader.notes("sft").at(0).text == "clean");
  CHECK(reader.notes("sft").at(1).text == "n\0te"s);
}

TEST_CASE("P-HDF5-05 no text is cut, whatever its length in bytes") {
  const Folder folder;
  const auto record = RunRecord::create(folder / "r.h5", facts());
  std::vector<std::string> texts;
  std::string text;
  for (int i = 0; i < 300; ++i) texts.push_back(text += "가나다");
  record->write_eval("sft", "qa", eval_of(texts));
  record->flush();
  const EvalResult found = RecordReader(folder / "r.h5").eval("sft", "qa");
  for (std::size_t i = 0; i < texts.size(); ++i) CHECK(found.examples[i].response == texts[i]);
}

TEST_CASE("P-HDF5-06 slashes and dots in names make no nested groups and the exact name comes back") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  using namespace std::string_literals;
  const std::vector<std::string> names = {"lr=0.1/bs=2", "a/../b", ".",     "..",          "",    "50%", "a%2Fb", "a b",
                                          "größe",       "a\0b"s,  "\xff!", "line\nbreak", "/abs"};
  {
    const auto record = RunRecord::create(path, facts());
    for (const auto& name : names) {
      record->begin_stage(name, {"sft", {}});
      record->declare_metric(name, {name, "", "Some number.", Better::kHigher});
      record->append(name, name, 3, 1.5);
      record->write_eval(name, name, eval_of({"x"}));
    }
    record->flush();
  }
  const auto again = RunRecord::open(path);
  CHECK(again->stage_names() == names);
  again->append("lr=0.1/bs=2", "lr=0.1/bs=2", 4, 2.5);
  again->flush();
  const RecordReader reader(path);
  for (const auto& name : names) {
    CHECK(again->has_eval(name, name));
    CHECK(reader.log_names(name) == std::vector<std::string>{name});
    CHECK(reader.evaluators(name) == std::vector<std::string>{name});
    CHECK(reader.log(name, name).at(0).value == 1.5);
  }
  CHECK(reader.log("lr=0.1/bs=2", "lr=0.1/bs=2").size() == 2);
}

TEST_CASE("P-HDF5-07 a resumed log has each step once") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  {
    const auto record = RunRecord::create(path, facts());
    record->begin_stage("sft", {"sft", {}});
    record->declare_metric("sft", kLoss);
    record->declare_metric("sft", {"validation_loss", "", "Loss on held-out data.", Better::kLower});
    for (int step = 0; step <= 7; ++step) record->append("sft", "loss", step, step);
    record->append("sft", "validation_loss", 6, 1);
    record->flush();
  }
  {
    const auto record = RunRecord::open(path);
    record->begin_stage("sft", {"sft", {}});
    record->declare_metric("sft", kLoss);
    record->truncate_log("sft", 4);
    for (int step = 5; step <= 9; ++step) record->append("sft", "loss", step, 10 * step);
    record->append("sft", "loss", 10, 0);
    record->truncate_log("sft", 9);  // also what is not flushed yet
    record->truncate_log("other", 0);
    record->flush();
  }
  CHECK(steps_of(path) == range(0, 9));
  CHECK(steps_of(path, "sft", "validation_loss").empty());
  CHECK(RecordReader(path).log("sft", "loss")[5].value == 50);
  const auto record = RunRecord::open(path);
  record->truncate_log("sft", -1);
  record->append("sft", "loss", 0, 1);
  record->flush();
  CHECK(steps_of(path) == range(0, 0));
}
