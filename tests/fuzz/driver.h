// A fuzzing driver without a special compiler: deterministic mutations of small valid files, given to a reader one after
// another. Every mutant has to load or to throw temper::Error; anything else (another exception, a signal, a second without
// an answer, memory above the bound) fails the test with the number that makes the same mutant again.
// Runs as an ordinary test, so the build with sanitizers runs it too.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace temper::fuzz {

struct Target {
  std::string name;                     ///< of a temporary file as well, so letters and dashes only
  std::vector<std::string> seeds;       ///< bytes of valid files; each has to load as it is
  std::vector<std::string> dictionary;  ///< words of the format, spliced in now and then
  std::function<void(const std::string& bytes)> read;
  std::uint64_t mutants = 4000;
  std::uint64_t memory = 256 << 20;  ///< bytes that reading one of these small files may take at most
};

/// main() of a fuzzing test: FUZZ [--mutants N] [--first N] [--seed N] [--seconds S]. Returns its exit code.
int fuzz_main(int argc, char** argv, const std::vector<Target>& targets);

/// The mutant of this number: bit flips, interesting integers, cuts, copies, insertions, splices of another seed.
std::string mutate(const Target& target, std::uint64_t seed, std::uint64_t number);

/// Writes the bytes to a file of this process and returns its path: for readers that open files.
std::string as_file(const std::string& name, const std::string& bytes);

}  // namespace temper::fuzz
