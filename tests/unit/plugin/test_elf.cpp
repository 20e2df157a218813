// Files that are no plugin, or a plugin with damaged bytes: refused with one sentence, never a crash.
#include <catch.h>

#include <fstream>
#include <sstream>

#include "host/plugin/abi_probe.h"
#include "host/plugin/library.h"
#include "support.h"
#include "temper/error.h"
#include "temper/random.h"

namespace fs = std::filesystem;
using namespace temper;
using namespace temper::test;

namespace {

std::string bytes_of(const fs::path& file) {
  std::ostringstream out;
  out << std::ifstream(file, std::ios::binary).rdbuf();
  return std::move(out).str();
}

void write(const fs::path& file, const std::string& bytes) { std::ofstream(file, std::ios::binary) << bytes; }

bool refused(const fs::path& file) {
  Registry registry;
  try {
    load_library(file, registry);
  } catch (const PluginError&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_CASE("files that are no libraries are refused") {
  const Folder folder;
  const fs::path file = folder.path() / "dataset_x.so";
  std::string noise(5000, '\0');
  Rng rng(3);
  for (auto& c : noise) c = static_cast<char>(rng.below(256));
  for (const std::string& bytes : {std::string(), std::string("\x7f"),
                                   std::string("\x7f"
                                               "ELF"),
                                   std::string("#!/bin/sh\n"), noise,
                                   "\x7f"
                                   "ELF\x02\x01\x01" +
                                       noise}) {
    write(file, bytes);
    CHECK_THROWS_AS(read_abi_tag(file), PluginError);
    CHECK(refused(file));
  }
  CHECK_THROWS_AS(read_abi_tag(folder.path()), PluginError);
}

TEST_CASE("a plugin cut short anywhere is refused") {
  const Folder folder;
  const fs::path file = folder.path() / "dataset_x.so";
  const std::string whole = bytes_of(fixture("good"));
  REQUIRE(whole.size() > 1000);
  for (std::size_t cut = 0; cut < 40; ++cut) {
    write(file, whole.substr(0, cut * (whole.size() - 1) / 39));
    INFO(fs::file_size(file));
    CHECK(refused(file));
  }
}

TEST_CASE("a plugin with a damaged header or section table never crashes the probe") {
  const Folder folder;
  const fs::path file = folder.path() / "dataset_x.so";
  const std::string whole = bytes_of(fixture("good"));
  std::uint64_t table = 0;
  whole.copy(reinterpret_cast<char*>(&table), sizeof table, 40);  // e_shoff
  REQUIRE(table < whole.size());
  int refusals = 0, read = 0;
  for (std::uint64_t round = 0; round < 400; ++round) {
    Rng rng(derive_seed(9, round));
    std::string bytes = whole;
    for (std::uint64_t k = 0, changes = 1 + rng.below(4); k < changes; ++k) {
      const std::size_t at = rng.below(2) == 0 ? rng.below(64) : table + rng.below(whole.size() - table);
      bytes[at] = static_cast<char>(rng.below(256));
    }
    write(file, bytes);
    try {
      read_abi_tag(file);
      ++read;
    } catch (const PluginError&) {
      ++refusals;
    }
  }
  CHECK(refusals > 20);
  CHECK(read > 20);
}

TEST_CASE("an ABI tag that is none is refused, a field without a partner is shown") {
  CHECK_THROWS_AS(parse_abi_tag("hello"), PluginError);
  CHECK_THROWS_AS(parse_abi_tag("TEMPER-ABI|sdk|end"), PluginError);
  CHECK(describe_abi_mismatch(host_abi_tag(), host_abi_tag()).empty());
  const std::string text = describe_abi_mismatch("TEMPER-ABI|sdk=1|extra=2|end", "TEMPER-ABI|sdk=1|torch=3|end");
  CHECK_THAT(text, ContainsSubstring("extra") && ContainsSubstring("torch") && ContainsSubstring("(none)"));
}
