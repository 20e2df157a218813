// Files that are no records, or no longer: each gives one clear DataError, never a crash or a wrong answer.
#include <random>

#include "host/record/hdf5.h"
#include "support.h"

using namespace record_test;

namespace {

std::string open_error(const fs::path& path) {
  const std::string reading = error_from<DataError>([&] { RecordReader reader(path); });
  const std::string writing = error_from<DataError>([&] { RunRecord::open(path); });
  CHECK(reading == writing);
  return reading;
}

}  // namespace

TEST_CASE("missing, empty and foreign files are refused in clear words") {
  const Folder folder;
  CHECK_THAT(open_error(folder / "none.h5"), ContainsSubstring("does not exist"));
  write_bytes(folder / "empty.h5", "");
  CHECK_THAT(open_error(folder / "empty.h5"), ContainsSubstring("is empty"));
  write_bytes(folder / "text.h5", "this is a text, not HDF5\n");
  CHECK_THAT(open_error(folder / "text.h5"), ContainsSubstring("damaged or not a HDF5 file"));
  fs::create_directory(folder / "dir.h5");
  CHECK_THAT(open_error(folder / "dir.h5"), ContainsSubstring("is a folder"));
  {
    const h5::Session session;
    const h5::Handle file(H5Fcreate((folder / "other.h5").c_str(), H5F_ACC_EXCL, H5P_DEFAULT, H5P_DEFAULT));
    REQUIRE(file >= 0);
  }
  CHECK_THAT(open_error(folder / "other.h5"), ContainsSubstring("not a record of temper"));
  {
    const h5::Session session;
    const h5::Handle file(H5Fopen((folder / "other.h5").c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    h5::set_attribute(file, "schema_version", std::int64_t{99});
    h5::set_attribute(file, "temper_version", std::string("9.9"));
  }
  CHECK_THAT(open_error(folder / "other.h5"), ContainsSubstring("schema_version 99") && ContainsSubstring("9.9"));
  // The lock of a failed open must not stay.
  CHECK_FALSE(fs::exists(folder / "other.h5.lock"));
}

TEST_CASE("a record that another program changed still opens") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  RunRecord::create(path, facts());
  {
    const h5::Session session;
    const h5::Handle file(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT));
    REQUIRE(file >= 0);
    h5::set_attribute(file, "comment", std::string("added by hand"));
  }
  CHECK(RecordReader(path).attribute("comment") == "added by hand");
  const auto record = RunRecord::open(path);
  record->set_status("complete");
  record->flush();
  CHECK(RecordReader(path).attribute("comment") == "added by hand");
}

TEST_CASE("every truncation and every flipped byte is found") {
  const Folder folder;
  const fs::path path = folder / "r.h5";
  {
    const auto record = RunRecord::create(path, facts());
    record->declare_metric("sft", kLoss);
    for (int step = 0; step < 50; ++step) record->append("sft", "loss", step, step);
    record->write_eval("sft", "qa", eval_of({"a", "b"}));
    record->flush();
  }
  const std::string whole = read_bytes(path);
  std::mt19937 random(7);
  for (int i = 0; i < 60; ++i) {
    std::string cut = whole.substr(0, 1 + random() % (whole.size() - 200));
    write_bytes(path, cut);
    const std::string message = open_error(path);
    CHECK_THAT(message, ContainsSubstring("damaged"));
  }
  for (int i = 0; i < 100; ++i) {
    std::string flipped = whole;
    const std::size_t at = random() % (whole.size() - 100);
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (random() % 8)));
    write_bytes(path, flipped);
    CHECK_THAT(open_error(path), ContainsSubstring("check sum"));
  }
  write_bytes(path, whole);
  CHECK(steps_of(path).size() == 50);
}
