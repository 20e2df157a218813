// Loops on all cores, and texts in parts.
#include <atomic>
#include <string>
#include <vector>

#include "catch.h"
#include "host/util/on_all_cores.h"
#include "host/util/split.h"
#include "temper/error.h"

using namespace temper;

TEST_CASE("every piece is done once, whatever others throw, and the lowest one's words are heard") {
  std::vector<std::atomic<int>> done(100);
  std::string words;
  try {
    on_all_cores(done.size(), [&](std::size_t i) {
      ++done[i];
      if (i == 70 || i == 30) throw DataError("piece " + std::to_string(i));
    });
  } catch (const DataError& error) {
    words = error.what();
  }
  CHECK(words == "piece 30");
  for (const auto& count : done) CHECK(count == 1);
  CHECK_NOTHROW(on_all_cores(0, [](std::size_t) { throw DataError("there is nothing to do"); }));
}

TEST_CASE("parts are what stands between the separators") {
  CHECK(split("a,b,c", ',') == std::vector<std::string>{"a", "b", "c"});
  CHECK(split("a.,", ',') == std::vector<std::string>{"a.", ""});
  CHECK(split("", ',') == std::vector<std::string>{""});
}
